"""A message as the events of a stream, in the recorded shapes, with what scenarios break. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.faults import faulty_delta_usage, faulty_usage
from otel_claude_demo.simulator.jsons import Json, compact
from otel_claude_demo.simulator.prompt import CHARACTERS_PER_TOKEN
from otel_claude_demo.simulator.scenarios import Scenario

PING = "ping"
_BREAKS = ("cut", "no_stop", "stream_error", "stall")
_OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: Json
    tokens: int = 0
    """Roughly what it took to write, for the pace."""
    breaks: str = ""
    """Instead of an event: how the stream ends here (`cut`, `no_stop`, `stall`)."""


def events(answer: Answer, scenario: Scenario) -> Iterator[Event]:
    """The whole stream of an answer."""
    if "early_events" in scenario:
        yield Event("simulated_notice", {"type": "simulated_notice", "note": "before message_start"})
        yield _ping()
    yield _message_start(answer, scenario)
    deltas = 0
    breaking = next((name for name in _BREAKS if name in scenario), None)
    last = scenario.count(breaking) if breaking else None
    for event in _content(answer, scenario):
        if breaking and deltas == last:
            break
        yield event
        deltas += event.name == "content_block_delta"
    if breaking == "stream_error":
        yield Event("error", _OVERLOADED)
    elif breaking:
        yield Event("", {}, breaks=breaking)
    else:
        yield _message_delta(answer, scenario)
        yield Event("message_stop", {"type": "message_stop"})


def sse(event: Event, random: Random) -> bytes:
    """One event of a stream, as bytes. The API pads the data with blanks; ping alone is written loosely."""
    if event.name == PING:
        return b'event: ping\ndata: {"type": "ping"}\n\n'
    data = compact(event.data)
    return f"event: {event.name}\ndata: {data[:-1]}{' ' * random.randrange(16)}}}\n\n".encode()


def streamed_usage(usage: Json | None, event: Event) -> Json | None:
    """The usage that a client knows after this event: what `message_delta` has replaces, absent and null do not."""
    if event.name == "message_start":
        return event.data["message"].get("usage")
    late = event.data.get("usage")
    if event.name != "message_delta" or late is None:
        return usage
    return {**(usage or {}), **{key: value for key, value in late.items() if value is not None}}


def _message_start(answer: Answer, scenario: Scenario) -> Event:
    message = answer.message(faulty_usage(answer.meter.start(), scenario))
    message |= {"model": answer.requested_model, "content": [], "stop_reason": None, "stop_sequence": None}
    message["stop_details"] = None
    return Event("message_start", {"type": "message_start", "message": message})


def _message_delta(answer: Answer, scenario: Scenario) -> Event:
    delta = {
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": answer.stop_details,
    }
    usage = faulty_delta_usage(answer.meter.delta(), scenario)
    return Event("message_delta", {"type": "message_delta", "delta": delta, **usage})


def _content(answer: Answer, scenario: Scenario) -> Iterator[Event]:
    for index, block in enumerate(answer.content):
        yield Event("content_block_start", _at(index, "start", content_block=_emptied(block)))
        if index == 0:
            yield _ping()
        for delta, tokens in _deltas(block, answer.random):
            yield Event("content_block_delta", _at(index, "delta", delta=delta), tokens)
        if "unknown_events" in scenario:
            yield Event("simulated_event", {"type": "simulated_event", "index": index})
            yield Event("content_block_delta", _at(index, "delta", delta={"type": "simulated_delta", "new": 1}))
        yield Event("content_block_stop", _at(index, "stop"))


def _at(index: int, what: str, **members: Json) -> Json:
    return {"type": f"content_block_{what}", "index": index, **members}


def _ping() -> Event:
    return Event(PING, {"type": "ping"})


def _emptied(block: Json) -> Json:
    """A block as it starts: what the deltas bring is still empty. Results of server tools come whole."""
    kind = block["type"]
    if kind == "text":
        return {"type": "text", "text": ""}
    if kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    if kind in {"tool_use", "server_tool_use"}:
        return {**block, "input": {}}
    return {"type": "compaction", "content": None} if kind == "compaction" else block


def _deltas(block: Json, random: Random) -> Iterator[tuple[Json, int]]:
    kind = block["type"]
    if kind == "text":
        for piece in _pieces(str(block["text"]), random):
            yield {"type": "text_delta", "text": piece}, _tokens(piece)
    elif kind == "thinking":
        for piece in _pieces(str(block["thinking"]), random):
            yield {"type": "thinking_delta", "thinking": piece}, _tokens(piece)
        yield {"type": "signature_delta", "signature": block["signature"]}, 0
    elif kind in {"tool_use", "server_tool_use"}:
        # The API begins the input with an empty piece.
        for piece in ("", *_pieces(compact(block["input"]), random)):
            yield {"type": "input_json_delta", "partial_json": piece}, _tokens(piece)
    elif kind == "compaction":
        yield {"type": "compaction_delta", "content": block["content"]}, _tokens(str(block["content"]))


def _pieces(text: str, random: Random) -> Iterator[str]:
    start = 0
    while start < len(text):
        size = CHARACTERS_PER_TOKEN * random.choice((1, 2, 4, 6))
        yield text[start : start + size]
        start += size


def _tokens(piece: str) -> int:
    return -(-len(piece) // CHARACTERS_PER_TOKEN)
