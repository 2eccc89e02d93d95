"""The two functions of httpx that are patched: every request passes `send`, whatever method of a client it began with.

LiteLLM sends its own requests with clients of httpx (0.28 in LiteLLM 1.60 to 1.110), also where aiohttp carries them,
and for every provider. Each is a call of one attempt: what LiteLLM sends again, it sends as anew.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .._diagnostics import log_internal_error
from ..api.api_keys import redact_api_key, without_scheme
from ..api.json import as_object
from ..api.request import RequestFeatures, parse_request
from ..http.errors import error_type, was_never_sent
from ..http.headers import raw_headers
from ..patching import Original, Patch
from ..pricing import ANTHROPIC
from ..runtime import Runtime
from ..telemetry import conflicts
from ..telemetry.call import DEFAULT_PORTS, FIRST_ERROR_STATUS, UNKNOWN_CLIENT, Attempt, Call, ClientInfo, client_info
from ..telemetry.recorder import Recorder
from .bodies import observe_body, on_body
from .requests import Target, is_claude, target_of

_SPAN_SCOPES: Final = ("openinference.instrumentation.litellm", "openlit", "opentelemetry.instrumentation.litellm")
"""What the scopes begin with of the spans that other instrumentations of LiteLLM open for a call: then we open none."""
_OPENLIT: Final = conflicts.Instrumentation("openlit.instrumentation.litellm", "LiteLLMInstrumentor", "openlit")
_ATTEMPT: Final = "otel_claude.attempt"
"""What a request of the anthropic SDK's carries in its `extensions`."""
_sending: Final[ContextVar[Call | None]] = ContextVar("otel_claude_sending", default=None)
"""Tells the context in which a request was sent from others."""
_BOTOCORE: Final = "otel_claude.botocore.patches"


def send(original: Original, runtime: Runtime) -> Original:
    """`httpx.Client.send(request, *, stream, …)`."""

    @functools.wraps(original)
    def send(client: Any, *args: Any, **kwargs: Any) -> Any:
        sent = _start(runtime, client, args, kwargs)
        if sent is None:
            return original(client, *args, **kwargs)
        try:
            response = original(client, *args, **kwargs)
        except BaseException as error:
            sent.on_raise(error)
            raise
        sent.on_return(response)
        return response

    return send


def send_async(original: Original, runtime: Runtime) -> Original:
    """`httpx.AsyncClient.send(request, *, stream, …)`."""

    @functools.wraps(original)
    async def send(client: Any, *args: Any, **kwargs: Any) -> Any:
        sent = _start(runtime, client, args, kwargs)
        if sent is None:
            return await original(client, *args, **kwargs)
        try:
            response = await original(client, *args, **kwargs)
        except BaseException as error:
            sent.on_raise(error)
            raise
        sent.on_return(response)
        return response

    return send


def _start(runtime: Runtime, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Sent | None:
    """The call that a request is. None for every request that is none to Claude, or is measured by another source."""
    try:
        if not runtime.active:
            return None
        request = args[0] if args else kwargs["request"]
        found = target_of(request, spans=runtime.opens_spans)
        if found is None or _is_of_another_source(request) or not is_instrumentation_enabled():
            return None
        library = _library(client, anything=runtime.settings.httpx)
        if library is None:
            return None
        runtime.flush.on_measure()
        return _Sent(runtime, found, request, library)
    except Exception:
        log_internal_error("start a call")
        return None


def _is_of_another_source(request: Any) -> bool:
    """Whether another source of ours measures a request: the anthropic SDK on httpx, or aiobotocore on it."""
    botocore = sys.modules.get(_BOTOCORE)
    return _ATTEMPT in request.extensions or (botocore is not None and botocore.active_call.get() is not None)


def _library(client: Any, *, anything: bool) -> str | None:
    """Who made a client of httpx, by what it calls itself where a request says nothing else."""
    agent: str = client.headers.get("user-agent", "")
    if agent.startswith("litellm/") or (agent and agent == os.environ.get("LITELLM_USER_AGENT")):
        return "litellm"
    return "httpx" if anything else None


def _client_info(request: Any, found: Target, library: str, runtime: Runtime) -> ClientInfo:
    """Who calls whom."""
    try:
        key = None
        if found.platform is ANTHROPIC:
            shown = request.headers.get("x-api-key") or without_scheme(request.headers.get("authorization", ""))
            key = redact_api_key(shown or None, runtime.settings.api_key_format)
        url = request.url
        port = url.port or DEFAULT_PORTS.get(url.scheme, 443)
        return client_info(found.provider, library, found.platform, url.host, port, key)
    except Exception:
        log_internal_error("find out who is called")
        return UNKNOWN_CLIENT


class _Sent:
    """A request on its way: a call with its one attempt."""

    __slots__ = ("_attempt", "_call", "_recorder", "_target", "_token")

    def __init__(self, runtime: Runtime, found: Target, request: Any, library: str) -> None:
        try:
            features = parse_request(found.body, None, spans=runtime.opens_spans)
        except Exception:
            log_internal_error("read a request")
            features = RequestFeatures()
        client = _client_info(request, found, library, runtime)
        self._target = found
        self._call = call = Call(features, client, runtime.tags(), expects_native_span=True)
        call.native_scopes, call.http_route = _SPAN_SCOPES, found.route
        call.opens_own_span = found.is_claude is True and not _has_span_elsewhere()
        self._recorder: Any = runtime.recorder if found.is_claude else _OnlyOfClaude(runtime.recorder)
        self._token = _sending.set(call)
        runtime.recorder.on_start(call)
        self._attempt: Attempt = runtime.recorder.on_attempt(call, found.body)

    def _leave(self) -> None:
        """Leaves the span of ours that was entered."""
        try:
            _sending.reset(self._token)
        except ValueError:
            return  # A coroutine that is thrown away is closed in another context, which never saw the span.
        self._recorder.detach(self._call)

    def on_return(self, response: Any) -> None:
        """The response is here; its body was read if it was not to be streamed."""
        recorder, call, attempt = self._recorder, self._call, self._attempt
        try:
            self._leave()
            status, headers = response.status_code, response.headers
            request_id = headers.get("x-amzn-requestid")
            raw = (
                raw_headers(headers)
                if request_id is None
                else [(b"request-id", request_id.encode("latin-1", "replace"))]
            )
            recorder.on_headers(attempt, status, raw)
            if status < FIRST_ERROR_STATUS:
                attempt.outcome = "success"
            content: bytes | None = getattr(response, "_content", None)
            if content is None and not response.is_closed:
                if status >= FIRST_ERROR_STATUS:
                    on_body(recorder, attempt, self._target, headers, None)
                call.returned = True
                observe_body(recorder, attempt, self._target, response)
                return
            on_body(recorder, attempt, self._target, headers, None if content is None else _json(content))
        except Exception:
            log_internal_error("read a response")
        recorder.end_call(call, error_type=attempt.error_type)

    def on_raise(self, error: BaseException) -> None:
        """No response came, or none that httpx takes for one."""
        response = getattr(error, "response", None)
        if hasattr(response, "status_code"):
            self.on_return(response)  # A hook of the application's made an exception of it.
            return
        recorder, call, attempt = self._recorder, self._call, self._attempt
        try:
            self._leave()
            attempt.never_sent = was_never_sent(error)
            kind = error_type(error)
            recorder.end_call(call, error_type=kind, cancelled=kind is None)
        except Exception:
            log_internal_error("end a call")


class _OnlyOfClaude:
    """Stands for the recorder where an alias was asked for: only the answer says whether its model is of Anthropic's.

    Such a call has no span of ours, and what is none of Claude's is not recorded.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.detach, self.on_headers = recorder.detach, recorder.on_headers
        self._is_claude = False

    def on_response_data(self, attempt: Attempt, data: object) -> None:
        """As the recorder's. The first that names a model decides."""
        if not self._is_claude:
            said = as_object(data)
            model = as_object(said.get("message")).get("model") or said.get("model")
            if model is not None and not is_claude(model):
                self._recorder.forget(attempt.call)
            self._is_claude = is_claude(model)
        if self._is_claude:
            self._recorder.on_response_data(attempt, data)

    def end_call(self, call: Call, **how: Any) -> None:
        """As the recorder's."""
        if self._is_claude:
            self._recorder.end_call(call, **how)
        else:
            self._recorder.forget(call)


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _has_span_elsewhere() -> bool:
    """Whether a span of each call is made that cannot be found here: once it is over, or beside the current one."""
    if conflicts.is_active(_OPENLIT):
        return True
    library = sys.modules.get("litellm")
    callbacks = [*getattr(library, "callbacks", ()), *getattr(library, "success_callback", ())]
    return any(each == "otel" or type(each).__name__ == "OpenTelemetry" for each in callbacks)


PATCHES: Final = (
    Patch("httpx._client", "Client", "send", send),
    Patch("httpx._client", "AsyncClient", "send", send_async),
)
