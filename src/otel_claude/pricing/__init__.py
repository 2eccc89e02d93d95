"""The price table and the exact arithmetic on it. Imports of ours only `files` and `redact` outside this package.

`shipped().price(answer, at=time.time())` is what one answer costs, in integer pico-dollars, or why that is not known.
"""

from otel_claude.pricing.call_cost import CallCost, not_priced, price_batch_result, price_call
from otel_claude.pricing.price_file import PriceTableError, load, shipped
from otel_claude.pricing.rates import Rates
from otel_claude.pricing.table import NoPriceTable, PriceTable
from otel_claude.pricing.types import ANTHROPIC, PICO_PER_USD, Charge, Platform, PlatformName, Price, Status, to_usd
from otel_claude.pricing.unpriced import UNPRICED_REASONS, Reason
from otel_claude.pricing.user_prices import PriceFileError

__all__ = [
    "ANTHROPIC",
    "PICO_PER_USD",
    "UNPRICED_REASONS",
    "CallCost",
    "Charge",
    "NoPriceTable",
    "Platform",
    "PlatformName",
    "Price",
    "PriceFileError",
    "PriceTable",
    "PriceTableError",
    "Rates",
    "Reason",
    "Status",
    "load",
    "not_priced",
    "price_batch_result",
    "price_call",
    "shipped",
    "to_usd",
]
