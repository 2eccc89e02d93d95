"""The price of stored answers together, as one value, and as JSON. Knows no terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from ..api.json import MAX_COUNT
from ..api.response import Response, Usage
from ..pricing import ANTHROPIC, UNPRICED_REASONS, Platform, PriceTable, Rates, Status, price_response
from ..pricing.calculate import severest
from ..pricing.price_file import date_of, day_of
from ..pricing.table import Served
from ..pricing.types import DAY, decimal_text, joint_status
from ..semconv import COST_TYPES
from .answers import Answers

TOKEN_TYPES: Final = COST_TYPES[:5]
_USED_TYPES: Final = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "web_search")
"""The first fields of a `Usage`, in their order, and web searches."""
_MAX_PENDING: Final = 1_000


class Priced(NamedTuple):
    """What stored answers cost together, by type and model, and why that is not exact."""

    answers: int
    total: int
    """Pico-dollars, as far as known."""
    status: Status
    reasons: dict[str, int]
    """Answers by why they are not exact, the most severe first."""
    parts: dict[str, int]
    tokens: dict[str, int]
    """What the answers say; a type that none of them speaks of is absent."""
    models: dict[str, dict[str, int]]
    """The parts by model."""
    saved: int
    overhead: int
    retirements: dict[str, int]
    """When models retire on Anthropic's own platform, in seconds since the epoch, if that served them."""
    by_iterations: bool
    """Whether more was sampled than the usage's own counts say, so that there is no one price per token."""


class _Alike:
    """Answers of one model that have the same rates, and the same reason not to be exact: what they used.

    Args:
        model: The model as the API said it.
        rates: Its rates, or the reason why there are none.
        searched: Whether they searched the web.
        tier: Their service tier.
    """

    def __init__(self, model: str, rates: Rates | str, *, searched: bool, tier: str | None) -> None:
        self.model = model
        self.rates = rates if isinstance(rates, Rates) else None
        reasons = {rates} if isinstance(rates, str) else {*rates.caveats}
        self.bound: int | None = None
        """Tokens of total input above which these are not the rates."""
        self.least_output = 0
        """Tokens. A lower bound of nothing would be no price."""
        if isinstance(rates, Rates):
            if searched and rates.web_search is None:
                reasons.add("unknown_web_search_price")
            elif searched and tier == "batch":
                reasons.add("batch_web_search")
            self.bound = rates.tiers[0][0] if rates.tiers else None
            if reasons:
                self.least_output = -(-rates.denominator // rates.base.output) if rates.base.output else MAX_COUNT
        self.reason = severest(reasons)
        self.status: Status = "exact" if self.reason is None else "lower_bound" if self.rates else "unpriced"
        self.counts: list[tuple[int | None, ...]] = []


class Sums:
    """What answers cost that are priced at one time: a sum that grows by one after the other.

    Args:
        table: The prices.
        at: When the answers were made, in seconds since the epoch.
        platform: Who served them.
        requested_model: The model that was asked for, for clouds.
        chosen: Whether somebody chose that time. Of a day after the table's date it is not known then whether prices
            changed. Calls, which are priced when they are made, have no other prices.
    """

    def __init__(
        self, table: PriceTable, *, at: float, platform: Platform, requested_model: str | None, chosen: bool = False
    ) -> None:
        self._price = partial(price_response, table, at=at, platform=platform, requested_model=requested_model)
        self._table, self._served = table, Served(None, None, None, None, at // DAY, platform, requested_model)
        self._retires = table.retires if platform == ANTHROPIC else None
        self._is_after_table = chosen and at // DAY > day_of(table.date)
        self._alike: dict[Any, _Alike] = {}
        self._statuses: Counter[Status] = Counter()
        self._reasons: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._models: dict[str, Counter[str]] = {}
        self._saved = self._overhead = 0
        self._by_iterations = False

    def add(self, answer: Response) -> None:
        """One more. It runs for each line of what may be a large file: most are only put aside here."""
        usage = answer.usage
        if (
            usage is not None
            and (usage.plain or _is_counts(usage))
            and answer.complete
            and answer.stop_reason != "refusal"
        ):
            searches = usage.web_searches
            key = (answer.model, usage.service_tier, usage.speed, usage.inference_geo, searches > 0)
            alike = self._alike.get(key) or self._find_alike(*key)
            if (
                alike is not None
                and (output := usage.output) is not None
                and output >= alike.least_output
                and (total := usage.total_input) is not None
                and (alike.bound is None or total <= alike.bound)
            ):
                if not alike.counts and alike.rates is not None:
                    self._models.setdefault(alike.model, Counter())
                alike.counts.append((*usage[:5], searches) if searches else usage[:5])
                if len(alike.counts) >= _MAX_PENDING:
                    self._sum_up(alike)
                return
        self._add_priced(answer)

    def _find_alike(
        self, model: str | None, tier: str | None, speed: str | None, geo: str | None, searched: bool
    ) -> _Alike | None:
        """None where there are too many kinds of them, or no model is named."""
        if model is None or not self._table.models or len(self._alike) >= _MAX_PENDING:
            return None
        rates = self._table.rates(self._served._replace(model=model, tier=tier, speed=speed, geo=geo))
        found = self._alike[model, tier, speed, geo, searched] = _Alike(model, rates, searched=searched, tier=tier)
        return found

    def _sum_up(self, alike: _Alike) -> None:
        counts, alike.counts = alike.counts, []
        if not counts:
            return
        self._statuses[alike.status] += len(counts)
        if alike.reason is not None:
            self._reasons[alike.reason] += len(counts)
        used: dict[str, tuple[int | None, ...]] = dict(zip(_USED_TYPES, zip(*counts, strict=True), strict=False))
        for kind in TOKEN_TYPES:
            column = used[kind]
            if column.count(None) < len(column):
                self._tokens[kind] += sum(filter(None, column))
        if alike.rates is None:
            return
        rate, denominator = alike.rates.base, alike.rates.denominator

        def cost(kind: str, price: int) -> int:
            """Of one type. Each answer's is a whole number of pico-dollars, rounded half to even."""
            amounts = filter(None, used.get(kind, ()))
            if denominator == 1:
                return price * sum(amounts)
            return sum(_rounded(count * price, denominator) for count in amounts)

        prices = (*rate[:5], alike.rates.web_search or 0)
        self._add_parts(alike.model, [cost(kind, price) for kind, price in zip(COST_TYPES, prices, strict=True)])
        self._saved += cost("cache_read", rate.saving)
        self._overhead += cost("cache_write_5m", rate.overhead_5m) + cost("cache_write_1h", rate.overhead_1h)

    def _add_priced(self, answer: Response) -> None:
        price = self._price(answer)
        self._statuses[price.status] += 1
        if price.reason is not None:
            self._reasons[price.reason] += 1
        for charge in price.charges:
            self._add_parts(charge.model, charge.parts)
            self._saved += charge.savings
            self._overhead += charge.overhead_5m + charge.overhead_1h
        usage = answer.usage
        if usage is None:
            return
        self._by_iterations = self._by_iterations or bool(usage.iterations)
        # Top-level counts leave out compaction, advisor and declined hops.
        for part in usage.iterations or (usage,):
            for kind in TOKEN_TYPES:
                if (count := getattr(part, kind)) is not None:
                    self._tokens[kind] += count

    def _add_parts(self, model: str, parts: Iterable[int]) -> None:
        sums = self._models.setdefault(model, Counter())
        for kind, amount in zip(COST_TYPES, parts, strict=False):
            sums[kind] += amount

    def priced(self, *, unread: int = 0) -> Priced:
        """All of them together. `unread`: so many more could not be read."""
        for alike in self._alike.values():
            self._sum_up(alike)
        answers = sum(self._statuses.values())
        total = sum(sum(parts.values()) for parts in self._models.values())
        statuses, reasons = self._statuses.copy(), self._reasons.copy()
        if self._is_after_table and (exact := statuses.pop("exact", 0)):
            reasons["after_price_table"] = exact
            statuses["lower_bound" if total else "unpriced"] += exact
        if unread:
            reasons["invalid_result"] += unread
            statuses["unpriced"] += unread
        status = joint_status(statuses)
        return Priced(
            answers,
            total,
            status,
            {reason: reasons[reason] for reason in UNPRICED_REASONS if reason in reasons},
            _known({kind: sum(parts[kind] for parts in self._models.values()) for kind in COST_TYPES}, status),
            dict(self._tokens),
            {model: _known(parts, status) for model, parts in self._models.items()},
            self._saved,
            self._overhead,
            {
                model: day * DAY
                for model in self._models
                if self._retires is not None and (day := self._retires(model)) is not None
            },
            self._by_iterations,
        )


def _is_counts(usage: Usage) -> bool:
    """Whether it is well formed, and what it cost are its own counts and web searches."""
    return not (usage.malformed or usage.iterations or usage.fallback_credit or usage.code_executions)


def _rounded(amount: int, denominator: int) -> int:
    """As `round(Fraction(amount, denominator))`, and faster."""
    whole, rest = divmod(amount, denominator)
    return whole + (rest * 2 > denominator or (rest * 2 == denominator and whole % 2))


def json_of(found: Priced, answers: Answers, *, table: str, at: str, platform: Platform) -> dict[str, Any]:
    """One JSON object. Dollars are decimal strings; `usd` is None if nothing is known of the cost."""
    reason = next(iter(found.reasons), None)
    known = UNPRICED_REASONS.get(reason) if reason is not None else None
    return {
        "usd": None if found.status == "unpriced" else decimal_text(found.total),
        "status": found.status,
        "reason": reason,
        "meaning": known and known.meaning,
        "remedy": known and known.remedy,
        "parts": _texts(found.parts),
        "tokens": found.tokens,
        "cache": {
            "saved_usd": decimal_text(found.saved),
            "overhead_usd": decimal_text(found.overhead),
            "net_usd": decimal_text(found.saved - found.overhead),
        },
        "models": [
            {"model": model, "usd": decimal_text(sum(parts.values())), "parts": _texts(parts)}
            for model, parts in found.models.items()
        ],
        "retirements": {model: date_of(at // DAY) for model, at in found.retirements.items()},
        "answers": found.answers,
        "free": answers.free,
        "unread": answers.unread,
        "reasons": found.reasons,
        "form": answers.form,
        "table": table,
        "at": at,
        "platform": platform.name,
    }


def _known(parts: Mapping[str, int], status: Status) -> dict[str, int]:
    """A part that is 0 is known to be 0 only if the whole is exact."""
    return {kind: amount for kind in COST_TYPES if (amount := parts[kind]) or status == "exact"}


def _texts(parts: dict[str, int]) -> dict[str, str]:
    return {kind: decimal_text(amount) for kind, amount in parts.items()}
