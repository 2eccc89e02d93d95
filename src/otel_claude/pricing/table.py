"""The price table: finds the rates that hold for an answer, and prices it.

Immutable once loaded, apart from a bounded memory of rates. Knows no file and no format.
"""

from collections.abc import Iterable, Mapping

from otel_claude.pricing import bill, ids, rows
from otel_claude.pricing.rates import Circumstance, Rates, prepare
from otel_claude.pricing.types import ANTHROPIC, Answer, Platform, Price, made_price

_DAY = 86_400
_REMEMBERED = 1024
"""Rates kept. Model ids come from outside, so there must be a bound."""

_Key = tuple[str | None, str | None, str | None, str | None, float, Platform, str | None]


class PriceTable:
    """Prices with their dates, and the arithmetic on them."""

    def __init__(
        self,
        date: str,
        models: Mapping[str, rows.Model],
        known: Mapping[str, str],
        terms: Mapping[str, rows.Terms],
        discounts: Iterable[rows.Discount] = (),
        custom: str | None = None,
    ) -> None:
        """`known` maps every id and alias to an id of `models`."""
        self.date = date
        """The day that the shipped prices were checked."""
        self.name = f"{date}+{custom}" if custom else date
        """What a price says of its table: the date, and whether a user's file was merged over it."""
        self.models = models
        """Every model by its id."""
        self.known = known
        """The id that each id and alias stands for."""
        self._terms = terms
        self._discounts = tuple(discounts)
        self._fast_ids = {
            (platform, name): model.id for model in models.values() for platform, name in model.fast_ids.items()
        }
        self._rates: dict[_Key, Rates | str] = {}

    def price(
        self,
        answer: Answer,
        *,
        at: float,
        platform: Platform = ANTHROPIC,
        requested_model: str | None = None,
        billed_elsewhere: bool = False,
        code_execution_free: bool = False,
    ) -> Price:
        """What the answer costs, in pico-dollars, or why that is not known.

        Args:
            answer: what the API said.
            at: when, in seconds since the epoch. The day's prices count (UTC).
            platform: who serves the client.
            requested_model: the model as asked for. On clouds its form tells the endpoint; it never sets the price.
            billed_elsewhere: the request's billing_policy lets another organization pay.
            code_execution_free: the request had a web tool of 2026-02-09 or later, with which containers are free.
        """
        usage = answer.usage
        if billed_elsewhere:
            return bill.unpriced("billed_elsewhere", self.name)
        if usage is None:
            return bill.unpriced("no_usage", self.name)
        model = answer.model
        day = at // _DAY
        asked = None if platform is ANTHROPIC else requested_model
        key = (model, usage.service_tier, usage.speed, usage.inference_geo, day, platform, asked)
        rates = self._rates.get(key) or self._remember(key)
        if (
            type(rates) is Rates
            and rates.simple
            and answer.complete
            # One expression for everything that makes an answer special: this runs once per call.
            and not (
                usage.iterations
                or usage.web_searches
                or usage.web_fetches
                or usage.code_executions
                or usage.fallback_credit
                or usage.malformed
            )
            and answer.stop_reason != "refusal"
        ):
            charge = bill.simple(rates, model or "", usage)
            if charge is not None:
                return made_price(((charge,), None, "exact", self.name))

        def rates_of(model: str | None, speed: str | None) -> Rates | str:
            other = (model, usage.service_tier, speed, usage.inference_geo, day, platform, asked)
            return self._rates.get(other) or self._remember(other)

        return bill.price(
            answer,
            usage,
            rates_of,
            self.name,
            refusals=self._refusals(platform.name, int(day)),
            code_execution_free=code_execution_free,
        )

    def knows(self, model: str) -> bool:
        """Whether the table has the model, be it without a price."""
        return ids.find(ids.parse(model).name, self.known) is not None

    def _refusals(self, platform: str, day: int) -> bill.Refusals:
        since = self._terms[platform].refusals_free_from
        if since is None:
            return "unclear"
        return "free" if day >= since else "billed"

    def _remember(self, key: _Key) -> Rates | str:
        made = self._prepare(*key)
        if len(self._rates) >= _REMEMBERED:
            self._rates.clear()
        self._rates[key] = made
        return made

    def _prepare(
        self,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        day: float,
        platform: Platform,
        asked: str | None,
    ) -> Rates | str:
        if model is None:
            return "unknown_model"
        said = ids.parse(model)
        wanted = ids.parse(asked) if asked else said
        if said.provisioned or wanted.provisioned:
            return "provisioned_throughput"
        name = platform.name
        if name == "anthropic" and said.bedrock:
            name = "bedrock"  # a gateway in between: the id tells who served it
        fast = self._fast_ids.get((name, said.name))
        found = fast or ids.find(said.name, self.known)
        if found is None:
            return "unknown_model"
        terms = self._terms[name]
        endpoint = said.endpoint or wanted.endpoint or _endpoint(name, platform.region) or terms.endpoint
        return prepare(
            self.models[found],
            Circumstance(int(day), name, endpoint, tier, speed, geo),
            terms,
            self._discounts,
            fast_id=fast is not None,
        )


def _endpoint(platform: str, region: str | None) -> ids.Endpoint | None:
    """What the client's region says. Google Cloud: global is a location; Bedrock's regions serve global ids too."""
    if region is None:
        return None
    if platform == "bedrock":
        return "us_gov" if region.startswith("us-gov-") else None
    if platform in ("vertex", "google_cloud"):
        return "global" if region == "global" else "regional"
    return None
