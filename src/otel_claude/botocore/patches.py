"""The one function of botocore that is patched, and the events that a client's attempts are seen by.

`BaseClient._make_api_call` stands around a whole call, with its retries; its events (public, of every client) tell each
attempt: `request-created`, `response-received`, and `after-call`, where what the application will read is prepared.
The same in botocore 1.35 to 1.44, and in aiobotocore, whose client overrides the function with a coroutine.
"""

from __future__ import annotations

import functools
import json
import time
from contextvars import ContextVar
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .._diagnostics import log_internal_error
from ..api import bedrock
from ..api.json import as_object, as_text
from ..api.request import RequestFeatures, parse_request
from ..patching import Original, Patch
from ..pricing import Platform
from ..runtime import Runtime
from ..telemetry.call import DEFAULT_PORTS, FIRST_ERROR_STATUS, UNKNOWN_CLIENT, Attempt, Call, ClientInfo, client_info
from ..telemetry.recorder import Recorder
from .bodies import observe_body, observe_stream
from .errors import error_type, was_never_sent

_SERVICE: Final = "bedrock-runtime"
_SPAN_SCOPES: Final = (
    "opentelemetry.instrumentation.botocore",
    "opentelemetry.instrumentation.bedrock",
    "openinference.instrumentation.bedrock",
    "openlit.instrumentation.bedrock",
)
"""What the scopes, and the modules, of other instrumentations begin with that open a span for a call: we open none."""
_MAX_MEASURED: Final = 1_000_000
"""Bytes of a request's body that is decoded for the span."""


class Operation(NamedTuple):
    """One of the operations that call a model."""

    method: str
    route: str
    converse: bool
    stream: bool


OPERATIONS: Final = {
    "InvokeModel": Operation("invoke_model", "/model/{modelId}/invoke", converse=False, stream=False),
    "InvokeModelWithResponseStream": Operation(
        "invoke_model_with_response_stream",
        "/model/{modelId}/invoke-with-response-stream",
        converse=False,
        stream=True,
    ),
    "Converse": Operation("converse", "/model/{modelId}/converse", converse=True, stream=False),
    "ConverseStream": Operation("converse_stream", "/model/{modelId}/converse-stream", converse=True, stream=True),
}


class ActiveCall:
    """A call that is being made in this context, and what its next attempt needs of the one before."""

    __slots__ = ("body", "call", "headers", "operation", "recorder", "responded_at")

    def __init__(self, recorder: Recorder, call: Call, operation: Operation, body: object) -> None:
        self.recorder = recorder
        self.call = call
        self.operation = operation
        self.body = body
        self.responded_at = 0.0
        self.headers: Any = {}


active_call: Final[ContextVar[ActiveCall | None]] = ContextVar("otel_claude_bedrock_call", default=None)
"""The call that a client is making in this context."""


def make_api_call(original: Original, runtime: Runtime) -> Original:
    """`BaseClient._make_api_call(operation_name, api_params)`."""

    @functools.wraps(original)
    def _make_api_call(client: Any, *args: Any, **kwargs: Any) -> Any:
        active = _start(runtime, client, args, kwargs)
        if active is None:
            return original(client, *args, **kwargs)
        token = active_call.set(active)
        try:
            result = original(client, *args, **kwargs)
        except BaseException as error:
            _end(active, token, error)
            raise
        _end(active, token, None)
        return result

    return _make_api_call


def make_api_call_async(original: Original, runtime: Runtime) -> Original:
    """`AioBaseClient._make_api_call(operation_name, api_params)` of aiobotocore."""

    @functools.wraps(original)
    async def _make_api_call(client: Any, *args: Any, **kwargs: Any) -> Any:
        active = _start(runtime, client, args, kwargs)
        if active is None:
            return await original(client, *args, **kwargs)
        token = active_call.set(active)
        try:
            result = await original(client, *args, **kwargs)
        except BaseException as error:
            _end(active, token, error)
            raise
        _end(active, token, None)
        return result

    return _make_api_call


def _start(runtime: Runtime, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ActiveCall | None:
    """The call that an operation starts. None for every other service, operation and vendor."""
    try:
        if client.meta.service_model.service_name != _SERVICE or not runtime.active:
            return None
        name = args[0] if args else kwargs["operation_name"]
        operation = OPERATIONS.get(name)
        if operation is None or not is_instrumentation_enabled():
            return None
        params = as_object(args[1] if len(args) > 1 else kwargs["api_params"])
        model = as_text(params.get("modelId"))
        sent = None if operation.converse else params.get("body")
        anthropic = None if operation.converse else bedrock.is_anthropic_body(sent)
        if model is None or not bedrock.is_claude(model, anthropic_body=anthropic):
            return None
        runtime.flush.on_measure()
        info = _watch(client)
        body = _request(params, sent, operation) if runtime.opens_spans else {}
        try:
            features = parse_request({**body, "model": model, "stream": operation.stream}, None, spans=True)
        except Exception:
            log_internal_error("read a request")
            features = RequestFeatures(model, operation.stream)
        call = Call(features, info, runtime.tags(), expects_native_span=True)
        call.native_scopes, call.http_route = _SPAN_SCOPES, operation.route
        call.opens_own_span = not _has_other_span(client, operation.method)
        runtime.recorder.on_start(call)
        return ActiveCall(runtime.recorder, call, operation, body)
    except Exception:
        log_internal_error("start a call")
        return None


def _has_other_span(client: Any, method: str) -> bool:
    """Whether another instrumentation stands in the place of a method: its span need not be current within the call."""
    function = client.__dict__.get(method)  # those of botocore's own are of the class
    return str(getattr(function, "__globals__", {}).get("__name__")).startswith(_SPAN_SCOPES)


def _request(params: Any, sent: object, operation: Operation) -> dict[str, Any]:
    """The request as one to the Messages API. Empty where that cannot be had without reading what is sent."""
    if operation.converse:
        return bedrock.converse_request(params)
    if not isinstance(sent, (str, bytes, bytearray)) or len(sent) > _MAX_MEASURED:
        return {}
    try:
        return dict(as_object(json.loads(sent)))
    except (ValueError, RecursionError):
        return {}


def _client_info(client: Any) -> ClientInfo:
    """Who is called."""
    try:
        meta = client.meta
        url = urlsplit(str(meta.endpoint_url))
        port = url.port or DEFAULT_PORTS.get(url.scheme, 443)
        return client_info("aws.bedrock", "botocore", Platform("bedrock", meta.region_name), url.hostname, port)
    except Exception:
        log_internal_error("find out who is called")
        return UNKNOWN_CLIENT


_clients: WeakKeyDictionary[Any, ClientInfo] = WeakKeyDictionary()


def _watch(client: Any) -> ClientInfo:
    """Who a client calls. Registers for its events the first time; only what is within a call of ours is recorded."""
    info = _clients.get(client)
    if info is None:
        # First: what signs the request, and what waits before a retry, must not be in between.
        for name, handler in _HANDLERS.items():
            client.meta.events.register_first(f"{name}.{_SERVICE}", handler, unique_id=f"otel-claude-{name}")
        info = _clients[client] = _client_info(client)
    return info


def _on_request_created(**_: Any) -> None:
    """A request was built and is about to be signed and sent: an attempt."""
    active = active_call.get()
    if active is None:
        return
    try:
        call = active.call
        if call.attempts:
            active.recorder.on_retry(call.attempts[-1], max(0.0, time.perf_counter() - active.responded_at))
        active.recorder.on_attempt(call, active.body)
    except Exception:
        log_internal_error("record an attempt")


def _on_response_received(
    response_dict: Any = None, parsed_response: Any = None, exception: Any = None, **_: Any
) -> None:
    """An attempt ended: with a response of whatever status, or with an exception."""
    active = active_call.get()
    if active is None or not active.call.attempts:
        return
    try:
        active.responded_at = time.perf_counter()
        attempt = active.call.attempts[-1]
        if response_dict is None:
            if exception is not None:
                attempt.error_type, attempt.never_sent = error_type(exception), was_never_sent(exception)
            return
        _on_response(active, attempt, response_dict, parsed_response)
    except Exception:
        log_internal_error("read a response")


def _on_response(active: ActiveCall, attempt: Attempt, response: Any, parsed: Any) -> None:
    status, headers = response["status_code"], response["headers"]
    request_id = as_text(headers.get("x-amzn-requestid"))
    raw = [] if request_id is None else [(b"request-id", request_id.encode("latin-1", "replace"))]
    active.recorder.on_headers(attempt, status, raw)
    if status >= FIRST_ERROR_STATUS:
        attempt.reject(bedrock.parse_error(status, as_object(as_object(parsed).get("Error")).get("Code")))
        return
    attempt.outcome = "success"
    active.headers = headers
    if active.operation == OPERATIONS["Converse"]:
        try:
            # What the client made of it lacks the counts that its version does not know.
            body = json.loads(response["body"])
        except (ValueError, RecursionError):
            attempt.fail_as_invalid()
            return
        active.recorder.on_response_data(attempt, bedrock.converse_message(as_object(body)))


def _on_after_call(parsed: Any = None, **_: Any) -> None:
    """The result is ready: its body, or its stream, is about to be handed on."""
    active = active_call.get()
    if active is None or not active.call.attempts:
        return
    attempt = active.call.attempts[-1]
    try:
        if attempt.outcome != "success":
            return
        operation, recorder = active.operation, active.recorder
        if operation.stream:
            stream = parsed["stream" if operation.converse else "body"]
            observe_stream(recorder, attempt, stream, converse=operation.converse)
        elif not operation.converse:
            observe_body(recorder, attempt, parsed["body"], active.headers)
    except Exception:
        attempt.body_pending = False  # The call ends as it returns, with a reason.
        log_internal_error("observe a body")


_HANDLERS: Final = {
    "request-created": _on_request_created,
    "response-received": _on_response_received,
    "after-call": _on_after_call,
}


def _end(active: ActiveCall, token: Any, error: BaseException | None) -> None:
    entered = True
    try:
        active_call.reset(token)
    except ValueError:
        entered = False  # A coroutine that is thrown away is closed in another context.
    call, recorder = active.call, active.recorder
    try:
        if entered and call.context_token is not None:
            recorder.detach(call)
        if not call.attempts:
            recorder.forget(call)  # Arguments that are not valid, a stub: nothing was sent.
            return
        if error is not None:
            last = call.attempts[-1]
            if last.status is None:
                last.never_sent = was_never_sent(error)
            kind = error_type(error)
            recorder.end_call(call, error_type=kind, cancelled=kind is None)
            return
        call.returned = True
        if call.responses or not call.attempts[-1].body_pending:
            recorder.end_call(call)
    except Exception:
        log_internal_error("end a call")


PATCHES: Final = (
    Patch("botocore.client", "BaseClient", "_make_api_call", make_api_call),
    Patch("aiobotocore.client", "AioBaseClient", "_make_api_call", make_api_call_async),
)
