"""Postings: what one ended call, or one result of a batch, adds to the ledger, as rows.

A pure function of its record and its bill.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from . import conventions as c
from .bill import Bill
from .contain import contained
from .labels import Group, Labeller, Labels
from .ledger import Cell, Row
from .pricing import Charge
from .record import Attempt, CallRecord
from .wire import Iteration, Usage

_MODALITY: Final = (c.TOKEN_MODALITY, "unknown")
"""Anthropic gives no split by modality, and the convention requires the attribute."""
_5M: Final = (c.CACHE_TTL, "5m")
_1H: Final = (c.CACHE_TTL, "1h")

_CALL: Final = Group((c.CALLS.name, ()))
_RESULT: Final = Group((c.BATCH_REQUESTS.name, ()))
_ATTEMPT: Final = Group((c.ATTEMPTS.name, ()))
_UNPRICED: Final = Group((c.UNPRICED.name, ()))
_TOKENS: Final = Group(
    (c.INPUT_TOKENS.name, (_MODALITY,)),
    (c.OUTPUT_TOKENS.name, (_MODALITY,)),
    (c.CACHE_READ_TOKENS.name, (_MODALITY,)),
    (c.CACHE_WRITE_TOKENS.name, (_MODALITY, _5M)),
    (c.CACHE_WRITE_TOKENS.name, (_MODALITY, _1H)),
)
_REASONING: Final = Group((c.REASONING_TOKENS.name, (_MODALITY,)))
_SERVER_TOOLS: Final = Group(*((c.SERVER_TOOL_CALLS.name, ((c.TOOL_NAME, tool),)) for tool in c.SERVER_TOOLS))
_COST: Final = Group(*((c.COST.name, ((c.COST_TYPE, kind),)) for kind in c.COST_TYPES))
_CACHE: Final = Group((c.CACHE_SAVINGS.name, ()), (c.CACHE_OVERHEAD.name, (_5M,)), (c.CACHE_OVERHEAD.name, (_1H,)))


class Posting(NamedTuple):
    """One ended call, or one result of a batch, on its way into the ledger."""

    record: CallRecord
    bill: Bill
    labels: Labels
    """Those of the call's last answer."""


Of = Callable[["str | None"], Labels]
"""The labels of a call's answer by its model."""


def rows(posting: Posting, labeller: Labeller) -> list[Row]:
    """All rows of a call, or of a result. Each part by itself: one that fails leaves the others."""
    record, call = posting.record, posting.labels
    last = last_model(record)

    def of(model: str | None) -> Labels:
        # Nearly every call has one model, and finding labels hashes all its tags.
        return call if model == last else labels_of(record, labeller, model)

    found: list[Row] = []
    for part in _PARTS:
        try:
            found.extend(part(posting, of))
        except Exception:
            contained(f"added up the{part.__name__.replace('_', ' ')} of a call")
    return found


def _end(posting: Posting, _of: Of) -> Iterator[Row]:
    record, _, call = posting
    ended = ((c.STOP_REASON, stop_reason(record)), (c.ERROR_TYPE, record.error_type))
    if record.result is None:
        yield call.cells(_CALL, *ended), _ONE
    else:
        yield call.cells(_RESULT, *ended, (c.BATCH_RESULT, record.result)), _ONE


def _reasons(posting: Posting, _of: Of) -> Iterator[Row]:
    for reason in posting.bill.reasons:
        yield posting.labels.cells(_UNPRICED, (c.UNPRICED_REASON, reason)), _ONE


def _attempts(posting: Posting, _of: Of) -> Iterator[Row]:
    for attempt in posting.record.attempts:
        yield _attempt(posting.labels, attempt), _ONE


def _usage(posting: Posting, of: Of) -> Iterator[Row]:
    for answer in posting.record.answers:
        if answer.usage is not None:
            yield from _tokens(of, answer.model, answer.usage)


def _tools(posting: Posting, _of: Of) -> Iterator[Row]:
    for answer in posting.record.answers:
        if answer.usage is not None:
            yield from _server_tools(posting.labels, answer.usage)


def _cost(posting: Posting, of: Of) -> Iterator[Row]:
    for answer, price in zip(posting.record.answers, posting.bill.prices, strict=False):
        for charge in price.charges:
            yield from _costs(of(charge.model), charge, answer.usage or _NO_USAGE)


_PARTS: Final = (_end, _reasons, _attempts, _usage, _tools, _cost)
_ONE: Final = (1,)
_NO_USAGE: Final = Usage()


def _attempt(call: Labels, attempt: Attempt) -> tuple[Cell, ...]:
    return call.cells(
        _ATTEMPT,
        (c.STATUS_CODE, attempt.status),
        (c.ERROR_TYPE, attempt.error_type),
        (c.ATTEMPT_OUTCOME, attempt.outcome),
        (c.BLOCKED_REASON, attempt.blocked),
    )


def _tokens(of: Of, model: str | None, usage: Usage) -> Iterator[Row]:
    for part in billed_parts(usage):
        sampled = (part.model if isinstance(part, Iteration) else None) or model
        amounts = (part.total_input, part.output, part.cache_read, part.cache_write_5m, part.cache_write_1h)
        yield of(sampled).cells(_TOKENS), amounts
    if usage.thinking is not None:
        yield of(model).cells(_REASONING), (usage.thinking,)


def _server_tools(call: Labels, usage: Usage) -> Iterator[Row]:
    if usage.web_searches or usage.web_fetches or usage.code_executions:
        requests = (usage.web_searches, usage.web_fetches, usage.code_executions)
        yield call.cells(_SERVER_TOOLS), [count or None for count in requests]


def _costs(model: Labels, charge: Charge, usage: Usage) -> Iterator[Row]:
    served = model.cells(_COST, (c.RESPONSE_SERVICE_TIER, usage.service_tier), (c.SPEED, usage.speed))
    yield served, [amount or None for amount in charge.parts]
    if charge.savings or charge.overhead_5m or charge.overhead_1h:
        yield model.cells(_CACHE), [charge.savings or None, charge.overhead_5m or None, charge.overhead_1h or None]


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


def labels_of(record: CallRecord, labeller: Labeller, model: str | None) -> Labels:
    """The labels of a call's answer, or of a result's, by this model."""
    operation = c.CHAT if record.result is None else c.BATCH
    return labeller.of(record.caller, record.request.model, model, record.workspace_id, record.tags, operation)
