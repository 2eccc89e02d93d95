"""ClaudeAgentInstrumentor: settings to listener to seam. The only place where they meet."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .. import settings
from ..contain import contained, logger
from ..instruments import instruments_of
from ..labels import Labeller
from ..settings import Settings
from ..tags import current as current_tags
from ..version import __version__
from .listener import Listener
from .seam import AgentSeam, Hear, environment_of, session_of
from .totals import Connection, Sessions

SUPPORTED: Final = ("claude-agent-sdk >= 0.1, < 0.3",)
_PACKAGE: Final = "claude_agent_sdk"
TELEMETRY: Final = "CLAUDE_CODE_ENABLE_TELEMETRY"


class ClaudeAgentInstrumentor(BaseInstrumentor):
    """Counts what the Claude Agent SDK reports of its tokens and its cost.

    `instrument()` takes `meter_provider`, and each field of `Settings`, of which it heeds `agent_sdk`, `baggage_tags`
    and `tag_limit`. It does not import the SDK: it patches when the application imports it.
    """

    configuration = Settings
    """For OpenTelemetry's declarative configuration file, which validates options against it."""
    _seam: AgentSeam | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The versions of the SDK that can be measured."""
        return SUPPORTED

    def _instrument(self, **kwargs: Any) -> None:
        # An exception from here would stop every instrumentor after ours.
        try:
            if find_spec(_PACKAGE) is None:
                return
            chosen = settings.read(kwargs, heeded=settings.OF_AGENTS)
            if chosen.agent_sdk != "off":
                self._seam = AgentSeam(_listening(chosen, kwargs.get("meter_provider")))
                self._seam.install()
        except Exception:
            contained("instrumented the Claude Agent SDK")

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - the base class's signature
        seam, self._seam = self._seam, None
        if seam is not None:
            seam.remove()


def telemetry_is_on(environment: Mapping[str, str]) -> bool:
    """Whether the program exports metrics of its own, as far as its environment says."""
    return environment.get(TELEMETRY, "").strip().lower() in settings.TRUE


def _listening(chosen: Settings, provider: Any) -> Any:
    """The function that gives who hears the messages of a query, or None if nobody does."""
    instruments = instruments_of(provider, __version__, Labeller(chosen.tag_limit), keep=True)
    instruments.add_agents()
    sessions = Sessions()
    connections: WeakKeyDictionary[Any, Connection] = WeakKeyDictionary()
    told: list[bool] = []

    def listen(query: Any) -> Hear | None:
        if not is_instrumentation_enabled():
            return None
        if chosen.agent_sdk == "auto" and telemetry_is_on(environment_of(query, os.environ)):
            if not told:
                told.append(True)
                logger.warning(
                    "%s is on, so the claude program exports metrics of its own, and otel-claude counts nothing that "
                    "the Claude Agent SDK reports. Unset it, or set OTEL_CLAUDE_AGENT_SDK=on to have both.",
                    TELEMETRY,
                )
            return None
        # One program can be listened to many times: `ClaudeSDKClient` does it for each turn.
        connection = connections.get(query)
        if connection is None:
            connection = connections[query] = Connection(sessions, session_of(query))
        return Listener(instruments, connection, current_tags(chosen.baggage_tags)).heard

    return listen
