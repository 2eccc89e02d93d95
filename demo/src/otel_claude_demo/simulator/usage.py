"""Token counts and the `usage` objects made of them. Knows the API's field names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otel_claude_demo.simulator.jsons import Json


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens in disjoint types."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
            self.output + other.output,
        )

    @property
    def limited_input(self) -> int:
        """What counts against the input limit: all but cache reads."""
        return self.input + self.cache_write_5m + self.cache_write_1h

    @property
    def prompt(self) -> int:
        """The whole input."""
        return self.limited_input + self.cache_read

    def wrote(self, output: int) -> Counts:
        """The same prompt with that much output."""
        return Counts(self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h, output)

    def json(self) -> Json:
        """The fields that every usage and every iteration has, in the API's order."""
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.cache_write_5m + self.cache_write_1h,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_write_5m,
                "ephemeral_1h_input_tokens": self.cache_write_1h,
            },
            "output_tokens": self.output,
        }


@dataclass(frozen=True, slots=True)
class Iteration:
    """One entry of `usage.iterations`."""

    type: str
    counts: Counts
    model: str | None = None

    def json(self) -> Json:
        """The entry as the API writes it."""
        named = {"model": self.model} if self.model else {}
        return {"type": self.type, **named, **self.counts.json()}


@dataclass(frozen=True, slots=True)
class Meter:
    """All that an answer's usage says."""

    counts: Counts
    opening: Counts
    """As `message_start` has it: the first prompt, and a placeholder for the output."""
    service_tier: str
    inference_geo: str
    speed: str | None = None
    thinking_tokens: int | None = None
    server_tools: Json | None = None
    iterations: Sequence[Iteration] = ()
    fallback_credit: Json | None = None

    def final(self) -> Json:
        """The whole usage, as a plain answer has it."""
        return {**self._whole(self.counts), **self._late()}

    def start(self) -> Json:
        """The usage of `message_start`."""
        return self._whole(self.opening)

    def delta(self) -> Json:
        """The usage of `message_delta`: cumulative, without split, tier, geo and speed."""
        counts = {key: value for key, value in self.counts.json().items() if key != "cache_creation"}
        return {**counts, **self._late()}

    def _whole(self, counts: Counts) -> Json:
        speed = {"speed": self.speed} if self.speed else {}
        tools = {"server_tool_use": dict.fromkeys(self.server_tools, 0)} if self.server_tools else {}
        return {
            **counts.json(),
            **tools,
            "service_tier": self.service_tier,
            "inference_geo": self.inference_geo,
            **speed,
        }

    def _late(self) -> Json:
        late: Json = {}
        if self.server_tools is not None:
            late["server_tool_use"] = self.server_tools
        if self.thinking_tokens is not None:
            late["output_tokens_details"] = {"thinking_tokens": self.thinking_tokens}
        if self.iterations:
            late["iterations"] = [iteration.json() for iteration in self.iterations]
        if self.fallback_credit is not None:
            late["fallback_credit"] = self.fallback_credit
        return late
