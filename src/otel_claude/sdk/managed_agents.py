"""Sessions: the answers about Managed Agents sessions, which no call of the Messages API gave.

`beta.sessions` is in the SDK since 0.92. Its answers and the events of its streams are decoded where all others are.
"""

from typing import Any, Final

from ..api import parse_headers, parse_sessions
from ..runtime import Runtime
from ..telemetry.managed_agents import Owner
from .client import client_info, without_scheme

_PLACE: Final = "/v1/sessions"


def on_response_data(runtime: Runtime, client: Any, data: object, response: Any) -> None:
    """A body, or an event of a stream, was decoded that is no call's. It may be about sessions."""
    path = _session_path(response)
    if path is None or not runtime.may_measure():
        return
    sent = response.request.headers
    key = sent.get("x-api-key") or without_scheme(sent.get("authorization", ""))
    owner: Owner | None = None
    for session in parse_sessions(path, data):
        if owner is None:
            owner = Owner(
                client_info(client, key, runtime.settings.api_key_format),
                parse_headers(response.headers.raw).workspace_id,
            )
        runtime.instruments.sessions.update(session, owner, runtime.instruments.sets)


def _session_path(response: Any) -> str | None:
    try:
        path = response.request.url.path
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return path if isinstance(path, str) and _PLACE in path else None
