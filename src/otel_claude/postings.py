"""Postings: what one ended call adds to the ledger, as rows. A pure function of its record and its bill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from . import conventions as c
from .bill import Bill
from .labels import Labeller, Labels
from .ledger import Row as LedgerRow
from .pricing import Charge
from .record import Attempt, CallRecord
from .wire import Answer, Iteration, Usage

_MODALITY: Final = (c.TOKEN_MODALITY, "unknown")
"""Anthropic gives no split by modality, and the convention requires the attribute."""


Row = LedgerRow[Labels]


class Posting(NamedTuple):
    """One ended call, on its way into the ledger."""

    record: CallRecord
    bill: Bill


def rows(posting: Posting, labeller: Labeller) -> Iterator[Row]:
    """All rows of a call."""
    record, told = posting
    call = _labels(record, labeller, last_model(record))
    yield c.CALLS.name, call.also((c.STOP_REASON, stop_reason(record)), (c.ERROR_TYPE, record.error_type)), 1
    for reason in told.reasons:
        yield c.UNPRICED.name, call.also((c.UNPRICED_REASON, reason)), 1
    for attempt in record.attempts:
        yield c.ATTEMPTS.name, _attempt(call, attempt), 1
    for answer in record.answers:
        if answer.usage is not None:
            yield from _tokens(record, labeller, answer, answer.usage)
            yield from _server_tools(call, answer.usage)
    for answer, price in zip(record.answers, told.prices, strict=False):
        for charge in price.charges:
            yield from _costs(_labels(record, labeller, charge.model), charge, answer.usage)


def _attempt(call: Labels, attempt: Attempt) -> Labels:
    return call.also(
        (c.STATUS_CODE, attempt.status),
        (c.ERROR_TYPE, attempt.error_type),
        (c.ATTEMPT_OUTCOME, attempt.outcome),
        (c.BLOCKED_REASON, attempt.blocked),
    )


def _tokens(record: CallRecord, labeller: Labeller, answer: Answer, usage: Usage) -> Iterator[Row]:
    for part in billed_parts(usage):
        model = (part.model if isinstance(part, Iteration) else None) or answer.model
        labels = _labels(record, labeller, model).also(_MODALITY)
        for metric, tokens in (
            (c.INPUT_TOKENS, part.total_input),
            (c.OUTPUT_TOKENS, part.output),
            (c.CACHE_READ_TOKENS, part.cache_read),
        ):
            if tokens is not None:
                yield metric.name, labels, tokens
        for ttl, tokens in (("5m", part.cache_write_5m), ("1h", part.cache_write_1h)):
            if tokens is not None:
                yield c.CACHE_WRITE_TOKENS.name, labels.also((c.CACHE_TTL, ttl)), tokens
    if usage.thinking is not None:
        yield c.REASONING_TOKENS.name, _labels(record, labeller, answer.model).also(_MODALITY), usage.thinking


def _server_tools(call: Labels, usage: Usage) -> Iterator[Row]:
    requests = (usage.web_searches, usage.web_fetches, usage.code_executions)
    for tool, count in zip(c.SERVER_TOOLS, requests, strict=True):
        if count:
            yield c.SERVER_TOOL_CALLS.name, call.also((c.TOOL_NAME, tool)), count


def _costs(model: Labels, charge: Charge, usage: Usage | None) -> Iterator[Row]:
    served = (
        model if usage is None else model.also((c.RESPONSE_SERVICE_TIER, usage.service_tier), (c.SPEED, usage.speed))
    )
    for kind in c.COST_TYPES:
        if amount := getattr(charge, kind):
            yield c.COST.name, served.also((c.COST_TYPE, kind)), amount
    if charge.savings:
        yield c.CACHE_SAVINGS.name, model, charge.savings
    for ttl, overhead in (("5m", charge.overhead_5m), ("1h", charge.overhead_1h)):
        if overhead:
            yield c.CACHE_OVERHEAD.name, model.also((c.CACHE_TTL, ttl)), overhead


def billed_parts(usage: Usage) -> tuple[Usage | Iteration, ...]:
    """What is billed of a usage: its iterations if it has them, else itself.

    Top-level counts leave out compaction, advisor and declined hops (Anthropic's pages on compaction and fallback).
    """
    return usage.iterations or (usage,)


def last_model(record: CallRecord) -> str | None:
    """The model that gave the call's last answer."""
    return record.answers[-1].model if record.answers else None


def stop_reason(record: CallRecord) -> str | None:
    """Why the call's last answer stopped."""
    return record.answers[-1].stop_reason if record.answers else None


def _labels(record: CallRecord, labeller: Labeller, model: str | None) -> Labels:
    return labeller.of(record.caller, record.request.model, model, record.workspace_id, record.tags)
