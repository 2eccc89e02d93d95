"""What Anthropic says that an organization used and was billed: read from the Admin API, exported as gauges.

A process of its own, started by the user; nothing of it runs inside an instrumented application. Values are recomputed
at each poll, so a restart loses nothing and counts nothing twice. Needs the extra `organization`.
"""

from otel_claude.organization import page, service
from otel_claude.organization.client import Reader
from otel_claude.organization.errors import Problem
from otel_claude.organization.metrics import observe
from otel_claude.organization.poller import Poller, Times
from otel_claude.organization.reports import Report

__all__ = ["Poller", "Problem", "Reader", "Report", "Times", "observe", "page", "service"]
