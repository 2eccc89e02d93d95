"""What the SDK's clients and request options say of a call before it is sent: who calls whom, and whether it spends."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from ..contain import contained
from ..keys import shown
from ..pricing import PlatformName
from ..record import Caller
from ..settings import KeyMode
from ..tracers import makes_spans
from ..wire import Request, request
from ..wire.json import fields, text

_PROVIDERS: Final[dict[PlatformName, str]] = {
    "bedrock": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
    "foundry": "anthropic",
    "aws": "anthropic",
    "google_cloud": "anthropic",
}
"""Each platform of `anthropic.lib` with the provider that the SDK's own spans name for it (anthropic 2.12.0)."""
_CREDENTIALS: Final = ("x-api-key", "authorization")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_callers: WeakKeyDictionary[Any, tuple[object, str | None, KeyMode, Caller]] = WeakKeyDictionary()
"""The last caller of each client, and what it was made of."""


def spends(options: Any) -> bool:
    """Whether these options are a request to the Messages API. On every platform its URL is canonical at this point."""
    return options.url.partition("?")[0].rstrip("/").endswith("v1/messages") and options.method.lower() == "post"


def has_native_span(client: Any, options: Any) -> bool:
    """Whether the SDK will trace this call by itself: since 1.14.0, and only what a method of the SDK's sends."""
    return bool(getattr(options, "span_name", None)) and makes_spans(getattr(client, "_tracer", None))


def request_of(options: Any) -> Request:
    """The scalars of the request. Since 1.14.0 its body is not prepared yet, and may hold one-shot iterators."""
    return request(options.json_data, getattr(options, "extra_json", None))


def caller_of(client: Any, key: str | None, mode: KeyMode) -> Caller:
    """The `Caller` of a client that shows this key; worked out anew when its base URL or the key changes."""
    base_url = client.base_url
    known = _callers.get(client)
    if known is not None and known[0] is base_url and known[1] == key and known[2] == mode:
        return known[3]
    platform = _platform(client.__class__)
    caller = Caller(
        _PROVIDERS.get(platform, "anthropic"),
        platform,
        text(getattr(client, "aws_region", None)) or text(getattr(client, "region", None)),
        base_url.host,
        base_url.port or _DEFAULT_PORTS.get(base_url.scheme, 443),
        # A cloud's client can hold a key of the Console's that it never sends: Foundry's has the environment's.
        _hint(key, mode) if platform == "anthropic" else None,
    )
    _callers[client] = (base_url, key, mode, caller)
    return caller


def _hint(key: str | None, mode: KeyMode) -> str | None:
    try:
        return shown(key, mode)
    except Exception:
        contained("made the hint of an API key")
        return None


def key_of(client: Any, options: Any) -> str | None:
    """The credential that the request will show: its own headers', else the client's, OAuth tokens included.

    `_build_headers` lays them over each other in this order. Tokens that are fetched for each request are not seen.
    """
    omitted: set[str] = set()
    for headers in (options.headers, getattr(client, "_custom_headers", None)):
        credential: str | None = None
        for name, value in fields(headers).items():
            lowered = name.lower()
            if lowered not in _CREDENTIALS or lowered in omitted:
                continue
            if not isinstance(value, str):
                omitted.add(lowered)  # The SDK's `Omit` takes a header away.
            elif credential is None or lowered == _CREDENTIALS[0]:
                credential = value
        if credential is not None:
            return without_scheme(credential)
    if omitted:
        # Which of the two headers has the client's own credential depends on the SDK's version.
        left = [value for name, value in client.auth_headers.items() if name.lower() not in omitted]
        return without_scheme(left[0]) if left else None
    return text(getattr(client, "api_key", None)) or text(getattr(client, "auth_token", None))


def without_scheme(value: str) -> str:
    """The credential in the value of a header, with `Bearer` before it or without."""
    scheme, _, credential = value.partition(" ")
    return credential if scheme.lower() == "bearer" else value


def _platform(client: type) -> PlatformName:
    for kind in client.__mro__:
        package, _, rest = kind.__module__.partition("anthropic.lib.")
        if not package:
            for name in _PROVIDERS:
                if name == rest.partition(".")[0]:
                    return name
    return "anthropic"
