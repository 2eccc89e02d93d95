"""What `otel-claude doctor` checks. Each module gives findings; only `connection` opens one."""

from __future__ import annotations

from collections.abc import Mapping

from . import agent_sdk, exporting, processes, program, sdk
from .connection import probe
from .finding import Finding

__all__ = ["Finding", "examine"]


def examine(environment: Mapping[str, str], *, now: float, connect: bool) -> list[Finding]:
    """All findings. With `connect`, the endpoint that the environment configures is asked, if there is one."""
    found = [*sdk.findings(environment), *agent_sdk.findings(environment), *exporting.findings(environment)]
    target = exporting.target(environment)
    sends = "otlp" in exporting.exporters(environment) and target.protocol in ("grpc", "http/protobuf")
    if connect and target.configured and sends:
        found.append(probe(target, environment))
    return [*found, *processes.findings(environment), *program.findings(environment, now)]
