"""Sessions: the answers about Managed Agents sessions, which no call of the Messages API gave.

`beta.sessions` is in the SDK since 0.92. Its answers and the events of its streams are decoded where all others are.
"""

from typing import Any, Final, NamedTuple

from ..contain import contained
from ..wire import head
from .client import without_scheme

_PLACE: Final = "/v1/sessions"


class Asker(NamedTuple):
    """The key that asked for an answer about sessions, and the workspace that the answer's headers name."""

    key: str | None
    workspace: str | None


def session_path(response: Any) -> str | None:
    """The path that this is the answer of, if that is about sessions. Asked of each body that no call heard."""
    try:
        path = response.request.url.path
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return path if isinstance(path, str) and _PLACE in path else None


def asker(response: Any) -> Asker:
    """Who asked."""
    sent = response.request.headers
    key = sent.get("x-api-key") or without_scheme(sent.get("authorization", ""))
    try:
        return Asker(key, head(response.headers.raw).workspace_id)
    except Exception:
        contained("read the headers of a response")
        return Asker(key, None)
