"""What the SDK's clients and request options say of a call before it is sent: who calls whom, and whether it is one."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple, cast
from weakref import ReferenceType, ref

from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .._diagnostics import log_internal_error
from .._tag_context import top
from ..api.api_keys import redact_api_key, without_scheme
from ..api.json import as_object, as_text
from ..api.request import RequestFeatures, parse_request
from ..pricing import ANTHROPIC, Platform, PlatformName
from ..runtime import Runtime
from ..settings import ApiKeyFormat
from ..telemetry.call import DEFAULT_PORTS, UNKNOWN_CLIENT, Call, ClientInfo
from ..telemetry.call import client_info as interned
from ..telemetry.recorder import can_record

_PROVIDERS: Final[dict[PlatformName, str]] = {
    "bedrock": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
    "foundry": "anthropic",
    "aws": "anthropic",
    "google_cloud": "anthropic",
}
"""Each platform of `anthropic.lib` with the provider that the SDK's own spans name for it (anthropic 2.12.0)."""
_CREDENTIALS: Final = ("x-api-key", "authorization")
_CREDENTIAL_LENGTHS: Final = frozenset(map(len, _CREDENTIALS))

_LIBRARY: Final = "anthropic"
_MESSAGES: Final = "/v1/messages"


class Known(NamedTuple):
    """What was found out of a client, and what that was found out from."""

    client: ReferenceType[Any]
    base_url: object
    key: str | None
    form: ApiKeyFormat
    info: ClientInfo
    records_spans: bool = False
    """Whether the SDK's own spans of its calls were seen to be recorded. Once they are, they always are."""


_known: Final[dict[int, Known]] = {}
"""By the `id` of the client: a `WeakKeyDictionary` looks up in Python."""


def start_call(runtime: Runtime, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """The call that a request to the Messages API starts, which has these arguments. Hot path.

    None for any other request, and if that cannot be found out.
    """
    try:
        options = args[1] if len(args) > 1 else kwargs["options"]
        url: str = options.url
        if url != _MESSAGES and not url.partition("?")[0].rstrip("/").endswith("v1/messages"):
            return None
        if options.method.lower() != "post" or not runtime.active:
            return None
        # In an empty context nobody has suppressed anything. To ask in any case runs seven functions.
        if get_current() and not is_instrumentation_enabled():
            return None
        # What is known of a call when it starts, each part by itself: what fails is missing, and all else is measured.
        if not runtime.flush.is_settled:
            runtime.flush.on_measure()
        known = _known.get(id(client))  # as `known_of`
        if known is not None and known.client() is not client:
            known = None
        try:
            native = bool(getattr(options, "span_name", None)) and (
                (known is not None and known.records_spans) or _records_spans(client, known)
            )
        except Exception:
            log_internal_error("find the client library's tracing")
            native = True  # Rather no span of ours than a second one.
        try:
            if native or not runtime.opens_spans:
                features = parse_request(options.json_data, getattr(options, "extra_json", None), spans=False)
            else:
                features = parse_request(options.json_data, getattr(options, "extra_json", None), spans=True)
                features = features._replace(conversation_id=_conversation_id(client))
        except Exception:
            log_internal_error("read a request")
            features = RequestFeatures()
        # Without a block that is open, and without baggage, there is nothing to look for.
        tags = runtime.tags() if runtime.settings.baggage_tags or top.get() is not None else ()
        call = Call(features, requester(runtime, client, options, known), tags, expects_native_span=native)
        runtime.recorder.on_start(call)
    except Exception:
        log_internal_error("start a call")
        return None
    return call


def known_of(client: Any) -> Known | None:
    """What was found out of a client before. Its `id` can have been another's."""
    known = _known.get(id(client))
    return known if known is not None and known.client() is client else None


def _records_spans(client: Any, known: Known | None) -> bool:
    found = can_record(getattr(client, "_tracer", None))
    if found and known is not None:
        _known[id(client)] = known._replace(records_spans=True)
    return found


def _conversation_id(client: Any) -> str | None:
    """What the application called the conversation, in the `open_telemetry` option of anthropic 1.14 and newer."""
    return as_text(as_object(getattr(client, "_open_telemetry", None)).get("conversation_id"))


def requester(runtime: Runtime, client: Any, options: Any, known: Known | None) -> ClientInfo:
    """Who sends a request, as far as it can be found out. `known`: as `known_of` gives it."""
    try:
        key = request_api_key(client, options)
    except Exception:
        log_internal_error("read an API key")
        key = None
    return client_info(client, key, runtime.settings.api_key_format, known)


def client_info(client: Any, key: str | None, form: ApiKeyFormat, known: Known | None) -> ClientInfo:
    """The `ClientInfo` of a client that shows this key; found out anew when its base URL or the key changes."""
    try:
        if known is None or known.base_url is not client.base_url or known.key != key or known.form != form:
            known = _known[id(client)] = _find_out(client, key, form)
    except Exception:
        log_internal_error("find out who calls")
        return UNKNOWN_CLIENT
    return known.info


def _find_out(client: Any, key: str | None, form: ApiKeyFormat) -> Known:
    name = _platform(client.__class__)
    region = as_text(getattr(client, "aws_region", None)) or as_text(getattr(client, "region", None))
    base_url = client.base_url
    info = interned(
        _PROVIDERS.get(name, "anthropic"),
        _LIBRARY,
        ANTHROPIC if name == ANTHROPIC.name else Platform(name, region),
        base_url.host,
        base_url.port or DEFAULT_PORTS.get(base_url.scheme, 443),
        # A cloud's client can hold a key of the Console's that it never sends: Foundry's has the environment's.
        _hint(key, form) if name == ANTHROPIC.name else None,
    )
    return Known(ref(client, partial(_known.pop, id(client))), base_url, key, form, info)


def _hint(key: str | None, form: ApiKeyFormat) -> str | None:
    try:
        return redact_api_key(key, form)
    except Exception:
        log_internal_error("make the hint of an API key")
        return None


def request_api_key(client: Any, options: Any) -> str | None:
    """The credential that the request will show: its own headers', else the client's, OAuth tokens included.

    `_build_headers` lays them over each other in this order. Tokens that are fetched for each request are not seen.
    """
    omitted: set[str] | None = None
    for headers in (options.headers, getattr(client, "_custom_headers", None)):
        # Hardly any request has a credential of its own: it is enough to look at the lengths of the names, in C.
        names: Any = headers
        if not headers or not isinstance(headers, dict) or _CREDENTIAL_LENGTHS.isdisjoint(map(len, names)):
            continue
        credential: str | None = None
        for name, value in cast("dict[str, Any]", headers).items():
            lowered = name.lower()
            omitted = omitted or set()
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
    key = getattr(client, "api_key", None)
    if type(key) is str and key:
        return key
    return as_text(getattr(client, "auth_token", None))


def _platform(client: type) -> PlatformName:
    for kind in client.__mro__:
        package, _, rest = kind.__module__.partition("anthropic.lib.")
        if not package:
            for name in _PROVIDERS:
                if name == rest.partition(".")[0]:
                    return name
    return "anthropic"
