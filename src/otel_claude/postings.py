"""Postings: what one ended call adds to the ledger, as rows. A pure function of its record and its bill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from . import conventions as c
from .bill import Bill
from .call import CallRecord
from .labels import Labeller
from .ledger import Key, Row
from .pricing import Charge
from .wire import Answer, Iteration, Usage

_MODALITY: Final = (c.TOKEN_MODALITY, "unknown")
"""Anthropic gives no split by modality, and the convention requires the attribute."""


class Posting(NamedTuple):
    """One ended call, on its way into the ledger."""

    record: CallRecord
    bill: Bill


def rows(posting: Posting, labels: Labeller) -> Iterator[Row]:
    """All rows of a call."""
    record, bill = posting
    call = _labels(record, labels, last_model(record))
    yield c.CALLS.name, _with(call, labels, (c.STOP_REASON, stop_reason(record)), (c.ERROR_TYPE, record.error_type)), 1
    for reason in bill.reasons:
        yield c.UNPRICED.name, _with(call, labels, (c.UNPRICED_REASON, reason)), 1
    yield from _attempts(record, labels, call)
    for answer in record.answers:
        if answer.usage is not None:
            yield from _tokens(record, labels, answer, answer.usage)
            yield from _server_tools(labels, call, answer.usage)
    for answer, price in zip(record.answers, bill.prices, strict=False):
        for charge in price.charges:
            yield from _costs(_labels(record, labels, charge.model), labels, charge, answer.usage)


def _costs(key: Key, labels: Labeller, charge: Charge, usage: Usage | None) -> Iterator[Row]:
    served = () if usage is None else ((c.RESPONSE_SERVICE_TIER, usage.service_tier), (c.SPEED, usage.speed))
    for kind in c.COST_TYPES:
        if amount := getattr(charge, kind):
            yield c.COST.name, _with(key, labels, (c.COST_TYPE, kind), *served), amount
    if charge.savings:
        yield c.CACHE_SAVINGS.name, key, charge.savings
    for ttl, overhead in (("5m", charge.overhead_5m), ("1h", charge.overhead_1h)):
        if overhead:
            yield c.CACHE_OVERHEAD.name, (*key, (c.CACHE_TTL, ttl)), overhead


def _attempts(record: CallRecord, labels: Labeller, call: Key) -> Iterator[Row]:
    for attempt in record.attempts:
        key = _with(
            call,
            labels,
            (c.ERROR_TYPE, attempt.error_type),
            (c.ATTEMPT_OUTCOME, attempt.outcome),
            (c.BLOCKED_REASON, attempt.blocked),
        )
        yield c.ATTEMPTS.name, key if attempt.status is None else (*key, (c.STATUS_CODE, attempt.status)), 1


def _tokens(record: CallRecord, labels: Labeller, answer: Answer, usage: Usage) -> Iterator[Row]:
    for part in billed_parts(usage):
        model = (part.model if isinstance(part, Iteration) else None) or answer.model
        key = (*_labels(record, labels, model), _MODALITY)
        for metric, tokens in (
            (c.INPUT_TOKENS, part.total_input),
            (c.OUTPUT_TOKENS, part.output),
            (c.CACHE_READ_TOKENS, part.cache_read),
        ):
            if tokens is not None:
                yield metric.name, key, tokens
        for ttl, tokens in (("5m", part.cache_write_5m), ("1h", part.cache_write_1h)):
            if tokens is not None:
                yield c.CACHE_WRITE_TOKENS.name, (*key, (c.CACHE_TTL, ttl)), tokens
    if usage.thinking is not None:
        yield c.REASONING_TOKENS.name, (*_labels(record, labels, answer.model), _MODALITY), usage.thinking


def _server_tools(labels: Labeller, call: Key, usage: Usage) -> Iterator[Row]:
    requests = (usage.web_searches, usage.web_fetches, usage.code_executions)
    for tool, count in zip(c.SERVER_TOOLS, requests, strict=True):
        if count:
            yield c.SERVER_TOOL_CALLS.name, _with(call, labels, (c.TOOL_NAME, tool)), count


def billed_parts(usage: Usage) -> tuple[Usage | Iteration, ...]:
    """What is billed of a usage: its iterations if it has them, else itself.

    Top-level counts leave out compaction, advisor and declined hops (facts/pricing.md, trap 2).
    """
    return usage.iterations or (usage,)


def last_model(record: CallRecord) -> str | None:
    """The model that gave the call's last answer."""
    return record.answers[-1].model if record.answers else None


def stop_reason(record: CallRecord) -> str | None:
    """Why the call's last answer stopped."""
    return record.answers[-1].stop_reason if record.answers else None


def _labels(record: CallRecord, labels: Labeller, model: str | None) -> Key:
    return labels.of(record.caller, record.request.model, model, record.workspace_id, record.tags).key


def _with(key: Key, labels: Labeller, *pairs: tuple[str, str | None]) -> Key:
    return (*key, *((name, labels.value(name, value)) for name, value in pairs if value is not None))
