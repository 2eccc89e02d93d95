"""Sessions: the answers about Managed Agents sessions, which no call of the Messages API gave.

`beta.sessions` is in the SDK since 0.92. Its answers and the events of its streams are decoded where all others are.
"""

from typing import Any, Final

from .._diagnostics import log_internal_error
from ..api.api_keys import without_scheme
from ..api.managed_agents import parse_sessions
from ..runtime import Runtime
from ..telemetry.call import UNKNOWN_CLIENT, ClientInfo
from ..telemetry.managed_agents import Owner
from .client import client_info, known_of
from .responses import workspace_of

_PLACE: Final = "/v1/sessions"


def on_response_data(runtime: Runtime, client: Any, data: object, response: Any) -> None:
    """A body, or an event of a stream, was decoded that is no call's. It may be about sessions."""
    path = _session_path(response)
    if path is None or not runtime.may_measure():
        return
    owner: Owner | None = None
    for session in parse_sessions(path, data):
        if owner is None:
            owner = Owner(_requester(runtime, client, response), workspace_of(response))
        try:
            runtime.instruments.sessions.update(session, owner, runtime.instruments.sets)
        except Exception:
            log_internal_error("keep what is known of a session")


def _requester(runtime: Runtime, client: Any, response: Any) -> ClientInfo:
    try:
        sent = response.request.headers
        key = sent.get("x-api-key") or without_scheme(sent.get("authorization", ""))
        return client_info(client, key, runtime.settings.api_key_format, known_of(client))
    except Exception:
        log_internal_error("find out who asks for a session")
        return UNKNOWN_CLIENT


def _session_path(response: Any) -> str | None:
    try:
        path = response.request.url.path
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return path if isinstance(path, str) and _PLACE in path else None
