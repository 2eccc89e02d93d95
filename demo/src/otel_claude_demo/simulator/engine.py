"""Decides what a request gets: an answer or a failure. Holds all state that requests share; knows no HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from otel_claude_demo.simulator import catalog
from otel_claude_demo.simulator.cache import CachePlan, PromptCache
from otel_claude_demo.simulator.compose import Answer, Composition
from otel_claude_demo.simulator.diagnosis import Diagnoses
from otel_claude_demo.simulator.failures import Failure, Refused
from otel_claude_demo.simulator.fake import identifier, seeded
from otel_claude_demo.simulator.jsons import compact
from otel_claude_demo.simulator.limits import Limits, RateLimits
from otel_claude_demo.simulator.messages_request import MessagesRequest
from otel_claude_demo.simulator.organization import Inventory, Organization
from otel_claude_demo.simulator.prompt import segments
from otel_claude_demo.simulator.scenarios import Scenario, parse_scenario
from otel_claude_demo.simulator.served import ServedLog
from otel_claude_demo.simulator.threads import Threads
from otel_claude_demo.simulator.usage import Counts

REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast answers come. 0 and None: at once."""

    latency: float = 0.0
    """Seconds before the first byte, give or take half, by the seed."""
    tokens_per_second: float | None = None
    """At which output is written; a fast answer is 2.5 times as fast."""


class Engine:
    """One simulated API."""

    def __init__(
        self,
        *,
        seed: int,
        clock: Callable[[], float],
        limits: Limits,
        pace: Pace,
        scenario: str,
        organization: Organization,
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.pace = pace
        self.scenario = scenario
        parse_scenario(scenario)
        self.limits = RateLimits(limits)
        self.cache = PromptCache()
        self.diagnoses = Diagnoses()
        self.threads = Threads()
        self.served = ServedLog()
        self.stopping = asyncio.Event()
        self.organization = identifier("org_01", seed, "organization")
        self.workspace = identifier("wrkspc_01", seed, "workspace")
        self.organization_settings = organization
        self.inventory = Inventory(organization, seed, self.workspace, limits)
        self._numbers = count(1)
        self._seen: dict[bytes, int] = {}

    def new_id(self, prefix: str) -> str:
        """The next id of a kind."""
        return identifier(prefix, self.seed, next(self._numbers))

    def pool(self, request: MessagesRequest) -> str:
        """Which of the rate limits a request draws on."""
        fast = catalog.speed(catalog.resolved(request.model), request.body.get("speed")) == "fast"
        return "fast_" if fast else ""

    def answer(
        self, request: MessagesRequest, scenario: Scenario, *, prefix: str = "msg_01", tier: str = "standard"
    ) -> Answer:
        """Answer a request; raises `Refused` if a limit is used up or the model cannot do what is asked."""
        now, prompt = self.clock(), segments(request.body)
        plans: dict[str, CachePlan] = {}

        def planned(model: str) -> Counts:
            plans[model] = plans.get(model) or self.cache.plan(model, prompt, now)
            return plans[model].counts

        group, pool = self.group(request), self.pool(request)
        wanted = planned(catalog.resolved(request.model)).limited_input
        if tier != "batch":
            refusal = self.limits.admit(group, wanted, now, pool)
            if refusal is not None:
                raise Refused(refusal)
        answer = Composition(request, scenario, self._random(request), planned).answer(self.new_id(prefix), tier)
        diagnosis = self.diagnoses.of(request.body, answer.model, answer.id, answer.meter.counts.cache_read)
        answer = replace(answer, diagnosis=diagnosis)
        for plan in plans.values():
            self.cache.commit(plan, now)
        if tier != "batch":
            output = answer.meter.counts.output
            self.limits.spend(group, now, pool, output_tokens=output)
            if "priority" in scenario:
                self.limits.spend(group, now, "priority_", input_tokens=wanted, output_tokens=output)
        return answer

    def group(self, request: MessagesRequest) -> str:
        """The model group whose limits apply."""
        return catalog.limit_group(catalog.resolved(request.model))

    def limit_headers(
        self, request: MessagesRequest, scenario: Scenario, failure: Failure | None = None
    ) -> dict[str, str]:
        """The rate-limit headers of an answer."""
        return self.limits.headers(self.group(request), self.clock(), scenario, self.pool(request), failure)

    def first_byte_after(self, answer: Answer) -> float:
        """Seconds of artificial latency."""
        return self.pace.latency * answer.random.uniform(0.5, 1.5) if self.pace.latency else 0.0

    def seconds_per_token(self, answer: Answer) -> float:
        """The pace of the output."""
        rate = self.pace.tokens_per_second
        if not rate:
            return 0.0
        return 1 / (rate * 2.5) if answer.meter.speed == "fast" else 1 / rate

    def _random(self, request: MessagesRequest) -> Random:
        # The same request gives the same answer in every run with the same seed, whatever else runs beside it;
        # repeated, it gives another. So sums do not depend on the order of concurrent requests.
        others = {"stream", "anthropic_version", "thread", "diagnostics"}
        body = {key: value for key, value in request.body.items() if key not in others}
        digest = hashlib.blake2b(compact([request.model, body]).encode(), digest_size=16).digest()
        repeated = self._seen.get(digest, 0)
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        self._seen[digest] = repeated + 1
        return seeded(self.seed, digest.hex(), repeated)
