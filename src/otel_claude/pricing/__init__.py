"""The price table and the exact arithmetic on it. Imports of ours only `files` and `redact` outside this package.

`shipped().price(answer, at=time.time())` is what one answer costs, in integer pico-dollars, or why that is not known.
"""

from otel_claude.pricing.load import PriceTableError, load, shipped
from otel_claude.pricing.reasons import UNPRICED_REASONS, Reason
from otel_claude.pricing.table import NoPriceTable, PriceTable
from otel_claude.pricing.types import (
    ANTHROPIC,
    PICO_PER_USD,
    Answer,
    Charge,
    Counts,
    Iteration,
    Platform,
    PlatformName,
    Price,
    Status,
    Usage,
)
from otel_claude.pricing.userfile import PriceFileError

__all__ = [
    "ANTHROPIC",
    "PICO_PER_USD",
    "UNPRICED_REASONS",
    "Answer",
    "Charge",
    "Counts",
    "Iteration",
    "NoPriceTable",
    "Platform",
    "PlatformName",
    "Price",
    "PriceFileError",
    "PriceTable",
    "PriceTableError",
    "Reason",
    "Status",
    "Usage",
    "load",
    "shipped",
]
