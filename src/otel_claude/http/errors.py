"""The `error.type` of an exception, in the terms of the SDK's own spans. Knows exceptions by name: imports no SDK."""

from __future__ import annotations

from typing import Final

from .._diagnostics import log_internal_error
from ..api.json import as_integer, as_object, as_text
from ..telemetry.call import FIRST_ERROR_STATUS

_OTHER_ERROR: Final = "client_error"
_LIBRARIES: Final = ("anthropic", "httpx", "httpx2", "httpcore", "httpcore2")
_TYPES: Final = {
    "APITimeoutError": "client_timeout_error",
    "TimeoutException": "client_timeout_error",
    "APIConnectionError": "connection_error",
    "TransportError": "connection_error",
}
_NEVER_SENT: Final = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "LocalProtocolError")
"""What httpx and httpx2 raise before a request has left the process."""


def error_type(error: BaseException) -> str | None:
    """As anthropic 2.12.0 names it (`_tracing.error_type`); None if the application stopped the call."""
    if not isinstance(error, Exception):
        return None
    try:
        return _type_of(error)
    except Exception:
        log_internal_error("name an error")
        return _OTHER_ERROR


def _type_of(error: Exception) -> str:
    for kind in type(error).__mro__:
        if not _of_library(kind):
            continue
        if kind.__name__ == "APIStatusError":
            return _of_answer(error)
        if known := _TYPES.get(kind.__name__):
            return known
    return _OTHER_ERROR


def is_status_error(error: BaseException | None) -> bool:
    """Whether this is an error that the SDK made of a response."""
    return any(kind.__name__ == "APIStatusError" and _of_library(kind) for kind in type(error).__mro__)


def _of_library(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _LIBRARIES


def was_never_sent(error: BaseException) -> bool:
    """Whether the request of a failed attempt cannot have reached the API: then it costs nothing."""
    try:
        return _is_never_sent(error)
    except Exception:
        log_internal_error("find out whether a request was sent")
        return False


def _is_never_sent(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        for kind in type(cause).__mro__:
            if kind.__name__ in _NEVER_SENT and _of_library(kind):
                return True
        cause = cause.__cause__
    return False


def _of_answer(error: Exception) -> str:
    said = as_text(as_object(as_object(getattr(error, "body", None)).get("error")).get("type"))
    status = as_integer(getattr(error, "status_code", None)) or 0
    # An `error` event has the status of the response that opened its stream, which is none of an error.
    return said or (str(status) if status >= FIRST_ERROR_STATUS else "client_error")
