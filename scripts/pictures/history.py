"""Hours of one service's telemetry in a minute: the real instrumentation with a clock that jumps from minute to minute.

Called by scripts/stack-pictures. The clock is set before anything that reads it is imported.
"""

from __future__ import annotations

import sys

import moments

SERVICE, ENDPOINT, MINUTES, UNTIL = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
BEGAN = moments.now = UNTIL - 60 * MINUTES

import math  # noqa: E402 - all after the clock
import random  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402

from opentelemetry import metrics, trace  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402

from otel_claude import ClaudeInstrumentor  # noqa: E402
from otel_claude_demo.simulator import Limits, Pace, Simulator  # noqa: E402
from otel_claude_demo.workload.acts import client, round_of  # noqa: E402
from otel_claude_demo.workload.tally import Tally  # noqa: E402

BUSY_MINUTES = 25
"""How long the report runs in each hour."""
PEAK = {"support-chat": 12, "code-agent": 8, "nightly-report": 5}[SERVICE]
LIMITS = {
    "support-chat": Limits(requests=40, input_tokens=60_000, output_tokens=5_000),
    "code-agent": Limits(requests=30, input_tokens=90_000, output_tokens=4_000),
    "nightly-report": Limits(requests=60, input_tokens=120_000, output_tokens=9_000),
}[SERVICE]


def main() -> None:
    """Lives through the hours."""
    reader = InMemoryMetricReader()
    resource = Resource.create({"service.name": SERVICE, "service.version": "2.4.1"})
    metrics.set_meter_provider(MeterProvider([reader], resource))
    trace.set_tracer_provider(TracerProvider(resource=resource))
    ClaudeInstrumentor().instrument()
    tally, dice = Tally(), random.Random(SERVICE)
    with Simulator(limits=LIMITS, pace=Pace(0.12, 4000.0)) as simulator, ThreadPoolExecutor(8) as pool:
        calling = client(SERVICE, simulator.url)
        for minute in range(MINUTES + 1):
            moments.now = BEGAN + 60 * minute
            wave = (
                0.55 + 0.45 * math.sin(minute / 28)
                if SERVICE != "nightly-report"
                else float(minute % 60 < BUSY_MINUTES)
            )
            rounds = round(PEAK * wave * dice.uniform(0.7, 1.3))
            list(pool.map(lambda _: round_of(SERVICE, calling, tally, dice), range(rounds)))
            moments.send(reader, ENDPOINT, BEGAN)


main()
