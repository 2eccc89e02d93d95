"""A workload for demonstrations and tests: services that call a simulated Claude, as real ones would.

`python -m otel_claude_demo.workload` starts a simulator and runs each service in a process of its own under
`opentelemetry-instrument`. It never calls Anthropic. With otel-claude's extra `agent-sdk` installed, one of
its services runs agents with the Claude Agent SDK.

`acts` (what the services do), `agents` (the service that runs agents), `tally` (what a service counts itself),
`program` (the command line).
"""

from .program import EVERY, main

__all__ = ["EVERY", "main"]
