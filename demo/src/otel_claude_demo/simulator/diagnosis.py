"""Why the prompt cache missed, for requests that name a previous message in `diagnostics`. Knows requests, no answers.

As in the API: null where nothing diverged, and on a first turn. What was missed is what the previous request had in
front of its last breakpoint, less what this one read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from otel_claude_demo.simulator.jsons import Json, as_object
from otel_claude_demo.simulator.prompt import Segment, segments

REMEMBERED = 20_000


class _Prompt(NamedTuple):
    """The request of a message: who answered it, and its prompt in the order in which it is cached."""

    model: str
    prompt: tuple[Segment, ...]


class Diagnoses:
    """The requests that asked for a diagnosis, by the ids of their messages."""

    def __init__(self) -> None:
        self._prompts: dict[str, _Prompt] = {}

    def of(self, body: Json, model: str, message_id: str, read: int) -> Json:
        """What an answer has of it. `read`: the tokens that the cache gave."""
        if "diagnostics" not in body:
            return {}
        now = _Prompt(model, segments(body))
        if len(self._prompts) > REMEMBERED:
            self._prompts.clear()
        self._prompts[message_id] = now
        named = as_object(body["diagnostics"]).get("previous_message_id")
        reason = None
        if named is not None:
            previous = self._prompts.get(str(named))
            reason = {"type": "previous_message_not_found"} if previous is None else _reason(previous, now, read)
        return {"diagnostics": reason and {"cache_miss_reason": reason}}


def _reason(previous: _Prompt, now: _Prompt, read: int) -> Json | None:
    marks = [number for number, segment in enumerate(previous.prompt, 1) if segment.ttl]
    cached = previous.prompt[: marks[-1]] if marks else ()
    missed = sum(segment.tokens for segment in cached) - read
    if missed <= 0:
        return None
    if previous.model != now.model:
        changed = "model"
    else:
        pairs = zip(cached, now.prompt, strict=False)
        same = len(list(takewhile(lambda pair: pair[0].content == pair[1].content, pairs)))
        if same == len(cached):
            # Nothing changed: it has expired.
            return {"type": "unavailable"}
        changed = _kind(cached, same)
    return {"type": f"{changed}_changed", "cache_missed_input_tokens": missed}


def _kind(prompt: Sequence[Segment], number: int) -> str:
    """Which part of a request a segment is of."""
    start = prompt[number].content.partition(b"\0")[0].decode()
    return {"tool": "tools", "system": "system"}.get(start, "messages")
