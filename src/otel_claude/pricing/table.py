"""The price table: finds the rates that hold for a response. Immutable, apart from a bounded memory of rates."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from otel_claude.pricing import model_ids as ids
from otel_claude.pricing.rates import PricingContext, Rates, prepare
from otel_claude.pricing.types import ANTHROPIC, Discount, Endpoint, Model, Platform, PlatformName, PlatformRules

_NO_MARKUP: Final = Fraction(1)
_MAX_REMEMBERED: Final = 1024
"""Rates kept. Model ids come from outside, so there must be a bound."""

Refusals = Literal["free", "billed", "unclear"]
"""What a refusal without output costs on the platform on the day."""


class Served(NamedTuple):
    """By whom, when and as what a response was served: what its rates depend on."""

    model: str | None
    tier: str | None
    speed: str | None
    geo: str | None
    day: float
    """Days from 1970-01-01 (UTC), whole, and a float because that is what dividing seconds gives."""
    platform: Platform
    requested_model: str | None
    """The model that was requested. On clouds its form tells the endpoint; it never sets the price."""


class Named(NamedTuple):
    """What the model's names and the client's platform say."""

    model: str
    """The id that the table has."""
    platform: PlatformName
    endpoint: Endpoint | None
    fast: bool
    """Whether the id itself says so."""
    markup: Fraction | None
    """What a gateway multiplies the price by; 1 without one. None if that is not known."""


class Own(NamedTuple):
    """What a user's own file says beside models and platforms."""

    name: str | None = None
    discounts: tuple[Discount, ...] = ()
    forms: Mapping[str, ids.Form] = MappingProxyType({})
    """Of names that do not say by themselves how what they stand for is served."""
    markups: Mapping[str, Fraction] = MappingProxyType({})
    """What gateways multiply prices by, by the prefix that they write before ids."""


_NOTHING: Final = Own()


class PriceTable:
    """Prices with their dates."""

    def __init__(
        self,
        date: str,
        models: Mapping[str, Model],
        known: Mapping[str, str],
        rules: Mapping[str, PlatformRules],
        own: Own = _NOTHING,
    ) -> None:
        """`known` maps every id and alias to an id of `models`; `rules` are by platform."""
        self.date = date
        """The day that the shipped prices were checked."""
        self.name = f"{date}+{own.name}" if own.name else date
        """What a price says of its table: the date, and whether a user's file was merged over it."""
        self.models = models
        self.known = known
        self._rules = rules
        self._own = own
        self._fast_ids = {
            (platform, name): model.id for model in models.values() for platform, name in model.fast_ids.items()
        }
        self.rates: Callable[[Served], Rates | str] = lru_cache(_MAX_REMEMBERED)(self._find)
        """The rates that hold, or the reason why there are none."""
        self._rates_of: Callable[[str, PricingContext], Rates | str] = lru_cache(_MAX_REMEMBERED)(self._prepare)
        """By the id that the table has. A model has few rates, whatever ids it is called by."""

    def common_rates(  # noqa: PLR0917 - the fields of `Served`
        self,
        model: str | None,
        tier: str | None,
        speed: str | None,
        geo: str | None,
        day: float,
        platform: Platform,
        requested_model: str | None,
    ) -> Rates | None:
        """The rates that price a response of token counts alone exactly; None where there are none such."""
        rates = self.rates(Served(model, tier, speed, geo, day, platform, requested_model))
        return rates if isinstance(rates, Rates) and rates.denominator == 1 and not rates.caveats else None

    def refusals(self, served: Served) -> Refusals:
        """Whether a refusal without output is billed."""
        named = self.named(served.model, served.platform, served.requested_model)
        platform = served.platform.name
        if not isinstance(named, str):
            if named.markup is None:
                return "unclear"
            platform = named.platform
        since = self._rules[platform].refusals_free_from
        if since is None:
            return "unclear"
        return "free" if served.day >= since else "billed"

    def retires(self, model: str) -> int | None:
        """The day on which a model retires on Anthropic's own platform. None if not known, or served elsewhere."""
        named = self.named(model, ANTHROPIC, None)
        if isinstance(named, str) or named.platform != ANTHROPIC.name or named.markup is None:
            return None
        return self.models[named.model].retires

    def id_of(self, model: str) -> str | None:
        """The id that the table has for a model, be it without a price."""
        return ids.lookup(self._form(model), self.known)

    def _form(self, model: str) -> ids.Form:
        if (own := self._own.forms.get(model)) is not None:
            return own
        form = ids.parse(model)
        inner = self._own.forms.get(form.name)
        return form if inner is None else ids.merged(form, inner)._replace(prefix=form.prefix)

    def _find(self, served: Served) -> Rates | str:
        named = self.named(served.model, served.platform, served.requested_model)
        if isinstance(named, str):
            return named
        speed = "fast" if named.fast and served.speed in (None, "standard") else served.speed
        return self._rates_of(
            named.model,
            PricingContext(
                int(served.day), named.platform, named.endpoint, served.tier, speed, served.geo, named.markup
            ),
        )

    def named(self, model: str | None, platform: Platform, requested_model: str | None) -> Named | str:
        """What the names say that decides the rates, or the reason why there are none. Names can be many, this not."""
        if platform.name == "bedrock" and requested_model is not None and (model is None or self.id_of(model) is None):
            model = requested_model  # Converse names no model, and InvokeModel can name an internal one.
        if model is None:
            return "unknown_model"
        said = self._form(model)
        wanted = self._form(requested_model) if requested_model and platform != ANTHROPIC else said
        if said.provisioned or wanted.provisioned:
            return "provisioned_throughput"
        markup = _NO_MARKUP if said.prefix is None else self._markup(said.prefix)
        name = platform.name
        if name == "anthropic" and said.bedrock and markup is not None:
            name = "bedrock"  # a gateway in between: the id tells who served it
        fast = self._fast_ids.get((name, said.name))
        found = fast or ids.lookup(said, self.known)
        if found is None:
            return "unknown_model"
        endpoint = said.endpoint or wanted.endpoint or _endpoint(name, platform.region) or self._rules[name].endpoint
        return Named(found, name, "global" if markup is None else endpoint, fast is not None, markup)

    def _markup(self, prefix: str) -> Fraction | None:
        """What the user's file says of a gateway: of the whole prefix, else of the longest part that it begins with."""
        while prefix not in self._own.markups and "/" in prefix:
            prefix = prefix.rpartition("/")[0]
        return self._own.markups.get(prefix)

    def _prepare(self, model: str, at: PricingContext) -> Rates | str:
        return prepare(self.models[model], at, self._rules[at.platform], self._own.discounts)


NO_PRICE_TABLE: Final = PriceTable("", {}, {}, {})
"""Stands for a table that cannot be read. It has no date and no name, and prices nothing."""


def _endpoint(platform: str, region: str | None) -> Endpoint | None:
    """What the client's region says. Google Cloud: global is a location; Bedrock's regions serve global ids too."""
    if region is None:
        return None
    if platform == "bedrock":
        return "us_gov" if region.startswith("us-gov-") else None
    if platform in ("vertex", "google_cloud"):
        return "global" if region == "global" else "regional"
    return None
