"""How long a price takes. Run: `.venv/bin/python -m pytest benchmarks/test_price.py`. No limits are asserted.

The responses are made before: the price is measured, and not how a response is parsed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from otel_claude.api.response import Iteration, Response, Usage
from otel_claude.pricing import Platform, price_response, shipped
from otel_claude.pricing import load as _load  # the plain name is a benchmark's

COUNTS = {"input": 1000, "cache_read": 20_000, "cache_write_5m": 300, "cache_write_1h": 40, "output": 500}


def iteration(type_: str, model: str | None) -> Iteration:
    return Iteration(type=type_, model=model, total_input=21_340, **COUNTS)


def said(model: str, *, complete: bool = True, **usage: Any) -> Response:
    served: dict[str, Any] = {"service_tier": "standard", "speed": "standard", "inference_geo": "global", **usage}
    return Response(model=model, stop_reason="end_turn", usage=Usage(**COUNTS, **served), complete=complete)


PARTS = (iteration("compaction", None), iteration("advisor_message", "claude-fable-5-2"), iteration("message", None))
BEDROCK = {"platform": Platform("bedrock", "us-east-1"), "requested_model": "us.anthropic.claude-opus-5-5"}


@pytest.mark.parametrize(
    ("response", "arguments"),
    [
        pytest.param(said("claude-opus-5-5"), {}, id="common"),
        pytest.param(said("claude-haiku-5-5"), {}, id="prompt-tier"),
        pytest.param(said("claude-opus-5-5"), BEDROCK, id="bedrock"),
        pytest.param(said("claude-opus-5-5", service_tier="batch"), {}, id="batch"),
        pytest.param(said("claude-opus-5-5", web_searches=2), {}, id="web-search"),
        pytest.param(said("claude-opus-5-5", iterations=PARTS), {}, id="three-iterations"),
        pytest.param(said("claude-opus-5-5", complete=False), {}, id="aborted"),
        pytest.param(said("claude-nobody-knows"), {}, id="unknown-model"),
    ],
)
def test_price(benchmark: Any, response: Response, arguments: dict[str, Any]) -> None:
    table, now = shipped(), time.time()
    price = price_response(table, response, at=now, **arguments)
    assert benchmark(lambda: price_response(table, response, at=now, **arguments)) == price


def test_load(benchmark: Any) -> None:
    assert benchmark(shipped.__wrapped__).date == _load(None).date


def test_first_price_of_a_process() -> None:
    """From the import to the first price, in a process of its own; printed with `-s`."""
    program = (
        "import time; from otel_claude.pricing import load; a = time.perf_counter(); load(None);"
        "print(f'{(time.perf_counter() - a) * 1e3:.2f} ms to load the table')"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    print(made.stdout)
    assert "ms to load" in made.stdout
