"""What responses cost: rates applied to their usage by the billing rules. Knows no prices and no model ids.

Everything that decides comes from the response, never from the request (facts of 2026-11-22, section 2). Ordinary calls
do not come here: the recorder multiplies their counts with `PriceTable.common_rates`.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import add
from typing import Final, NamedTuple

from otel_claude.api.request import RequestFeatures
from otel_claude.api.response import Iteration, Response, Usage
from otel_claude.pricing.rates import Rate, Rates
from otel_claude.pricing.table import PriceTable, Refusals, Served
from otel_claude.pricing.types import ANTHROPIC, DAY, Charge, Platform, Price, Status, joint_status
from otel_claude.pricing.unpriced import UNPRICED_REASONS

_SEVERITY: Final = {reason: order for order, reason in enumerate(UNPRICED_REASONS)}
_NO_PARTS: Final = (0,) * 6
_FREE: Final = frozenset({"rejected", "not_sent"})
"""A call that the API rejected costs nothing (official support article 8114526), nor one that was never sent."""
_NO_REQUEST: Final = RequestFeatures()
"""No result of a batch says what was asked for."""


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
        reason = "no_response" if no_response else reason
        return CallCost(_NO_PARTS, 0, "exact") if reason is None else not_priced(reason)
    if platform is None:
        return not_priced(None)
    prices = [
        price_response(
            table,
            response,
            at=at,
            platform=platform,
            requested_model=request.model,
            billed_elsewhere=request.billed_elsewhere,
            code_execution_free=code_execution_free,
        )
        for response in responses
    ]
    reasons = list(dict.fromkeys(price.reason for price in prices if price.reason is not None))
    status = joint_status(price.status for price in prices)
    if no_response:
        reasons.append("no_response")
        status = "lower_bound" if status == "exact" else status
    parts = [charge.parts for price in prices for charge in price.charges]
    summed = tuple(map(sum, zip(*parts, strict=True))) or _NO_PARTS
    return CallCost(summed, sum(summed), status, tuple(reasons), prices)


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
    days = (until,) if since // DAY == until // DAY else (since, until)
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


def price_response(
    table: PriceTable,
    response: Response,
    *,
    at: float,
    platform: Platform = ANTHROPIC,
    requested_model: str | None = None,
    billed_elsewhere: bool = False,
    code_execution_free: bool = False,
) -> Price:
    """What one response costs, in pico-dollars, or why that is not known.

    Args:
        table: The prices.
        response: What the API said.
        at: When, in seconds since the epoch. The day's prices count (UTC).
        platform: Who serves the client.
        requested_model: The model as asked for. On clouds its form tells the endpoint.
        billed_elsewhere: The request's billing_policy lets another organization pay.
        code_execution_free: The request had a web tool of 2026-02-09 or later, with which containers are free.
    """
    usage = response.usage
    if billed_elsewhere:
        return _unpriced("billed_elsewhere", table)
    if usage is None:
        return _unpriced("no_usage", table)
    if not table.models:
        return _unpriced("no_price_table", table)
    # A malformed field may have said batch: without the tier not even a lower bound is sure.
    if usage.malformed and usage.service_tier is None:
        return _unpriced("malformed_usage", table)
    if usage.fallback_credit not in (None, "redeemed", "not_applied"):
        # A redeemed credit is in the counts already (fallback page of 2026-08-13).
        return _unpriced("fallback_credit", table)
    response = response._replace(model=response.model or _unnamed_model(platform, requested_model))
    day = at // DAY
    served = Served(
        response.model, usage.service_tier, usage.speed, usage.inference_geo, day, platform, requested_model
    )
    refusals = table.refusals(served) if response.stop_reason == "refusal" and response.complete else "billed"
    refused = _is_refused(usage, refusals)
    if refused and refusals == "unclear":
        return _unpriced("ambiguous_refusal", table)
    cost = _ResponseCost(table, response, usage, served, refused=refused)
    if usage.code_executions and not code_execution_free:
        cost.caveats.add("code_execution")
    if usage.iterations:
        cost.add_iterations(usage.iterations)
    elif not refused:
        cost.add_top_level()
    cost.add_searches()
    return cost.price()


def severest(reasons: Iterable[str]) -> str | None:
    """The one that is reported, of all that apply to an answer."""
    return min(reasons, key=_SEVERITY.__getitem__, default=None)


def _unnamed_model(platform: Platform, requested_model: str | None) -> str | None:
    """The model of an answer that names none, as those of Bedrock's Converse: the requested one."""
    return requested_model if platform.name == "bedrock" else None


def _unpriced(reason: str, table: PriceTable) -> Price:
    return Price((), reason, "unpriced", table.name)


def _is_refused(usage: Usage, refusals: Refusals) -> bool:
    """Whether a refusal is one without output where those may be free."""
    if refusals == "billed":
        return False
    # Amazon Bedrock reports one token of output for a refusal with empty content (AWS user guide, fallback credit).
    return usage.output == 0 or (refusals == "unclear" and usage.output == 1)


class _Counts(NamedTuple):
    """Counts that can be multiplied: 0 stands for what is absent."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int

    @property
    def prompt(self) -> int:
        """Total input: what the bounds of prompt tiers are compared with."""
        return sum(self[:4])


class _ResponseCost:
    """The sums of one response, by model, and what keeps them from being exact."""

    def __init__(self, table: PriceTable, response: Response, usage: Usage, served: Served, *, refused: bool) -> None:
        self._table = table
        self._response = response
        self._usage = usage
        self._served = served
        self._refused = refused
        self.caveats: set[str] = set()
        self._missed = (response.diagnosis.missed_tokens if response.diagnosis is not None else None) or 0
        """Tokens of the cache diagnosis that were found in no counts yet."""
        # By model as the API said it: the denominator, and the ten numbers of a Charge times it. Rounded once, half to
        # even.
        self._sums: dict[str, tuple[int, list[int]]] = {}
        if usage.malformed:
            self.caveats.add("malformed_usage")
        if not response.complete:
            self.caveats.add("incomplete_stream")

    def add_top_level(self) -> None:
        usage, model = self._usage, self._response.model
        counts = self._counts(usage)
        if not self._response.complete:
            counts = counts._replace(output=0)  # message_start's count is a placeholder
        rates = self._rates(model, usage.speed)
        if rates is None or model is None:
            return
        prompt = counts.prompt
        if usage.web_searches or usage.web_fetches or usage.code_executions:
            # Top-level usage sums the prompts of a server-tool loop: each may have been shorter than the bound.
            if rates.of(prompt) is not rates.base:
                self.caveats.add("ambiguous_prompt_tier")
            prompt = 0
        self._add(model, rates, counts, prompt)

    def add_iterations(self, iterations: Sequence[Iteration]) -> None:
        """Price the sum over the entries: compaction, advisor and declined hops are not in top-level usage."""
        fell_back = any(entry.type == "fallback_message" for entry in iterations)
        sampled: list[_Counts] = []
        for entry in iterations:
            counts = self._counts(entry)
            if entry.type in ("message", "fallback_message"):
                sampled.append(counts)
                if entry.output == 0 and (self._refused or (fell_back and entry.type == "message")):
                    continue  # declined before output: reported, not charged (fallback page)
            elif entry.type not in ("compaction", "advisor_message"):
                self.caveats.add("unknown_iteration")
                continue
            elif self._refused:
                self.caveats.add("ambiguous_refusal")
                continue
            self._add_entry(entry, counts, fell_back=fell_back)
        top = self._counts(self._usage)
        if sum(counts.output for counts in sampled) < top.output or sum(c.prompt for c in sampled) < top.prompt:
            # Entries are what top-level usage sums; if they are less, some are missing.
            self.caveats.add("malformed_usage")

    def _add_entry(self, entry: Iteration, counts: _Counts, *, fell_back: bool) -> None:
        own = self._response.model
        model = entry.model
        # Only these kinds may leave the model out, and two of them only if one model alone was at work.
        if model is None and (
            entry.type == "fallback_message" or (entry.type in ("message", "compaction") and not fell_back)
        ):
            model = own
        if model != own and self._served.platform.name == "bedrock" and (model is None or not self._table.id_of(model)):
            # There a name that is not known has the rates of the requested model, which only the answer itself is of.
            self.caveats.add("unknown_model")
            return
        speed = self._usage.speed
        if model != own and speed == "fast":
            # The speed is the response's. Another model ran at it only if it can.
            speed = "standard"
            if isinstance(self._table.rates(self._served._replace(model=model)), Rates):
                self.caveats.add("unknown_speed")
        rates = self._rates(model, speed)
        if rates is not None and model is not None:
            self._add(model, rates, counts, counts.prompt)

    def add_searches(self) -> None:
        model = self._response.model
        if not self._usage.web_searches:
            return
        if self._refused:
            self.caveats.add("ambiguous_refusal")
            return
        rates = self._rates(model, self._usage.speed)
        if rates is None or model is None:
            return
        if rates.web_search is None:
            self.caveats.add("unknown_web_search_price")
            return
        if self._usage.service_tier == "batch":
            self.caveats.add("batch_web_search")
        self._sums_of(model, rates)[5] += self._usage.web_searches * rates.web_search

    def price(self) -> Price:
        charges = tuple(
            Charge(model, *(n if denominator == 1 else round(Fraction(n, denominator)) for n in numbers))
            for model, (denominator, numbers) in self._sums.items()
        )
        reason = severest(self.caveats)
        if reason is None:
            return Price(charges, None, "exact", self._table.name)
        if not any(charge.total for charge in charges):
            return _unpriced(reason, self._table)
        return Price(charges, reason, "lower_bound", self._table.name)

    def _counts(self, said: Usage | Iteration) -> _Counts:
        """The counts, noting what is absent."""
        if said.input is None or (said.output is None and self._response.complete):
            self.caveats.add("missing_counts")
        return _Counts(
            said.input or 0,
            said.cache_read or 0,
            said.cache_write_5m or 0,
            said.cache_write_1h or 0,
            said.output or 0,
        )

    def _rates(self, model: str | None, speed: str | None) -> Rates | None:
        rates = self._table.rates(self._served._replace(model=model, speed=speed))
        if isinstance(rates, str):
            self.caveats.add(rates)
            return None
        self.caveats.update(rates.caveats)
        return rates

    def _sums_of(self, model: str, rates: Rates) -> list[int]:
        return self._sums.setdefault(model, (rates.denominator, [0] * 10))[1]

    def _add(self, model: str, rates: Rates, counts: _Counts, prompt: int) -> None:
        rate = rates.of(prompt)
        new, read, write_5m, write_1h, output = counts
        sums = self._sums_of(model, rates)
        sums[:] = map(
            add,
            sums,
            (
                new * rate.input,
                read * rate.cache_read,
                write_5m * rate.cache_write_5m,
                write_1h * rate.cache_write_1h,
                output * rate.output,
                0,
                read * rate.saving,
                write_5m * rate.overhead_5m,
                write_1h * rate.overhead_1h,
                self._cost_of_misses(rate, counts),
            ),
        )

    def _cost_of_misses(self, rate: Rate, counts: _Counts) -> int:
        """What the tokens of a cache diagnosis cost above a cache read, as they were billed.

        A prompt that misses is written to the cache anew as far as it has breakpoints, those for an hour first (page on
        prompt caching); the rest is uncached input. Of more tokens than were billed so, nothing is known.
        """
        cost = 0
        for tokens, price in (
            (counts.cache_write_1h, rate.cache_write_1h),
            (counts.cache_write_5m, rate.cache_write_5m),
            (counts.input, rate.input),
        ):
            missed = min(self._missed, tokens)
            self._missed -= missed
            cost += missed * (price - rate.cache_read)
        return cost
