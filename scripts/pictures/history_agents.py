"""Hours of agents in a minute: the real instrumentation with a clock that jumps from minute to minute.

Sessions are the simulator's, asked for with the SDK. What the `claude` program reports is made up here in its own words
and recorded by the instrumentation's recorder: no program can live through hours in a minute. Called by
scripts/stack-pictures.
"""

from __future__ import annotations

import sys

import moments

SERVICE, ENDPOINT, MINUTES, UNTIL = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
BEGAN = moments.now = UNTIL - 60 * MINUTES

import math  # noqa: E402 - all after the clock
import random  # noqa: E402
from typing import Any  # noqa: E402

from opentelemetry import metrics  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402

from otel_claude import ClaudeInstrumentor  # noqa: E402
from otel_claude.agent_sdk.recorder import AgentRecorder  # noqa: E402
from otel_claude.agent_sdk.totals import Connection  # noqa: E402
from otel_claude.agent_sdk.totals import Sessions as Totals  # noqa: E402
from otel_claude.telemetry.metrics import instruments_of  # noqa: E402
from otel_claude_demo.simulator import Simulator  # noqa: E402
from otel_claude_demo.simulator.tariff import PRICES, charged  # noqa: E402
from otel_claude_demo.workload.acts import client  # noqa: E402
from otel_claude_demo.workload.agents import AgentTally, Sessions  # noqa: E402

PICO = 10**12
TURNS = {"research-agents": 5.0, "pull-request-bot": 3.0, "release-notes": 0.6}[SERVICE]
"""In a minute, at the peak."""
MODELS = {
    "research-agents": ("claude-opus-5-5", "claude-sonnet-5-5", "claude-sonnet-5-5"),
    "pull-request-bot": ("claude-sonnet-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"),
    "release-notes": ("claude-haiku-5-5",),
}[SERVICE]
FEATURES = {
    "research-agents": ("market", "papers", "papers"),
    "pull-request-bot": ("review", "review", "fix-tests"),
    "release-notes": ("release-notes",),
}[SERVICE]
ENDS = ("success",) * 110 + ("error_max_turns",) * 2 + ("error_during_execution",)
HAS_SESSIONS = SERVICE == "research-agents"
HAS_SUBSCRIPTION = SERVICE == "pull-request-bot"
NAMES = {"input": "inputTokens", "cache_read": "cacheReadInputTokens", "output": "outputTokens"}


def result(dice: random.Random) -> dict[str, Any]:
    """The end of a turn, as the program reports it (2.1.330)."""
    model = dice.choice(MODELS)
    used = {
        "input": dice.randint(40, 900),
        "cache_read": round(dice.lognormvariate(10.6, 0.7)),
        "cache_write_5m": round(dice.lognormvariate(8.6, 0.6)),
        "cache_write_1h": 0,
        "output": round(dice.lognormvariate(7.2, 0.6)),
    }
    reported: dict[str, Any] = {NAMES[name]: used[name] for name in NAMES}
    reported |= {"cacheCreationInputTokens": used["cache_write_5m"]}
    reported |= {"cacheCreationEphemeral5mInputTokens": used["cache_write_5m"]}
    reported |= {"costUSD": sum(charged(used, model, {}, PRICES).values()) / PICO, "provider": "firstParty"}
    usage = {model: reported}
    return {"type": "result", "subtype": dice.choice(ENDS), "modelUsage": usage, "model_usage_since_last_result": usage}


def limits(minute: int) -> dict[str, Any]:
    """A change of a limit: that of five hours fills, and began anew in the middle."""
    half = MINUTES // 2
    used = 0.35 + 0.6 * minute / half if minute < half else 0.62 * (minute - half) / half
    window = {"utilization": round(used, 3), "resetsAt": BEGAN + 60 * half + (0 if minute < half else 5 * 3600)}
    week = {"utilization": round(0.52 + 0.09 * minute / MINUTES, 3), "resetsAt": UNTIL + 40 * 3600}
    info = {
        "status": "allowed_warning" if used > 0.8 else "allowed",  # noqa: PLR2004 - where the program warns
        "rateLimitType": "five_hour",
        **window,
        "unifiedWindows": {"five_hour": window, "seven_day": week},
    }
    return {"type": "rate_limit_event", "rate_limit_info": info}


def main() -> None:
    """Lives through the hours."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource.create({"service.name": SERVICE, "service.version": "1.7.0"}))
    metrics.set_meter_provider(provider)
    ClaudeInstrumentor().instrument()
    instruments = instruments_of(provider, "1", 200, keep=True)
    instruments.add_agents()
    dice = random.Random(SERVICE)
    with Simulator() as simulator:
        sessions = Sessions(client(SERVICE, simulator.url), AgentTally()) if HAS_SESSIONS else None
        for minute in range(MINUTES + 1):
            moments.now = BEGAN + 60 * minute
            wave = 0.55 + 0.45 * math.sin(minute / 25 + len(SERVICE))
            for _ in range(int(TURNS * wave + dice.random())):
                tags = (("feature", dice.choice(FEATURES)),)
                AgentRecorder(instruments, Connection(Totals(), None), tags).on_message(result(dice))
            if HAS_SUBSCRIPTION and minute % 6 == 0:
                AgentRecorder(instruments, Connection(Totals(), None), ()).on_message(limits(minute))
            if sessions is not None and dice.random() < wave:
                sessions.round()
            moments.send(reader, ENDPOINT, BEGAN)


main()
