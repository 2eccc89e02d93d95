"""What the responses of a call cost together, and those of a request in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..api import RequestFeatures, Response
from .table import PriceTable
from .types import Platform, Price, Status

_NO_PARTS: Final = (0,) * 6
_DAY: Final = 86_400
"""Seconds for which prices hold: those of a day, in UTC."""
_FREE: Final = frozenset({"rejected", "not_sent"})
"""A call that the API rejected costs nothing (official support article 8114526), nor one that was never sent."""


class CallCost(NamedTuple):
    """What a call cost, as far as known.

    `parts` are pico-dollars by type, in the order of `semconv.COST_TYPES`. `reasons` say why it is not the whole cost.
    `prices` are those of each response; empty where the parts are all there is to say.
    """

    parts: tuple[int, ...]
    total: int
    status: Status
    reasons: tuple[str, ...] = ()
    prices: Sequence[Price] = ()


def price_call(  # noqa: PLR0913 - each is named where it is called
    table: PriceTable,
    responses: Sequence[Response],
    *,
    at: float,
    platform: Platform | None,
    request: RequestFeatures,
    code_execution_free: bool = False,
    no_response: bool = False,
    reason: str | None = None,
) -> CallCost:
    """The cost of a call with these responses.

    Args:
        table: The prices.
        responses: What the API said, in order.
        at: When the call was made, in seconds since the epoch.
        platform: Who served it. None if that could not be found out.
        request: The features of its request.
        code_execution_free: Whether the request had a tool with which code execution is free.
        no_response: Whether an attempt got no response: it may have been billed, also if a further one got one.
        reason: Why there is no response, where there is none.
    """
    if not responses:
        if no_response:
            reason = "no_response"
        if reason is None or reason in _FREE:
            return CallCost(_NO_PARTS, 0, "exact")
        return CallCost(_NO_PARTS, 0, "unpriced", (reason,))
    if platform is None:
        return not_priced(None)
    prices: list[Price] = []
    reasons: list[str] = []
    status: Status | None = None
    for response in responses:
        price = table.price(
            response,
            at=at,
            platform=platform,
            requested_model=request.model,
            billed_elsewhere=request.billed_elsewhere,
            code_execution_free=code_execution_free,
        )
        prices.append(price)
        if price.reason is not None and price.reason not in reasons:
            reasons.append(price.reason)
        status = price.status if status is None or status == price.status else "lower_bound"
    if no_response:
        reasons.append("no_response")
        status = "lower_bound" if status == "exact" else status
    parts = [charge.parts for price in prices for charge in price.charges]
    summed = tuple(map(sum, zip(*parts, strict=True))) or _NO_PARTS
    return CallCost(summed, sum(summed), status or "exact", tuple(reasons), prices)


def not_priced(reason: str | None) -> CallCost:
    """The cost of a call that could not be priced because something of ours failed. `reason` as in `price_call`."""
    if reason in _FREE:
        return CallCost(_NO_PARTS, 0, "exact")
    return CallCost(_NO_PARTS, 0, "unpriced", (reason or "pricing_error",))


def price_batch_result(
    table: PriceTable,
    response: Response | None,
    *,
    since: float,
    until: float,
    platform: Platform | None,
    reason: str | None,
) -> CallCost:
    """The cost of a result of a batch that was made between two times (seconds since the epoch).

    No result says when it was made. Where a price changed meanwhile, the lower one is what is sure.
    """
    responses = () if response is None else (response,)
    days = (until,) if since // _DAY == until // _DAY else (since, until)
    costs = [price_call(table, responses, at=at, platform=platform, request=_NO_REQUEST, reason=reason) for at in days]
    # A model that had no price yet was not there, and made no results.
    costs = [cost for cost in costs if "not_yet_priced" not in cost.reasons] or costs
    first, last = costs[0], costs[-1]
    if first.prices == last.prices:
        return last
    lowest = min(costs, key=lambda cost: cost.total)
    return lowest._replace(
        reasons=(*lowest.reasons, "ambiguous_date"), status="lower_bound" if lowest.total else "unpriced"
    )


_NO_REQUEST: Final = RequestFeatures()
"""No result says what was asked for."""
