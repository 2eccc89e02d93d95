"""Bill: what a call's answers cost together. Puts the wire's answers and the price table together."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from .conventions import COST_TYPES
from .pricing import ANTHROPIC, Platform, PlatformName, Price, PriceTable
from .record import Attempt, Caller, CallRecord
from .wire import Answer, Request, Shape

PICO: Final = 1_000_000_000_000
"""Pico-dollars in a dollar."""
_NOTHING: Final = (0,) * len(COST_TYPES)
_DAY: Final = 86_400
"""Seconds for which prices hold: those of a day, in UTC."""
_FREE: Final = frozenset({"refused", "not_sent"})
"""A call that the API refused costs nothing (official support article 8114526), nor one that was never sent."""


class Spent(Protocol):
    """What a bill needs to know of a call, open or ended."""

    @property
    def request(self) -> Request: ...  # noqa: D102
    @property
    def caller(self) -> Caller: ...  # noqa: D102
    @property
    def shape(self) -> Shape: ...  # noqa: D102
    @property
    def started_at(self) -> float: ...  # noqa: D102
    @property
    def attempts(self) -> Sequence[Attempt]: ...  # noqa: D102


class Bill(NamedTuple):
    """The price of each of a call's answers; why it is not the whole cost, if it is not; which table priced it.

    `status` is `exact`, `lower_bound` or `unpriced`. `parts` are the pico-dollars of each of `COST_TYPES`, as far as
    known.
    """

    prices: Sequence[Price]
    reasons: tuple[str, ...]
    status: str
    table: str
    parts: tuple[int, ...] = _NOTHING

    @property
    def total(self) -> int:
        """Pico-dollars, as far as known."""
        return sum(self.parts)


def bill(table: PriceTable, call: Spent, answers: tuple[Answer, ...], missing: str | None = None) -> Bill:
    """The bill of a call with these answers. `missing` says why there is none, as in `CallRecord`.

    An attempt that got no answer may have been billed, also if the SDK made another one that did get one.
    """
    unanswered = any(attempt.unanswered for attempt in call.attempts)
    if not answers:
        reason = "no_answer" if unanswered else missing
        if reason is None or reason in _FREE:
            return Bill((), (), "exact", table.name)
        return Bill((), (reason,), "unpriced", table.name)
    if call.caller.platform is None:
        return unpriced(table.name)
    platform = _platform(call.caller.platform, call.caller.region)
    prices: list[Price] = []
    reasons: tuple[str, ...] = ()
    status = None
    for answer in answers:
        price = table.price(
            answer,
            at=call.started_at,
            platform=platform,
            requested_model=call.request.model,
            billed_elsewhere=call.request.billed_elsewhere,
            code_execution_free=call.shape.code_execution_free,
        )
        prices.append(price)
        if price.reason is not None and price.reason not in reasons:
            reasons = (*reasons, price.reason)
        status = price.status if status is None or status == price.status else "lower_bound"
    if unanswered:
        reasons = (*reasons, "no_answer")
        status = "lower_bound" if status == "exact" else status
    return Bill(prices, reasons, status or "exact", table.name, _parts(prices))


def unpriced(table: str = "", missing: str | None = None) -> Bill:
    """The bill of a call that could not be priced, because something of ours failed. `missing` as in `bill`."""
    if missing in _FREE:
        return Bill((), (), "exact", table)
    return Bill((), (missing or "pricing_error",), "unpriced", table)


def _parts(prices: Sequence[Price]) -> tuple[int, ...]:
    charges = [charge.parts for price in prices for charge in price.charges]
    if len(charges) == 1:
        return charges[0]
    return tuple(map(sum, zip(*charges, strict=True))) or _NOTHING


def bill_since(table: PriceTable, record: CallRecord, since: float) -> Bill:
    """The bill of a result of a batch, that was made between `since` and the record's `started_at`.

    No result says when it was made. Where a price changed meanwhile, the lower one is what is sure.
    """
    days = (record.started_at,) if since // _DAY == record.started_at // _DAY else (since, record.started_at)
    bills = [bill(table, record._replace(started_at=at), record.answers, record.missing) for at in days]
    # A model that had no price yet was not there, and made no results.
    bills = [made for made in bills if "not_yet_priced" not in made.reasons] or bills
    first, last = bills[0], bills[-1]
    if first.prices == last.prices:
        return last
    least = min(bills, key=lambda made: made.total)
    status = "lower_bound" if least.total else "unpriced"
    return least._replace(reasons=(*least.reasons, "unclear_date"), status=status)


@lru_cache(maxsize=64)
def _platform(name: PlatformName, region: str | None) -> Platform:
    return ANTHROPIC if name == ANTHROPIC.name else Platform(name, region)
