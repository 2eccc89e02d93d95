"""What a call, or a result of a batch, adds to the counters: the general case, of any number of responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from .. import semconv
from .._diagnostics import log_internal_error
from ..api.batches import BatchResult
from ..api.response import NO_USAGE, Iteration, Response, Usage
from ..pricing import CallCost, Charge
from ..tags import Tags
from .attributes import AttributeSet, AttributeSets
from .call import Attempt, Call, ClientInfo
from .counters import Increment
from .series import served_attributes

_MODALITY: Final = (semconv.TOKEN_MODALITY, "unknown")
"""Anthropic gives no split by modality, and the convention requires the attribute."""
_5M: Final = (semconv.CACHE_TTL, "5m")
_1H: Final = (semconv.CACHE_TTL, "1h")
_ByModel = Callable[["str | None"], AttributeSet]


def call_increments(call: Call, cost: CallCost, sets: AttributeSets) -> list[Increment]:
    """What a call that has ended adds. Each part by itself: one that fails takes no other."""
    responses = tuple(call.responses.values())
    last = responses[-1] if responses else Response()

    def by_model(model: str | None) -> AttributeSet:
        return sets.of(call.client, call.request.model, model, call.workspace_id, call.tags)

    base = by_model(last.model)
    return _whole_parts(
        ("count the end of a call", _call(base, last, call.error_type)),
        ("count the attempts of a call", _attempts(base, call.attempts)),
        *_parts_of_responses(base, by_model, responses, cost),
    )


class BatchOwner(NamedTuple):
    """Who reads the results of a batch, and in which workspace they were made."""

    client: ClientInfo
    workspace_id: str | None
    tags: Tags


def result_increments(owner: BatchOwner, result: BatchResult, cost: CallCost, sets: AttributeSets) -> list[Increment]:
    """What a result of a batch adds, each part by itself. It is no call, and has no attempts."""
    response = result.response or Response()

    def by_model(model: str | None) -> AttributeSet:
        return sets.of(owner.client, None, model, owner.workspace_id, owner.tags, semconv.BATCH)

    base = by_model(response.model)
    responses = () if result.response is None else (result.response,)
    return _whole_parts(
        ("count a result of a batch", _batch_result(base, response, result)),
        *_parts_of_responses(base, by_model, responses, cost),
    )


_Part = tuple[str, Iterator[Increment]]
"""What is done, and the increments of it, which are made when they are asked for."""


def _whole_parts(*parts: _Part) -> list[Increment]:
    """The increments of all parts. Of one that fails there are none, and it is logged."""
    found: list[Increment] = []
    for doing, increments in parts:
        try:
            found += list(increments)
        except Exception:
            log_internal_error(doing)
    return found


def _parts_of_responses(
    base: AttributeSet, by_model: _ByModel, responses: Sequence[Response], cost: CallCost
) -> Sequence[_Part]:
    return (
        ("count why a cost is not known", _reasons(base, cost.reasons)),
        ("count tokens", _tokens(by_model, responses)),
        ("count uses of server tools", _server_tools(base, responses)),
        ("count the diagnoses of the cache", _diagnoses(by_model, responses)),
        ("add up the cost", _costs(by_model, responses, cost)),
    )


def _call(base: AttributeSet, last: Response, error_type: str | None) -> Iterator[Increment]:
    ended = base.plus((semconv.STOP_REASON, last.stop_reason), (semconv.ERROR_TYPE, error_type))
    yield Increment(semconv.CALLS.name, ended, 1)


def _batch_result(base: AttributeSet, response: Response, result: BatchResult) -> Iterator[Increment]:
    ended = base.plus(
        (semconv.STOP_REASON, response.stop_reason),
        (semconv.ERROR_TYPE, result.error_type),
        (semconv.BATCH_RESULT, result.type or semconv.OTHER),
    )
    yield Increment(semconv.BATCH_RESULTS.name, ended, 1)


def _attempts(base: AttributeSet, attempts: Iterable[Attempt]) -> Iterator[Increment]:
    for attempt in attempts:
        attributes = base.plus(
            (semconv.STATUS_CODE, attempt.status),
            (semconv.ERROR_TYPE, attempt.error_type),
            (semconv.ATTEMPT_OUTCOME, attempt.outcome),
            (semconv.BLOCKED_REASON, attempt.blocked),
        )
        yield Increment(semconv.ATTEMPTS.name, attributes, 1)


def _reasons(base: AttributeSet, reasons: Iterable[str]) -> Iterator[Increment]:
    for reason in reasons:
        yield Increment(semconv.UNPRICED.name, base.plus((semconv.UNPRICED_REASON, reason)), 1)


def _tokens(by_model: _ByModel, responses: Iterable[Response]) -> Iterator[Increment]:
    for response in responses:
        if response.usage is not None:
            yield from _tokens_of_usage(by_model, response.model, response.usage)


def _tokens_of_usage(by_model: _ByModel, model: str | None, usage: Usage) -> Iterator[Increment]:
    for part in priced_parts(usage):
        sampled = (part.model if isinstance(part, Iteration) else None) or model
        tokens = by_model(sampled).plus(_MODALITY)
        for metric, attributes, amount in (
            (semconv.INPUT_TOKENS, tokens, part.total_input),
            (semconv.OUTPUT_TOKENS, tokens, part.output),
            (semconv.CACHE_READ_TOKENS, tokens, part.cache_read),
            (semconv.CACHE_WRITE_TOKENS, tokens.plus(_5M), part.cache_write_5m),
            (semconv.CACHE_WRITE_TOKENS, tokens.plus(_1H), part.cache_write_1h),
        ):
            yield Increment(metric.name, attributes, amount or 0)
    yield Increment(semconv.REASONING_TOKENS.name, by_model(model).plus(_MODALITY), usage.thinking or 0)


def _server_tools(base: AttributeSet, responses: Iterable[Response]) -> Iterator[Increment]:
    for response in responses:
        usage = response.usage or NO_USAGE
        counts = (usage.web_searches, usage.web_fetches, usage.code_executions)
        for tool, count in zip(semconv.SERVER_TOOLS, counts, strict=True):
            yield Increment(semconv.SERVER_TOOL_CALLS.name, base.plus((semconv.TOOL_NAME, tool)), count)


def _diagnoses(by_model: _ByModel, responses: Iterable[Response]) -> Iterator[Increment]:
    for response in responses:
        if response.diagnosis is not None:
            missed = by_model(response.model).plus(_miss_reason(response))
            yield Increment(semconv.CACHE_DIAGNOSES.name, missed, 1)
            yield Increment(semconv.CACHE_MISSED_TOKENS.name, missed, response.diagnosis.missed_tokens or 0)


def _miss_reason(response: Response) -> tuple[str, str]:
    diagnosis = response.diagnosis
    return semconv.CACHE_MISS_REASON, (diagnosis and diagnosis.reason) or semconv.OTHER


def _costs(by_model: _ByModel, responses: Sequence[Response], cost: CallCost) -> Iterator[Increment]:
    for response, price in zip(responses, cost.prices, strict=False):
        for charge in price.charges:
            model = by_model(charge.model)
            yield from _costs_of_charge(model, charge, response.usage or NO_USAGE)
            if charge.missed:
                yield Increment(semconv.CACHE_MISSED_COST.name, model.plus(_miss_reason(response)), charge.missed)


def _costs_of_charge(model: AttributeSet, charge: Charge, usage: Usage) -> Iterator[Increment]:
    served = served_attributes(model, usage.service_tier, usage.speed, usage.inference_geo)
    for name, amount in zip(semconv.COST_TYPES, charge.parts, strict=True):
        yield Increment(semconv.COST.name, served.plus((semconv.COST_TYPE, name)), amount)
    yield Increment(semconv.CACHE_SAVINGS.name, model, charge.savings)
    yield Increment(semconv.CACHE_OVERHEAD.name, model.plus(_5M), charge.overhead_5m)
    yield Increment(semconv.CACHE_OVERHEAD.name, model.plus(_1H), charge.overhead_1h)


def priced_parts(usage: Usage) -> tuple[Usage | Iteration, ...]:
    """What is billed of a usage: its iterations if it has them, else itself.

    Top-level counts leave out compaction, advisor and declined hops (Anthropic's pages on compaction and fallback).
    """
    return usage.iterations or (usage,)


def tokens_of(responses: Iterable[Response]) -> tuple[int | None, int | None]:
    """Total input and output of a call, as billed. What is not known of one response is not known of all.

    None for a call without a response: nothing was used, or nothing is known, and a zero would be a claim.
    """
    inputs: list[int | None] = []
    outputs: list[int | None] = []
    for response in responses:
        for part in priced_parts(response.usage or NO_USAGE):
            inputs.append(part.total_input)
            outputs.append(part.output if response.complete else None)
    return _sum(inputs), _sum(outputs)


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None
