"""What one request asks for, checked as the API checks it. Knows the shape of a Messages request."""

from __future__ import annotations

from dataclasses import dataclass

from otel_claude_demo.simulator.catalog import is_known
from otel_claude_demo.simulator.failures import Refused, invalid, unknown_model
from otel_claude_demo.simulator.jsons import Json, as_list, as_object, as_objects
from otel_claude_demo.simulator.prompt import segments

MAX_BREAKPOINTS = 4
_REQUIRED = {"messages": list, "max_tokens": int}


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """A valid request."""

    model: str
    """As asked, without the scenario's suffix."""
    body: Json
    stream: bool = False
    beta: bool = False

    @property
    def max_tokens(self) -> int:
        """The most that the answer may have."""
        return int(self.body["max_tokens"])

    @property
    def tools(self) -> list[Json]:
        """The tools that have a name."""
        return [tool for tool in as_objects(self.body.get("tools")) if isinstance(tool.get("name"), str)]

    @property
    def brings_tool_result(self) -> bool:
        """Whether the last message has the result of a tool."""
        content = as_objects(as_object(self.body["messages"][-1]).get("content"))
        return any(str(block.get("type")).endswith("tool_result") for block in content)

    @property
    def tool(self) -> Json | None:
        """The tool that the answer will use: the one required, else the first."""
        choice = as_object(self.body.get("tool_choice"))
        if choice.get("type") == "none" or self.brings_tool_result:
            return None
        tools = self.tools
        if choice.get("type") == "tool":
            tools = [tool for tool in tools if tool["name"] == choice.get("name")]
        return tools[0] if tools else None

    @property
    def must_use_tool(self) -> bool:
        """Whether no text may come before the tool's use."""
        return as_object(self.body.get("tool_choice")).get("type") in {"any", "tool"}

    @property
    def thinks(self) -> bool:
        """Whether the answer begins with thinking."""
        return as_object(self.body.get("thinking")).get("type") in {"enabled", "adaptive"}

    @property
    def fallback_model(self) -> str | None:
        """Who serves what the asked model declines, by the beta's `fallbacks`."""
        named = [entry.get("model") for entry in as_objects(self.body.get("fallbacks"))]
        return named[0] if named and isinstance(named[0], str) else None

    @property
    def output_schema(self) -> Json | None:
        """The JSON schema that the answer has to fit, under its new or its old name."""
        wanted = as_object(self.body.get("output_config")).get("format") or self.body.get("output_format")
        return as_object(as_object(wanted).get("schema")) or None

    @property
    def stop_sequences(self) -> list[str]:
        """Texts at which the answer ends."""
        return [text for text in as_list(self.body.get("stop_sequences")) if isinstance(text, str) and text]


def parse_request(
    model: object, body: Json, *, stream: bool = False, beta: bool = False, counting: bool = False
) -> MessagesRequest:
    """Check a request; raises `Refused` with what the API would answer."""
    if not isinstance(model, str) or not model:
        raise invalid("model: Field required")
    for name, kind in _REQUIRED.items():
        if name == "max_tokens" and counting:
            continue
        if body.get(name) is None:
            raise invalid(f"{name}: Field required")
        if not isinstance(body[name], kind) or isinstance(body[name], bool):
            raise invalid(f"{name}: Input should be a valid {'integer' if kind is int else 'list'}")
    if not body["messages"]:
        raise invalid("messages: at least one message is required")
    if not counting and body["max_tokens"] < 0:
        raise invalid("max_tokens: must be greater than or equal to 0")
    if sum(segment.ttl is not None for segment in segments(body)) > MAX_BREAKPOINTS:
        raise invalid(f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided.")
    if not is_known(model):
        raise Refused(unknown_model(model))
    return MessagesRequest(model, body, stream, beta)
