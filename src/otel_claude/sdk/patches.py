"""The functions of the anthropic SDK that are patched, and what stands in their place.

Through these few functions every call passes, on sync and async clients and on every platform's, whatever method began
it: `create`, `stream`, `parse`, `tool_runner`, beta, raw and streaming responses, `client.post`. They stand with these
names and arguments in every version from 0.40.0 to 2.12.0. Each patch tells the runtime or the recorder what passes,
and passes it on unchanged, with whatever a later SDK adds to the arguments. Nothing of ours raises: every patch
contains its own failure.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from .._diagnostics import log_internal_error
from ..patching import Original, Patch
from ..runtime import Runtime
from ..telemetry.call import Call
from . import batches, managed_agents, responses
from .client import start_call
from .responses import active_call

_BASE: Final = "anthropic._base_client"
_EXCEPTIONS: Final = "anthropic._exceptions"
_PIECE: Final = "content_block_delta"


def request(original: Original, runtime: Runtime) -> Original:
    """`SyncAPIClient.request(cast_to, options, …)`."""

    @functools.wraps(original)
    def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = start_call(runtime, client, args, kwargs)
        if call is None and (not runtime.active or active_call.get() is None):
            return original(client, *args, **kwargs)
        token = active_call.set(call)
        try:
            result = original(client, *args, **kwargs)
        except BaseException as error:
            _end(runtime, call, token, error, None)
            raise
        _end(runtime, call, token, None, result)
        return result

    return request


def request_async(original: Original, runtime: Runtime) -> Original:
    """`AsyncAPIClient.request(cast_to, options, …)`."""

    @functools.wraps(original)
    async def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = start_call(runtime, client, args, kwargs)
        if call is None and (not runtime.active or active_call.get() is None):
            return await original(client, *args, **kwargs)
        token = active_call.set(call)
        try:
            result = await original(client, *args, **kwargs)
        except BaseException as error:
            _end(runtime, call, token, error, None)
            raise
        _end(runtime, call, token, None, result)
        return result

    return request


def _end(runtime: Runtime, call: Call | None, token: Any, error: BaseException | None, result: Any) -> None:
    try:
        active_call.reset(token)
    except ValueError:
        # A coroutine that is thrown away is closed in another context, which never saw the call or entered its span.
        if call is not None:
            call.context_token = None
    if call is None:
        return
    try:
        if call.context_token is not None:
            runtime.recorder.detach(call)
        if error is None:
            responses.on_return(runtime.recorder, call, result)
        else:
            responses.on_raise(runtime.recorder, call, error)
    except Exception:
        log_internal_error("end a call")


def build_request(original: Original, runtime: Runtime) -> Original:
    """`BaseClient._build_request(options, *, retries_taken=0)`: once for every attempt, before it is sent."""

    @functools.wraps(original)
    def build_request(client: Any, *args: Any, **kwargs: Any) -> Any:
        built = original(client, *args, **kwargs)
        if runtime.active:
            try:
                options = args[0] if args else kwargs["options"]
                responses.on_build_request(runtime.recorder, client, options, built)
            except Exception:
                log_internal_error("record an attempt")
        return built

    return build_request


def process_response(original: Original, runtime: Runtime) -> Original:
    """`_process_response(*, cast_to, options, response, …)` of both clients. Its result may be awaitable."""

    @functools.wraps(original)
    def process_response(client: Any, *args: Any, **kwargs: Any) -> Any:
        if runtime.active:
            try:
                attempt = responses.attempt_for(kwargs["response"], kwargs["options"])
                if attempt is not None:
                    responses.on_response(runtime.recorder, attempt, client, kwargs)
                else:
                    batches.on_response(runtime, client, kwargs)
            except Exception:
                log_internal_error("read a response")
        return original(client, *args, **kwargs)

    return process_response


def process_response_data(original: Original, runtime: Runtime) -> Original:
    """`BaseClient._process_response_data(*, data, cast_to, response)`: each decoded body, each event of each stream."""

    @functools.wraps(original)
    def process_response_data(client: Any, *args: Any, data: Any, cast_to: Any, response: Any, **kwargs: Any) -> Any:
        try:
            attempt = responses.attempt_of(response)
            if attempt is None:
                if runtime.active:
                    managed_agents.on_response_data(runtime, client, data, response)
            # Of the pieces of a stream, which most events are, only the first says something: when it came.
            elif attempt.call.time_to_first_chunk is None or data.__class__ is not dict or data.get("type") != _PIECE:
                if attempt.reader is not None:
                    attempt.reader.on_decoded()
                # Also when not active: a stream that began before keeps this function.
                runtime.recorder.on_response_data(attempt, data)
        except Exception:
            log_internal_error("read a response's body")
        if args or kwargs:
            return original(client, *args, data=data, cast_to=cast_to, response=response, **kwargs)
        # For each event of a stream: by name they are passed in half the time.
        return original(client, data=data, cast_to=cast_to, response=response)

    return process_response_data


def should_retry(original: Original, runtime: Runtime) -> Original:
    """`BaseClient._should_retry(response)`: each failed attempt that has retries left."""

    @functools.wraps(original)
    def should_retry(client: Any, *args: Any, **kwargs: Any) -> Any:
        if runtime.active:
            try:
                response = args[0] if args else kwargs["response"]
                attempt = responses.retried_attempt(response)
                if attempt is not None:
                    responses.on_rejected(runtime.recorder, attempt, response)
            except Exception:
                log_internal_error("record a failed attempt")
        return original(client, *args, **kwargs)

    return should_retry


def calculate_retry_timeout(original: Original, runtime: Runtime) -> Original:
    """`BaseClient._calculate_retry_timeout(remaining_retries, options, response_headers=None)`: once per retry."""

    @functools.wraps(original)
    def calculate_retry_timeout(client: Any, *args: Any, **kwargs: Any) -> Any:
        delay = original(client, *args, **kwargs)
        if runtime.active:
            try:
                call = active_call.get()
                if call is not None and call.attempts:
                    headers = args[2] if len(args) > 2 else kwargs.get("response_headers")  # noqa: PLR2004 - its place
                    responses.on_retry(runtime.recorder, call.attempts[-1], delay, headers)
            except Exception:
                log_internal_error("record a retry")
        return delay

    return calculate_retry_timeout


def status_error(original: Original, runtime: Runtime) -> Original:
    """`APIStatusError.__init__(message, *, response, body)`: failures, also those that an event in a stream says."""

    @functools.wraps(original)
    def __init__(error: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - the patched function's own name
        original(error, *args, **kwargs)
        if runtime.active:
            try:
                response = kwargs["response"]
                attempt = responses.rejected_attempt(response)
                if attempt is not None:
                    responses.on_error(runtime.recorder, attempt, error, response, kwargs["body"])
            except Exception:
                log_internal_error("record an error")

    return __init__


PATCHES: Final = (
    Patch(_BASE, "SyncAPIClient", "request", request),
    Patch(_BASE, "AsyncAPIClient", "request", request_async),
    Patch(_BASE, "BaseClient", "_build_request", build_request),
    Patch(_BASE, "SyncAPIClient", "_process_response", process_response),
    Patch(_BASE, "AsyncAPIClient", "_process_response", process_response),
    Patch(_BASE, "BaseClient", "_process_response_data", process_response_data),
    Patch(_BASE, "BaseClient", "_should_retry", should_retry),
    Patch(_BASE, "BaseClient", "_calculate_retry_timeout", calculate_retry_timeout),
    Patch(_EXCEPTIONS, "APIStatusError", "__init__", status_error),
)
