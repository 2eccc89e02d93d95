"""A request's prompt as segments, in the order in which it is cached, and what each weighs in tokens.

The estimate is documented so that tests can compute it: a token is 4 characters, rounded up per segment. A text counts
its characters, an image or a document from elsewhere a flat 1,500 tokens, anything else its compact JSON.
Knows the shape of a Messages request, nothing of answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_claude_demo.simulator.jsons import Json, as_list, as_object, compact

CHARACTERS_PER_TOKEN = 4
MEDIA_TOKENS = 1500


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the prompt that a cached prefix can end with."""

    content: bytes
    tokens: int
    ttl: str | None
    """`5m` or `1h` if a cache breakpoint stands behind it."""


def text_tokens(text: str) -> int:
    """How many tokens a text is, by the simulator's estimate."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def segments(body: Json) -> tuple[Segment, ...]:
    """The prompt of a request: tools, then system, then messages."""
    found = [_segment("tool", tool) for tool in as_list(body.get("tools"))]
    found += [_segment("system", block) for block in _blocks(body.get("system"))]
    for message in as_list(body.get("messages")):
        role = str(as_object(message).get("role"))
        found += [_segment(role, block) for block in _blocks(as_object(message).get("content"))]
    ttl = _ttl(body)
    if ttl is not None and found:
        # The request's own cache_control stands for a breakpoint behind its last block.
        found[-1] = Segment(found[-1].content, found[-1].tokens, found[-1].ttl or ttl)
    return tuple(found)


def prompt_tokens(body: Json) -> int:
    """The tokens of the whole prompt."""
    return sum(segment.tokens for segment in segments(body))


def _blocks(content: object) -> list[object]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(as_list(content))


def _segment(kind: str, block: object) -> Segment:
    # A breakpoint may move from one request to the next without changing the prefix.
    bare = {key: value for key, value in as_object(block).items() if key != "cache_control"}
    written = compact(bare)
    return Segment(f"{kind}\0{written}\0".encode(), _weight(bare, written), _ttl(as_object(block)))


def _weight(block: Json, written: str) -> int:
    if block.get("type") == "text":
        return text_tokens(str(block.get("text")))
    if block.get("type") in {"image", "document"} and as_object(block.get("source")).get("type") != "text":
        return MEDIA_TOKENS
    return text_tokens(written)


def _ttl(holder: Json) -> str | None:
    control = as_object(holder.get("cache_control"))
    return str(control.get("ttl") or "5m") if control else None
