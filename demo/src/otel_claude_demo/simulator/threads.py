"""Threads: conversations that the server holds, each under the id of its last answer. Knows the shape of a request.

As in the API by its SDK (anthropic 2.12.0, `lib/threads`): a request with `"thread": {"type": "create"}` brings the
whole conversation; one with `{"type": "continue", "previous_message_id": ...}` brings the new messages alone, and is
answered, and billed, for the whole. A thread keeps its `system` and `tools`, which a continuation may not bring again.
"""

from __future__ import annotations

from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.failures import Failure, Refused, invalid
from otel_claude_demo.simulator.jsons import Json, as_list, as_object

_FIXED = ("system", "tools")
_MOST = 20_000
_NOT_FOUND = Failure(404, "not_found_error", "Thread not found.", error_code="thread_not_found")
_CONTINUED = Failure(
    400,
    "invalid_request_error",
    "The thread was continued from this message already.",
    error_code="thread_already_continued",
)


class Threads:
    """The conversations held. A new one takes the place of the oldest where there are too many."""

    def __init__(self) -> None:
        self._held: dict[str, Json | None] = {}
        """By the id of the last answer: `system`, `tools` and `messages`. None once it was continued."""

    def whole(self, body: Json) -> Json:
        """The request with the conversation that it continues; raises `Refused` where there is none."""
        thread = as_object(body.get("thread"))
        if thread.get("type") != "continue":
            return body
        name = str(thread.get("previous_message_id"))
        if name not in self._held:
            raise Refused(_NOT_FOUND)
        held = self._held[name]
        if held is None:
            raise Refused(_CONTINUED)
        repeated = [field for field in _FIXED if field in body]
        if repeated:
            raise invalid(f"{repeated[0]}: the thread keeps what it was created with")
        return {**body, **held, "messages": [*held["messages"], *as_list(body.get("messages"))]}

    def responded(self, body: Json, whole: Json, answer: Answer) -> None:
        """Hold what was answered, if the request asked for it."""
        thread = as_object(body.get("thread"))
        if not thread:
            return
        if thread.get("type") == "continue":
            self._held[str(thread.get("previous_message_id"))] = None
        if len(self._held) >= _MOST:
            del self._held[next(iter(self._held))]
        said = {"role": "assistant", "content": list(answer.content)}
        kept = {field: whole[field] for field in _FIXED if field in whole}
        self._held[answer.id] = {**kept, "messages": [*as_list(whole.get("messages")), said]}
