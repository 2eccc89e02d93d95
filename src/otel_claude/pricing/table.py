"""The price table: finds the rates that hold for an response, and prices it.

Immutable once loaded, apart from a bounded memory of rates. Knows no file and no format.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from otel_claude.api import Response, Usage
from otel_claude.pricing import calculate, rows
from otel_claude.pricing import model_ids as ids
from otel_claude.pricing.calculate import simple
from otel_claude.pricing.rates import Circumstance, Rates, prepare
from otel_claude.pricing.types import ANTHROPIC, Platform, Price, made_price

_DAY = 86_400
_REMEMBERED = 1024
"""Rates kept. Model ids come from outside, so there must be a bound."""


class Served(NamedTuple):
    """By whom, when and as what an answer was asked for."""

    day: float
    """Days from 1970-01-01, whole, and a float because that is what dividing seconds gives."""
    platform: Platform
    requested_model: str | None


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
        self._common: dict[_Key, Rates] = {}
        """Those of them that are whole and without a caveat: what nearly every answer needs."""
        self._prepared: dict[tuple[str, Circumstance, bool], Rates | str] = {}
        """Rates by the id that the table has. A model has few of them, whatever ids it is called by."""

    def price(
        self,
        response: Response,
        *,
        at: float,
        platform: Platform = ANTHROPIC,
        requested_model: str | None = None,
        billed_elsewhere: bool = False,
        code_execution_free: bool = False,
    ) -> Price:
        """What the answer costs, in pico-dollars, or why that is not known.

        Args:
            response: what the API said.
            at: when, in seconds since the epoch. The day's prices count (UTC).
            platform: who serves the client.
            requested_model: the model as asked for. On clouds its form tells the endpoint; it never sets the price.
            billed_elsewhere: the request's billing_policy lets another organization pay.
            code_execution_free: the request had a web tool of 2026-02-09 or later, with which containers are free.
        """
        usage = response.usage
        if billed_elsewhere:
            return calculate.unpriced("billed_elsewhere", self.name)
        if usage is None:
            return calculate.unpriced("no_usage", self.name)
        model = response.model
        day = at // _DAY
        requested_model = None if platform is ANTHROPIC else requested_model
        key = (model, usage.service_tier, usage.speed, usage.inference_geo, day, platform, requested_model)
        rates = self._common.get(key)
        if rates is None and key not in self._rates:
            self._remember(key)
            rates = self._common.get(key)
        if (
            rates is not None
            and response.complete
            # One expression for everything that makes an answer special: this runs once per call.
            and not (
                usage.iterations
                or usage.web_searches
                or usage.web_fetches
                or usage.code_executions
                or usage.fallback_credit
                or usage.malformed
            )
            and response.stop_reason != "refusal"
        ):
            charge = simple(rates, model, usage)
            if charge is not None:
                return made_price(((charge,), None, "exact", self.name))

        return self._unusual(
            response, usage, Served(day, platform, requested_model), code_execution_free=code_execution_free
        )

    def common_rates(  # noqa: PLR0917 - the parts of one key, in its order
        self,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        day: float,
        platform: Platform,
        requested_model: str | None,
    ) -> Rates | None:
        """The rates that price a response of token counts alone exactly; None where there are none such.

        Args:
            model: As the API said it.
            tier: The service tier, as served.
            speed: The speed, as served.
            geo: Where it was served.
            day: Days from 1970-01-01 (UTC).
            platform: Who serves the client.
            requested_model: The model as asked for; on clouds its form tells the endpoint.
        """
        key = (model, tier, speed, geo, day, platform, None if platform is ANTHROPIC else requested_model)
        rates = self._rates.get(key) or self._remember(key)
        return rates if isinstance(rates, Rates) and rates.simple else None

    def _unusual(self, response: Response, usage: Usage, served: Served, *, code_execution_free: bool) -> Price:
        """Every case but the common one. A method of its own: a closure in `price` would slow its variables down."""

        def rates_of(model: str | None, speed: str | None) -> Rates | str:
            key = (
                model,
                usage.service_tier,
                speed,
                usage.inference_geo,
                served.day,
                served.platform,
                served.requested_model,
            )
            return self._rates.get(key) or self._remember(key)

        return calculate.price(
            response,
            usage,
            rates_of,
            self.name,
            refusals=self._refusals(served),
            code_execution_free=code_execution_free,
        )

    def knows(self, model: str) -> bool:
        """Whether the table has the model, be it without a price."""
        return ids.find(ids.parse(model).name, self.known) is not None

    def _refusals(self, served: Served) -> calculate.Refusals:
        since = self._terms[served.platform.name].refusals_free_from
        if since is None:
            return "unclear"
        return "free" if served.day >= since else "billed"

    def _remember(self, key: _Key) -> Rates | str:
        model, tier, speed, geo, day, platform, requested_model = key
        made = self._prepare(model, Served(day, platform, requested_model), tier=tier, speed=speed, geo=geo)
        if len(self._rates) >= _REMEMBERED:
            self._rates.clear()
            self._common.clear()
        self._rates[key] = made
        if isinstance(made, Rates) and made.simple:
            self._common[key] = made
        return made

    def _prepare(
        self, model: str | None, served: Served, *, tier: str | None, speed: str | None, geo: str | None
    ) -> Rates | str:
        if model is None:
            return "unknown_model"
        said = ids.parse(model)
        wanted = ids.parse(served.requested_model) if served.requested_model else said
        if said.provisioned or wanted.provisioned:
            return "provisioned_throughput"
        platform = served.platform.name
        if platform == "anthropic" and said.bedrock:
            platform = "bedrock"  # a gateway in between: the id tells who served it
        fast = self._fast_ids.get((platform, said.name))
        found = fast or ids.find(said.name, self.known)
        if found is None:
            return "unknown_model"
        terms = self._terms[platform]
        endpoint = said.endpoint or wanted.endpoint or _endpoint(platform, served.platform.region) or terms.endpoint
        at = Circumstance(int(served.day), platform, endpoint, tier, speed, geo)
        key = (found, at, fast is not None)
        made = self._prepared.get(key)
        if made is None:
            if len(self._prepared) >= _REMEMBERED:
                self._prepared.clear()
            made = prepare(self.models[found], at, terms, self._discounts, fast_id=fast is not None)
            self._prepared[key] = made
        return made


class NoPriceTable(PriceTable):
    """Stands for a table that cannot be read. It has no date and no name, and prices nothing."""

    def __init__(self) -> None:
        super().__init__("", {}, {}, {})

    def price(  # noqa: D102 - as in `PriceTable`
        self,
        response: Response,
        *,
        at: float,  # noqa: ARG002 - the base class's signature
        platform: Platform = ANTHROPIC,  # noqa: ARG002 - as above
        requested_model: str | None = None,  # noqa: ARG002 - as above
        billed_elsewhere: bool = False,
        code_execution_free: bool = False,  # noqa: ARG002 - as above
    ) -> Price:
        if billed_elsewhere:
            return calculate.unpriced("billed_elsewhere", self.name)
        return calculate.unpriced("no_usage" if response.usage is None else "no_price_table", self.name)


def _endpoint(platform: str, region: str | None) -> ids.Endpoint | None:
    """What the client's region says. Google Cloud: global is a location; Bedrock's regions serve global ids too."""
    if region is None:
        return None
    if platform == "bedrock":
        return "us_gov" if region.startswith("us-gov-") else None
    if platform in ("vertex", "google_cloud"):
        return "global" if region == "global" else "regional"
    return None
