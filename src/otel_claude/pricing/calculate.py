"""What one answer costs: the rates applied to its usage. Knows the billing rules, no prices and no model ids.

Everything that decides comes from the response, never from the request (facts of 2026-11-22, section 2).
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from otel_claude.api import Iteration, Response, Usage
from otel_claude.pricing.rates import Rate, Rates
from otel_claude.pricing.types import Charge, Price, made_charge
from otel_claude.pricing.unpriced import UNPRICED_REASONS

LIMIT = 1 << 30
"""No count of one answer reaches this. One that does is a broken number, not a bill of thousands of dollars."""

RatesOf = Callable[[str | None, str | None], Rates | str]
"""The rates of a model at a speed, or why there are none."""

Refusals = Literal["free", "billed", "unclear"]
"""What a refusal without output costs on the platform on the day."""

_SEVERITY = {reason: order for order, reason in enumerate(UNPRICED_REASONS)}


class Known(NamedTuple):
    """Counts that can be multiplied: 0 stands for what is absent or impossible."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int

    @property
    def prompt(self) -> int:
        """Total input: what the bounds of prompt tiers are compared with."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


def simple(rates: Rates, model: str | None, usage: Usage) -> Charge | None:
    """The charge of the common case: whole rates, nothing but tokens. None if a count is not usable."""
    new, out = usage.input, usage.output
    read, short, long = usage.cache_read or 0, usage.cache_write_5m or 0, usage.cache_write_1h or 0
    # One comparison for all five: a negative or an absurd count leaves a bit outside the limit.
    if new is None or out is None or model is None or not 0 <= (new | read | short | long | out) < LIMIT:
        return None
    a, b, c, d, e, saving, overhead_5m, overhead_1h = rates.of(new + read + short + long) if rates.tiers else rates.base
    return made_charge(
        (
            model,
            new * a,
            read * b,
            short * c,
            long * d,
            out * e,
            0,
            read * saving,
            short * overhead_5m,
            long * overhead_1h,
        )
    )


def price(
    response: Response, usage: Usage, rates_of: RatesOf, table: str, *, refusals: Refusals, code_execution_free: bool
) -> Price:
    """The price of any response: exact, a lower bound with its reason, or the reason alone."""
    # A malformed field may have said batch: without the tier not even a lower bound is sure.
    if usage.malformed and usage.service_tier is None:
        return unpriced("malformed_usage", table)
    if usage.fallback_credit not in (None, "redeemed", "not_applied"):
        # A redeemed credit is in the counts already (fallback page of 2026-08-13).
        return unpriced("fallback_credit", table)
    refused = _refused(response, usage, refusals)
    if refused and refusals == "unclear":
        return unpriced("ambiguous_refusal", table)
    cost = _ResponseCost(response, usage, rates_of, refused=refused)
    if usage.code_executions and not code_execution_free:
        cost.caveats.add("code_execution")
    if usage.iterations:
        cost.add_iterations(usage.iterations)
    elif not refused:
        cost.add_top_level()
    cost.add_searches()
    return cost.price(table)


def unpriced(reason: str, table: str) -> Price:
    """Nothing but a reason."""
    return Price((), reason, "unpriced", table)


def _refused(response: Response, usage: Usage, refusals: Refusals) -> bool:
    if response.stop_reason != "refusal" or not response.complete or refusals == "billed":
        return False
    # Amazon Bedrock reports one token of output for a refusal with empty content (AWS user guide, fallback credit).
    return usage.output == 0 or (refusals == "unclear" and usage.output == 1)


class _ResponseCost:
    """The sums of one response, by model, and what keeps them from being exact."""

    def __init__(self, response: Response, usage: Usage, rates_of: RatesOf, *, refused: bool) -> None:
        self._response = response
        self._usage = usage
        self._rates_of = rates_of
        self._refused = refused
        self.caveats: set[str] = set()
        # By model as the API said it: the denominator, and the nine numbers of a Charge times it.
        self._sums: dict[str, tuple[int, list[int]]] = {}
        if usage.malformed:
            self.caveats.add("malformed_usage")
        if not response.complete:
            self.caveats.add("incomplete_stream")

    def add_top_level(self) -> None:
        usage = self._usage
        known = self._known(usage)
        if not self._response.complete:
            known = known._replace(output=0)  # message_start's count is a placeholder
        rates = self._rates(self._response.model, usage.speed)
        if rates is None or self._response.model is None:
            return
        rate = rates.of(known.prompt)
        if rate is not rates.base and (usage.web_searches or usage.web_fetches or usage.code_executions):
            # Top-level usage sums the prompts of a server-tool loop: each may have been shorter than the bound.
            self.caveats.add("ambiguous_prompt_tier")
            rate = rates.base
        self._add(self._response.model, rates.per, rate, known)

    def add_iterations(self, iterations: Sequence[Iteration]) -> None:
        """Price the sum over the entries: compaction, advisor and declined hops are not in top-level usage."""
        fell_back = any(entry.type == "fallback_message" for entry in iterations)
        sampled: list[Known] = []
        for entry in iterations:
            known = self._known(entry)
            if entry.type in ("message", "fallback_message"):
                sampled.append(known)
                if entry.output == 0 and (self._refused or (fell_back and entry.type == "message")):
                    continue  # declined before output: reported, not charged (fallback page)
            elif entry.type not in ("compaction", "advisor_message"):
                self.caveats.add("unknown_iteration")
                continue
            elif self._refused:
                self.caveats.add("ambiguous_refusal")
                continue
            self._add_entry(entry, known, fell_back=fell_back)
        top = self._known(self._usage)
        if sum(known.output for known in sampled) < top.output or sum(k.prompt for k in sampled) < top.prompt:
            # Entries are what top-level usage sums; if they are less, some are missing.
            self.caveats.add("malformed_usage")

    def _add_entry(self, entry: Iteration, known: Known, *, fell_back: bool) -> None:
        own = self._response.model
        model = entry.model
        # Only these two kinds may leave the model out, and it is the answer's if only one model was at work.
        if model is None and entry.type in ("message", "compaction") and not fell_back:
            model = own
        if entry.type == "fallback_message":
            model = model or own
        speed = self._usage.speed
        if model != own and speed == "fast":
            # The speed is the answer's. Another model ran at it only if it can.
            speed = "standard"
            if isinstance(self._rates_of(model, "fast"), Rates):
                self.caveats.add("unknown_speed")
        rates = self._rates(model, speed)
        if rates is not None and model is not None:
            self._add(model, rates.per, rates.of(known.prompt), known)

    def add_searches(self) -> None:
        count = self._usage.web_searches
        model = self._response.model
        if not count:
            return
        if not 0 < count < LIMIT:
            self.caveats.add("malformed_usage")
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
        if rates.batch:
            self.caveats.add("batch_web_search")
        self._of(model, rates.per)[5] += count * rates.web_search

    def price(self, table: str) -> Price:
        charges = tuple(
            Charge(model, *(round_half_even(number, per) for number in numbers))
            for model, (per, numbers) in self._sums.items()
        )
        if not self.caveats:
            return Price(charges, None, "exact", table)
        reason = min(self.caveats, key=_SEVERITY.__getitem__)
        if not any(charge.total for charge in charges):
            return unpriced(reason, table)
        return Price(charges, reason, "lower_bound", table)

    def _known(self, counts: Usage | Iteration) -> Known:
        """The counts, noting what is absent or impossible."""
        said = (counts.input, counts.cache_read, counts.cache_write_5m, counts.cache_write_1h, counts.output)
        if any(count is not None and not 0 <= count < LIMIT for count in said):
            self.caveats.add("malformed_usage")
        if counts.input is None or (counts.output is None and self._response.complete):
            self.caveats.add("missing_counts")
        return Known(*(count if count is not None and 0 <= count < LIMIT else 0 for count in said))

    def _rates(self, model: str | None, speed: str | None) -> Rates | None:
        rates = self._rates_of(model, speed)
        if isinstance(rates, str):
            self.caveats.add(rates)
            return None
        self.caveats.update(rates.caveats)
        return rates

    def _of(self, model: str, per: int) -> list[int]:
        return self._sums.setdefault(model, (per, [0] * 9))[1]

    def _add(self, model: str, per: int, rate: Rate, known: Known) -> None:
        numbers = self._of(model, per)
        new, read, short, long, out = known
        for place, number in enumerate(
            (
                new * rate.input,
                read * rate.cache_read,
                short * rate.cache_write_5m,
                long * rate.cache_write_1h,
                out * rate.output,
                0,
                read * rate.saving,
                short * rate.overhead_5m,
                long * rate.overhead_1h,
            )
        ):
            numbers[place] += number


def round_half_even(number: int, per: int) -> int:
    """A number of parts as whole pico-dollars. Rounds once per class total, half to even; list prices never."""
    if per == 1:
        return number
    whole, rest = divmod(number, per)
    return whole + (2 * rest > per or (2 * rest == per and whole & 1 == 1))
