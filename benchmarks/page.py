"""Writes the figures into docs/performance.md, between two markers. The rest of the page is written by hand."""

from __future__ import annotations

import sys
from typing import Any, Final

from .environments import ROOT
from .table import report

PAGE: Final = ROOT / "docs" / "performance.md"
BEGIN: Final = "<!-- Written by `make bench ARGS=--docs`. Do not edit up to the end marker. -->"
END: Final = "<!-- End of what `make bench ARGS=--docs` writes. -->"


def write(results: dict[str, Any]) -> None:
    """Writes the page anew."""
    if not results["whole"]:
        sys.exit("These figures are of a part of the benchmarks, or of a quick run. Run `make bench` first.")
    PAGE.write_text(inserted(PAGE.read_text(encoding="utf-8"), report(results)), encoding="utf-8")


def inserted(page: str, text: str) -> str:
    """The page with this text between the markers.

    Raises:
        ValueError: It has not each marker once, in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise ValueError("the page has not each marker once, in order")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
