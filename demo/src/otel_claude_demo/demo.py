"""`otel-claude demo`: everything shown with simulated calls, or with a few real ones."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Final, NoReturn

from rich.console import Console

from otel_claude import pricing, redact
from otel_claude.cli.arguments import Option

from . import show
from .amounts import usd

_BAD_USAGE: Final = 2
_NARROWEST, _WIDEST = 80, 100
"""As the summary, which is printed between the demo's own words."""


def command(
    seconds: Annotated[float, Option("--seconds", at_least=0.0, help="How long the simulated demo takes.")] = 20.0,
    live: Annotated[bool, Option("--live", help="Use the real API, with few and small calls.")] = False,
    yes: Annotated[bool, Option("--yes", help="With --live: do not ask before spending money.")] = False,
) -> None:
    """Show everything with simulated calls.

    Starts a simulated Messages API on this machine, lets three services call it for some seconds in every way that the
    anthropic SDK has, prints what that would have cost, and compares the measured with what the simulator served.
    With OTEL_EXPORTER_OTLP_ENDPOINT set, everything is exported there too.
    """
    shown = Console(highlight=False, markup=False, emoji=False)
    shown.width = max(_NARROWEST, min(shown.width, _WIDEST))
    if not live:
        sys.exit(show.simulated(shown, seconds))
    if not os.environ.get("ANTHROPIC_API_KEY", "").strip():
        _fail("--live calls the real API: set ANTHROPIC_API_KEY to your key first")
    from .bound import bound  # noqa: PLC0415 - loads the SDK, which takes a second

    most = bound(pricing.shipped(), at=time.time())
    shown.print(
        f"This makes up to {most.calls} calls to {_server()}, paid by your ANTHROPIC_API_KEY.\n"
        f"They cost at most ${usd(most.pico, 2)}: up to {most.input:,} input tokens at the price of cache writes,\n"
        f"{most.output:,} output tokens (the sum of max_tokens), and {most.searches} web search. "
        "Probably a fraction of it.\n"
    )
    if not yes:
        if not sys.stdin.isatty():
            _fail("there is nobody to ask whether to spend that: add --yes")
        if input("Go on? [y/N]: ").strip().lower() not in ("y", "yes"):
            sys.exit(0)
    sys.exit(show.live(shown))


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"otel-claude: {message}\n")
    sys.exit(_BAD_USAGE)


def _server() -> str:
    return redact.url(os.environ.get("ANTHROPIC_BASE_URL", "").strip() or "https://api.anthropic.com")
