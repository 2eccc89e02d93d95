"""A local server that speaks the Messages API so well that the `anthropic` SDK cannot tell.

Nothing of it is Claude: every answer has the header `x-simulated: otel-claude`, and its text says so. The package
imports nothing else of `otel_claude`, and listens on loopback addresses alone. What can be played is in `SCENARIOS`.
"""

from otel_claude_demo.simulator.app import create_app, served_by
from otel_claude_demo.simulator.engine import Pace
from otel_claude_demo.simulator.fake import MARKER
from otel_claude_demo.simulator.limits import Limits
from otel_claude_demo.simulator.organization import ApiKey, Organization, SpendLimit
from otel_claude_demo.simulator.scenarios import HEADER, SCENARIOS
from otel_claude_demo.simulator.served import Served, ServedLog, Total
from otel_claude_demo.simulator.server import Simulator

__all__ = [
    "HEADER",
    "MARKER",
    "SCENARIOS",
    "ApiKey",
    "Limits",
    "Organization",
    "Pace",
    "Served",
    "ServedLog",
    "Simulator",
    "SpendLimit",
    "Total",
    "create_app",
    "served_by",
]
