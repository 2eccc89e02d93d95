"""Makes an answer out of a request, the scenarios played and the cache's plan. Knows no HTTP and keeps no state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from otel_claude_demo.simulator import catalog
from otel_claude_demo.simulator.failures import invalid
from otel_claude_demo.simulator.fake import identifier, length
from otel_claude_demo.simulator.jsons import Json, as_object
from otel_claude_demo.simulator.messages_request import MessagesRequest
from otel_claude_demo.simulator.scenarios import Scenario
from otel_claude_demo.simulator.usage import Counts, Iteration, Meter
from otel_claude_demo.simulator.writer import Writer, server_tool_kind

_COUNTERS = {"web_search": "web_search_requests", "web_fetch": "web_fetch_requests"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A message and what it used."""

    id: str
    requested_model: str
    model: str
    """Who served; another than asked after a fallback."""
    content: tuple[Json, ...]
    stop_reason: str
    stop_sequence: str | None
    stop_details: Json | None
    meter: Meter
    random: Random = field(compare=False)
    """For the sizes of a stream's pieces."""
    diagnosis: Json = field(default_factory=dict[str, Any])
    """The member `diagnostics`, where it was asked for."""

    def message(self, usage: Json) -> Json:
        """The plain JSON body, with the usage given."""
        return {
            "model": self.model,
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": self.stop_sequence,
            "stop_details": self.stop_details,
            **self.diagnosis,
            **usage,
        }


class Composition:
    """One answer in the making."""

    def __init__(
        self, request: MessagesRequest, scenario: Scenario, random: Random, plan: Callable[[str], Counts]
    ) -> None:
        self.request = request
        self.scenario = scenario
        self.random = random
        self.model = catalog.resolved(request.model)
        self.serving = self.model
        self.plan = plan
        self.prompt = self._first_prompt = plan(self.model)
        self.writer = Writer(random, request.max_tokens)
        self.iterations: list[Iteration] = []
        self.tool_requests: Json | None = None
        self.thinking_tokens: int | None = None
        self.stop_reason = "end_turn"
        self.stop_sequence: str | None = None
        self.stop_details: Json | None = None
        self._written = 0
        self._serving_from = 0
        self._hop = self._fallback()

    def answer(self, message_id: str, tier: str) -> Answer:
        """The whole answer."""
        speed = catalog.speed(self.model, self.request.body.get("speed"))
        if speed == "refused":
            raise invalid(f"speed: fast is not supported by {self.model}")
        requested_geo = "us" if "us" in self.scenario else self.request.body.get("inference_geo")
        geo = catalog.geo(self.model, requested_geo)
        if geo is None:
            raise invalid(f"inference_geo: not supported by {self.model}")
        self._write()
        # What compactions and advisors use is in their iterations alone, and so is what a declined hop used.
        served = self.iterations[self._serving_from :]
        own = [entry.counts for entry in served if entry.type in {"message", "fallback_message"}]
        counts = sum(own, Counts())
        opening = self._first_prompt.wrote(min(counts.output, self.random.randint(1, 6)))
        return Answer(
            message_id,
            self.model,
            self.serving,
            tuple(self.writer.blocks),
            self.stop_reason,
            self.stop_sequence,
            self.stop_details,
            Meter(
                counts,
                opening,
                "priority" if "priority" in self.scenario and tier == "standard" else tier,
                geo,
                speed,
                self.thinking_tokens,
                self.tool_requests,
                self.iterations if self._shows_iterations() else (),
                self._fallback_credit(tier),
            ),
            self.random,
        )

    def _write(self) -> None:
        refused = "refusal" in self.scenario and self._hop is None
        if refused and self.scenario.word("refusal") == "early":
            self._refuse()
        else:
            self._open()
            self._body()
            if refused:
                self._refuse()
        self._turn("fallback_message" if self.serving != self.model else "message", self.serving)
        self.stop_reason = self.scenario.word("stop") or self.stop_reason

    def _fallback(self) -> tuple[str, bool] | None:
        """Who serves instead of the asked model, and whether that declines after some output."""
        for name in ("fallback", "fallback_late"):
            named = self.scenario.word(name)
            if named is not None:
                return named, name == "fallback_late"
        declined, named = self.scenario.word("refusal"), self.request.fallback_model
        return (named, declined == "late") if declined and named else None

    def _open(self) -> None:
        if "compaction" in self.scenario:
            closed = Counts(self.prompt.prompt + 2_000, output=length(self.random, 300, 100, 2_000))
            self.writer.compaction()
            self.iterations.append(Iteration("compaction", closed))
        if self._hop is not None:
            serving, late = self._hop
            if late:
                self.writer.text(12)
            self._turn("message", self.model)
            self._serving_from = len(self.iterations)
            self.serving = catalog.resolved(serving)
            self.writer.fallback(self.model, self.serving)
            self.prompt = self.plan(self.serving)
        thinking = as_object(self.request.body.get("thinking"))
        if self.request.thinks:
            most = int(thinking.get("budget_tokens") or 2_000)
            self.thinking_tokens = self.writer.thinking(most, shown=thinking.get("display") != "omitted")

    def _body(self) -> None:
        schema, tool, advisor = self.request.output_schema, self.request.tool, self.scenario.word("advisor")
        kind = server_tool_kind(tool) if tool else None
        if kind == "advisor" and tool and advisor is None:
            advisor = str(tool.get("model"))
        if advisor is not None:
            self._advise(advisor)
        if kind in {"web_search", "web_fetch", "code_execution"}:
            self._use_server_tool(str(kind))
        elif tool and kind is None:
            self._use_tool(tool)
            return
        if schema is not None:
            self.writer.json_text(schema)
        else:
            self.writer.text(self.scenario.count("output"))
        self.stop_sequence = self.writer.cut_at(self.request.stop_sequences)
        if self.stop_sequence is not None:
            self.stop_reason = "stop_sequence"
        elif self.writer.full:
            self.stop_reason = "max_tokens"

    def _use_tool(self, tool: Json) -> None:
        if not self.request.must_use_tool:
            self.writer.text(length(self.random, 14, 8, 40))
        self.stop_reason = "tool_use" if self.writer.tool_use(tool) else "max_tokens"

    def _use_server_tool(self, kind: str) -> None:
        uses = self.scenario.count("searches")
        uses = 1 if uses is None else uses
        self.tool_requests = {"web_search_requests": 0, "web_fetch_requests": 0}
        self.tool_requests[_COUNTERS.get(kind, f"{kind}_requests")] = uses
        for _ in range(uses):
            before = self.prompt
            added = self.writer.server_tool(kind)
            written = self._turn("message", None)
            # The next turn reads what was cached and pays for the rest once more, results included.
            self.prompt = Counts(before.input + added + written, before.prompt - before.input)

    def _advise(self, model: str) -> None:
        before, advice = self.prompt, length(self.random, 120, 20, 900)
        self.writer.advice(advice)
        written = self._turn("message", None)
        self.iterations.append(Iteration("advisor_message", Counts(before.prompt, output=advice), model))
        self.prompt = Counts(before.input + advice + written, before.prompt - before.input)

    def _turn(self, kind: str, model: str | None) -> int:
        """Close an iteration with all that was written since the last one."""
        written, self._written = self.writer.tokens - self._written, self.writer.tokens
        named = model if self._hop is not None else None
        self.iterations.append(Iteration(kind, self.prompt.wrote(written), named))
        return written

    def _refuse(self) -> None:
        self.stop_reason = "refusal"
        self.stop_details = {
            "type": "refusal",
            "category": "cyber",
            "explanation": "Simulated: the request was declined.",
        }
        if self.request.beta:
            self.stop_details["fallback_credit_token"] = identifier("fct_", self.random.random())

    def _shows_iterations(self) -> bool:
        special = any(entry.type != "message" for entry in self.iterations)
        return special or "iterations" in self.scenario

    def _fallback_credit(self, tier: str) -> Json | None:
        if self.request.body.get("fallback_credit_token") is None or tier == "batch":
            return None
        if "credit_not_applied" in self.scenario:
            return {"status": {"type": "not_applied", "reason": "expired"}}
        return {"status": {"type": "redeemed"}}
