"""The `error.type` of botocore's exceptions, and of what it lets through. Knows them by name: imports none."""

from __future__ import annotations

from typing import Final

from ..api.bedrock import parse_error
from ..api.json import as_object

_TYPES: Final = {
    "ReadTimeoutError": "client_timeout_error",
    "ConnectTimeoutError": "client_timeout_error",
    "HTTPClientError": "connection_error",
    "ConnectionError": "connection_error",
    "ProtocolError": "connection_error",
    "ClientConnectionError": "connection_error",
    "ClientPayloadError": "connection_error",
}
_NEVER_SENT: Final = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"})
"""What is raised before a request has left the process (botocore 1.35 to 1.44)."""
_LIBRARIES: Final = ("botocore", "aiobotocore", "urllib3", "aiohttp")
"""The last two raise by themselves while a stream is read."""
_OTHER: Final = "client_error"


def error_type(error: BaseException) -> str | None:
    """The code that AWS gave, else what went wrong in the client; None if the application stopped the call."""
    if not isinstance(error, Exception):
        return None
    for kind in _kinds(error):
        if kind == "ClientError" and (response := as_object(getattr(error, "response", None))):
            return parse_error(0, as_object(response.get("Error")).get("Code")).error_type or _OTHER
        if kind in _TYPES:
            return _TYPES[kind]
    return _OTHER


def was_never_sent(error: BaseException) -> bool:
    """Whether the request of a failed attempt cannot have reached Bedrock: then it costs nothing."""
    return not _NEVER_SENT.isdisjoint(_kinds(error))


def _kinds(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__ if kind.__module__.partition(".")[0] in _LIBRARIES]
