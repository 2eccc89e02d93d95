"""Counting: settings to listener to patch. The only place where they meet, and imported only where the SDK is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .. import settings
from .._diagnostics import log_internal_error, logger
from ..flush import FlushOnExit
from ..settings import Settings
from ..tags import current as current_tags
from ..telemetry.metrics import instruments_of
from ..version import __version__
from .patch import AgentPatch, OnMessage, environment_of, session_of
from .recorder import AgentRecorder
from .totals import Connection, Sessions

TELEMETRY: Final = "CLAUDE_CODE_ENABLE_TELEMETRY"


class Counting:
    """All that one `instrument()` set up in the SDK, which is imported. `providers`: those that it was given."""

    def __init__(self, chosen: Settings, providers: dict[str, Any]) -> None:
        self._settings = chosen
        self._flush = FlushOnExit(chosen, providers, traces=False)
        self._instruments = instruments_of(
            providers.get("meter_provider"),
            __version__,
            chosen.tag_limit,
            tag_values=chosen.tag_values,
            keep=True,
            instance_id=chosen.instance_id,
        )
        self._instruments.add_agents()
        self._sessions: Sessions = {}
        self._connections: WeakKeyDictionary[Any, Connection] = WeakKeyDictionary()
        self._warned = False
        self._patch = AgentPatch(self._listen)
        self._patch.install()

    def renew(self) -> None:
        """Patches what was imported anew."""
        self._patch.install()

    def stop(self) -> None:
        """Takes all of it out again."""
        self._patch.remove()
        self._flush.stop()

    def _listen(self, query: Any) -> OnMessage | None:
        """Who hears the messages of a query, or None if nobody does."""
        if not is_instrumentation_enabled():
            return None
        if self._settings.agent_sdk == "auto" and telemetry_is_on(environment_of(query, os.environ)):
            if not self._warned:
                self._warned = True
                logger.warning(
                    "%s is on, so the claude program exports metrics of its own, and otel-claude counts nothing that "
                    "the Claude Agent SDK reports. Unset it, or set OTEL_CLAUDE_AGENT_SDK=on to have both.",
                    TELEMETRY,
                )
            return None
        self._flush.on_measure()
        # One program can be listened to many times: `ClaudeSDKClient` does it for each turn.
        connection = self._connections.get(query)
        if connection is None:
            connection = self._connections[query] = Connection(self._sessions, session_of(query))
        try:
            tags = current_tags(self._settings.baggage_tags)
        except Exception:
            log_internal_error("read the tags")
            tags = ()
        return AgentRecorder(self._instruments, connection, tags).on_message


def telemetry_is_on(environment: Mapping[str, str]) -> bool:
    """Whether the program exports metrics of its own, as far as its environment says."""
    return environment.get(TELEMETRY, "").strip().lower() in settings.TRUE
