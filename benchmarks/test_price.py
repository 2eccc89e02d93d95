"""How long a price takes. Run: `.venv/bin/python -m pytest benchmarks/test_price.py`. No limits are asserted.

The answers here are as light as can be, so that the price is measured and not the answer.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any, NamedTuple

import pytest

from otel_claude.pricing import Platform, shipped
from otel_claude.pricing import load as _load  # the plain name is a benchmark's


class Entry(NamedTuple):
    type: str
    model: str | None
    input: int | None = 1000
    cache_read: int | None = 20_000
    cache_write_5m: int | None = 300
    cache_write_1h: int | None = 40
    output: int | None = 500


class Used(NamedTuple):
    input: int | None = 1000
    cache_read: int | None = 20_000
    cache_write_5m: int | None = 300
    cache_write_1h: int | None = 40
    output: int | None = 500
    web_searches: int = 0
    web_fetches: int = 0
    code_executions: int = 0
    service_tier: str | None = "standard"
    speed: str | None = "standard"
    inference_geo: str | None = "global"
    fallback_credit: str | None = None
    iterations: tuple[Entry, ...] | None = None
    malformed: bool = False


class Said(NamedTuple):
    model: str | None
    usage: Used | None
    stop_reason: str | None = "end_turn"
    complete: bool = True


PARTS = (Entry("compaction", None), Entry("advisor_message", "claude-fable-5-2"), Entry("message", None))
BEDROCK = {"platform": Platform("bedrock", "us-east-1"), "requested_model": "us.anthropic.claude-opus-5-5"}


@pytest.mark.parametrize(
    ("answer", "arguments"),
    [
        pytest.param(Said("claude-opus-5-5", Used()), {}, id="common"),
        pytest.param(Said("claude-haiku-5-5", Used()), {}, id="prompt-tier"),
        pytest.param(Said("claude-opus-5-5", Used()), BEDROCK, id="bedrock"),
        pytest.param(Said("claude-opus-5-5", Used(service_tier="batch")), {}, id="batch"),
        pytest.param(Said("claude-opus-5-5", Used(web_searches=2)), {}, id="web-search"),
        pytest.param(Said("claude-opus-5-5", Used(iterations=PARTS)), {}, id="three-iterations"),
        pytest.param(Said("claude-opus-5-5", Used(), complete=False), {}, id="aborted"),
        pytest.param(Said("claude-nobody-knows", Used()), {}, id="unknown-model"),
    ],
)
def test_price(benchmark: Any, answer: Said, arguments: dict[str, Any]) -> None:
    table, now = shipped(), time.time()
    price = table.price(answer, at=now, **arguments)
    assert benchmark(lambda: table.price(answer, at=now, **arguments)) == price


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
