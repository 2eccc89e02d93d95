"""The SDK's own list of models that retire, which it warns of in Python only."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from ..pricing.price_file import day_of

MODULES: Final = ("anthropic.resources.messages", "anthropic.resources.messages.messages", "anthropic._data")
"""Where it is, in 0.40 and in newer versions; 1.13 to 2.12 have two. All are imported with a client's messages."""
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DATE: Final = re.compile(rf"({'|'.join(_MONTHS)}) (\d{{1,2}})(?:st|nd|rd|th)?, (\d{{4}})")


def retirement_days() -> Mapping[str, int]:
    """The day of each model's end, from 1970-01-01. A date in another form than `November 30th, 2026` is left out."""
    lists: Any = [getattr(sys.modules.get(name), "DEPRECATED_MODELS", {}) for name in MODULES]
    days = {model: _day(str(text)) for listed in lists for model, text in listed.items()}
    return {model: day for model, day in days.items() if day is not None}


def _day(text: str) -> int | None:
    if (found := _DATE.fullmatch(text)) is None:
        return None
    month, day, year = found.groups()
    try:
        return day_of(f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}")
    except ValueError:
        return None
