"""One request on its way through the simulator: who asks, what is played, and the record that is left of it.

Knows Starlette's request and the headers that every answer has.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import Request

from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.delivery import Delivered, Whole
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.failures import MISSING_KEY, Failure, Refused, invalid
from otel_claude_demo.simulator.jsons import Json
from otel_claude_demo.simulator.platforms import SIMULATED, Platform
from otel_claude_demo.simulator.scenarios import HEADER, Scenario, parse_scenario
from otel_claude_demo.simulator.served import Served, key_hint

_BOTOCORE_ATTEMPT = re.compile(r"attempt=(\d+)")


@dataclass
class RequestContext:
    """A request, and what is known of it so far."""

    request: Request
    engine: Engine
    platform: Platform
    model: str = ""
    stream: bool = False
    scenario: Scenario = field(default_factory=Scenario)
    request_id: str = ""
    time: float = 0.0

    def __post_init__(self) -> None:
        self.request_id = self.engine.new_id(self.platform.request_prefix)
        self.time = self.engine.clock()

    @property
    def attempt(self) -> int:
        """How often the SDK has tried before."""
        text = self.request.headers.get("x-stainless-retry-count", "")
        if found := _BOTOCORE_ATTEMPT.search(self.request.headers.get("amz-sdk-request", "")):
            return int(found[1]) - 1
        return int(text) if text.isdecimal() else 0

    @property
    def secret(self) -> str | None:
        """The credential, which never leaves this process's memory."""
        headers = self.request.headers
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        # Amazon's signature is no key.
        return None if given.startswith("AWS4-") else given or None

    def check_key(self) -> None:
        """Only first-party requests have to have a key; signatures are not checked."""
        if self.platform.reports_limits and self.secret is None:
            raise Refused(MISSING_KEY)

    def choose(self, model: str, suffix: str) -> None:
        """Take over the model and read what is to be played."""
        self.model = model
        self.scenario = parse_scenario(self.engine.scenario, suffix, self.request.headers.get(HEADER, ""))

    async def body(self) -> Json:
        """The request's JSON object."""
        try:
            found: Any = json.loads(await self.request.body())
        except ValueError:
            raise invalid("The request body is not valid JSON") from None
        if not isinstance(found, dict):
            raise invalid("The request body has to be a JSON object")
        return cast("Json", found)

    def headers(self, more: dict[str, str]) -> dict[str, str]:
        """The headers of every answer, and more."""
        known = {self.platform.request_header: self.request_id, **SIMULATED}
        if self.platform.reports_limits and self.secret is not None:
            known["anthropic-organization-id"] = self.engine.organization
            known["anthropic-workspace-id"] = self.engine.inventory.workspace_of(key_hint(self.secret))
        return {**known, **more}

    def refusal(self, failure: Failure, more: dict[str, str]) -> Whole:
        """An error answer."""
        return Whole(
            self.platform.status(failure),
            self.headers({**more, **self.platform.failure_headers(failure)}),
            self.platform.failure_body(failure, self.request_id),
            self.engine.stopping,
            lambda delivered: self.record(delivered, failure=failure),
        )

    def record(self, delivered: Delivered, *, answer: Answer | None = None, failure: Failure | None = None) -> None:
        """Note how it went."""
        self.engine.served.add(
            Served(
                time=self.time,
                path=self.request.url.path,
                platform=cast("Any", self.platform.name),
                status=delivered.status,
                model=answer.model if answer else self.model or None,
                scenario=str(self.scenario),
                key_hint=key_hint(self.secret),
                attempt=self.attempt,
                stream=self.stream,
                outcome="finished" if delivered.finished else "aborted",
                request_id=self.request_id,
                message_id=answer.id if answer else None,
                error_type=failure.type if failure else None,
                usage=delivered.usage,
                used=answer.meter.final() if answer else None,
                stop_reason=answer.stop_reason if answer else None,
            )
        )
