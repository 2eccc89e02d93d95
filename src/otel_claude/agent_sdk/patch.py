"""The patch of the Claude Agent SDK: the messages of the program on their way to the application.

`Query.receive_messages` stands in every version from 0.1.0 to 0.2.187, for `query()` and `ClaudeSDKClient` alike, and
for every transport. It gives the program's own JSON, which tells more than the types that are made of it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from importlib import import_module
from typing import Any, Final

from .._diagnostics import log_internal_error, logger
from ..patching import as_function

_MODULE: Final = "claude_agent_sdk._internal.query"
_OWNER: Final = "Query"
_NAME: Final = "receive_messages"

OnMessage = Callable[[Any], None]
Listen = Callable[[Any], "OnMessage | None"]


class AgentPatch:
    """The patch of one `instrument()`. `listen` gives who hears the messages of a `Query`; None: nobody."""

    def __init__(self, listen: Listen) -> None:
        self._listen: Listen | None = listen
        self._patched: list[tuple[type, Any, Any]] = []

    def install(self) -> None:
        """Patches the SDK, which is imported. Called again, what was imported anew since."""
        owner: Any = getattr(sys.modules[_MODULE], _OWNER, None)
        original = getattr(owner, "__dict__", {}).get(_NAME)
        if not callable(original):
            logger.warning(
                "claude-agent-sdk %s has no %s.%s, so what it reports is not measured. Upgrade otel-claude or use "
                "claude-agent-sdk>=0.1,<0.3.",
                getattr(import_module("claude_agent_sdk._version"), "__version__", "(unknown version)"),
                _OWNER,
                _NAME,
            )
            return
        if any(owner is patched for patched, _, _ in self._patched):
            return
        replacement = self._replaced(original)
        setattr(owner, _NAME, replacement)
        self._patched.append((owner, original, replacement))

    def remove(self) -> None:
        """Restores what was patched. What somebody wrapped since then stays theirs, and ours in it passes through."""
        self._listen = None
        for owner, original, replacement in self._patched:
            if owner.__dict__.get(_NAME) is replacement:
                setattr(owner, _NAME, original)
        self._patched.clear()

    def _replaced(self, original: Callable[..., Any]) -> Callable[..., Any]:
        receive = as_function(original)

        @functools.wraps(original)
        def receive_messages(query: Any) -> Any:
            messages = receive(query)
            try:
                on_message = self._listen(query) if self._listen is not None else None
            except Exception:
                log_internal_error("listen to the Claude Agent SDK")
                return messages
            return messages if on_message is None else _observed(messages, on_message)

        return receive_messages


async def _observed(messages: AsyncGenerator[Any, None], on_message: OnMessage) -> AsyncGenerator[Any, None]:
    try:
        async for message in messages:
            try:
                on_message(message)
            except Exception:
                log_internal_error("read a message of the Claude Agent SDK")
            yield message
    finally:
        await messages.aclose()


def options_of(query: Any) -> Any:
    """`ClaudeAgentOptions` of a query. None if the application brought a transport of its own."""
    return getattr(query.transport, "_options", None)


def environment_of(query: Any, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the program, as far as it can be known here."""
    own: Any = getattr(options_of(query), "env", None)
    return {**inherited, **(own if isinstance(own, dict) else {})}


def session_of(query: Any) -> str | None:
    """The session that a query goes on with, `""` if it may be one that is not known; None for a new one."""
    options = options_of(query)
    if options is None:
        return ""
    more: Any = getattr(options, "extra_args", None) or {}
    if resumed := getattr(options, "resume", None) or more.get("resume"):
        return str(resumed)
    goes_on = getattr(options, "continue_conversation", False) or "continue" in more
    return "" if goes_on else None
