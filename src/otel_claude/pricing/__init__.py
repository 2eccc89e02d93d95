"""The price table and the exact arithmetic on it. Of ours it imports only `api`, `files` and `redact`.

`price_response(shipped(), response, at=time.time())` is what one response costs, in integer pico-dollars, or why that
is not known.
"""

from otel_claude.pricing.calculate import CallCost, not_priced, price_batch_result, price_call, price_response
from otel_claude.pricing.price_file import PriceTableError, load, shipped
from otel_claude.pricing.rates import Rates
from otel_claude.pricing.table import NO_PRICE_TABLE, PriceTable
from otel_claude.pricing.types import ANTHROPIC, PICO_PER_USD, Charge, Platform, PlatformName, Price, Status, to_usd
from otel_claude.pricing.unpriced import UNPRICED_REASONS
from otel_claude.pricing.user_prices import PriceFileError

__all__ = [
    "ANTHROPIC",
    "NO_PRICE_TABLE",
    "PICO_PER_USD",
    "UNPRICED_REASONS",
    "CallCost",
    "Charge",
    "Platform",
    "PlatformName",
    "Price",
    "PriceFileError",
    "PriceTable",
    "PriceTableError",
    "Rates",
    "Status",
    "load",
    "not_priced",
    "price_batch_result",
    "price_call",
    "price_response",
    "shipped",
    "to_usd",
]
