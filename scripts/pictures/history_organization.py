"""A day of an organization in a minute: its services, its books, and the process that reads them.

The simulator serves calls of three instrumented services and of one that is not, and the Admin API reports them all. A
clock jumps by four minutes. Called by scripts/stack-pictures.
"""

from __future__ import annotations

import sys

import moments

ENDPOINT, MINUTES, UNTIL = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
BEGAN = moments.now = UNTIL - 60 * MINUTES

import math  # noqa: E402 - all after the clock
import random  # noqa: E402
from datetime import datetime, timezone  # noqa: E402
from decimal import Decimal  # noqa: E402

from opentelemetry import metrics  # noqa: E402
from opentelemetry.instrumentation.utils import suppress_instrumentation  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402

from otel_claude import ClaudeInstrumentor  # noqa: E402
from otel_claude.organization.client import Reader  # noqa: E402
from otel_claude.organization.poller import Poller  # noqa: E402
from otel_claude.organization.service import provider  # noqa: E402
from otel_claude_demo.simulator import ApiKey, Limits, Organization, Simulator, SpendLimit  # noqa: E402
from otel_claude_demo.simulator.served import key_hint  # noqa: E402
from otel_claude_demo.workload.acts import SERVICES, client, round_of  # noqa: E402
from otel_claude_demo.workload.tally import Tally  # noqa: E402

STEP = 4
ADMIN = "sk-ant-admin01-" + "A" * 80
HIDDEN = "an old script"
WIDE = Limits(requests=4_000, input_tokens=20_000_000, output_tokens=4_000_000)
WORKSPACES = {"support-chat": "Production", "code-agent": "Research", "nightly-report": "Production", HIDDEN: "Default"}


def organization() -> Organization:
    """Its keys by name, one of which nobody uses."""
    listed = [
        ApiKey(key_hint(client(name, "").api_key), name.replace("-", " "), workspace)
        for name, workspace in WORKSPACES.items()
    ]
    made = datetime(2025, 3, 3, tzinfo=timezone.utc)
    listed.append(ApiKey("sk-ant-api03-Tr1...alAA", "trial of last year", "Default", created=made))
    caps = (
        SpendLimit(20_000, "usage_tier"),
        SpendLimit(5_000, "workspace", "Production", "daily"),
        SpendLimit(9_000, "workspace", "Research"),
    )
    return Organization(discount=Decimal("0.1"), keys=tuple(listed), spend_limits=caps)


def main() -> None:
    """Lives through the day."""
    measured, said = InMemoryMetricReader(), InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([measured], Resource.create({"service.name": "all-services"})))
    ClaudeInstrumentor().instrument()
    dice = random.Random("organization")
    with Simulator(organization=organization(), limits=WIDE) as simulator:
        poller = Poller(Reader(ADMIN, base_url=simulator.url))
        provider(poller, said)
        calling = {name: client(name, simulator.url) for name in SERVICES}
        unseen = client(HIDDEN, simulator.url)
        for minute in range(0, MINUTES + 1, STEP):
            moments.now = BEGAN + 60 * minute
            for name in SERVICES:
                often = 1.2 + math.sin(minute / 240 + len(name))
                for _ in range(int(often + dice.random())):
                    round_of(name, calling[name], Tally(), dice)
            if dice.random() < 0.3:  # noqa: PLR2004
                with suppress_instrumentation():
                    round_of("support-chat", unseen, Tally(), dice)
            poller.poll()
            for reader in (measured, said):
                moments.send(reader, ENDPOINT, BEGAN)


main()
