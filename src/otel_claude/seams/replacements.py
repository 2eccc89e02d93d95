"""The replacement of each seam: it tells a `Call` what passes, and passes it on unchanged.

Each takes the original, and the `Listeners`. Nothing of ours raises here: every hop contains its own failure. What a
later SDK passes beside the known arguments is passed on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..batches import Reader
from ..call import Call
from ..contain import contained
from . import batches
from .exchange import answered, attempt_of, call_of, failed, read_headers, refusal_of, retried, sending
from .finding import answered_attempt, refused_attempt, retried_attempt
from .running import Running, raised, running

Begin = Callable[[Any, Any], "Call | None"]
Watch = Callable[[Any, Any], "Reader | None"]
Overhear = Callable[[Any, Any, Any], None]
Original = Callable[..., Any]


@dataclass
class Listeners:
    """Who is told what the seams see.

    `begin` makes the `Call` of a request, and `watch` the `Reader` of one that asks for batches; or None where there is
    nothing to see. `overhear` is told each decoded body, and each event of a stream, that is no call's.
    """

    begin: Begin
    watch: Watch
    overhear: Overhear
    open: bool = True
    """Once it is not, a replacement that somebody kept passes through: those of a later `instrument()` see instead."""


def request(original: Original, listeners: Listeners) -> Original:
    """`SyncAPIClient.request(cast_to, options, …)`."""

    @functools.wraps(original)
    def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(listeners.begin, client, args, kwargs) if listeners.open else None
        if call is None and (running() is None or not listeners.open):
            return original(client, *args, **kwargs)
        with Running(call) as entered:
            entered.result = result = original(client, *args, **kwargs)
            return result

    return request


def request_async(original: Original, listeners: Listeners) -> Original:
    """`AsyncAPIClient.request(cast_to, options, …)`."""

    @functools.wraps(original)
    async def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(listeners.begin, client, args, kwargs) if listeners.open else None
        if call is None and (running() is None or not listeners.open):
            return await original(client, *args, **kwargs)
        with Running(call) as entered:
            entered.result = result = await original(client, *args, **kwargs)
            return result

    return request


def _begun(begin: Begin, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    try:
        return begin(client, _argument(args, kwargs, 1, "options"))
    except Exception:
        contained("began a call")
        return None


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def build_request(original: Original, listeners: Listeners) -> Original:
    """`BaseClient._build_request(options, *, retries_taken=0)`: once for every attempt, before it is sent."""

    @functools.wraps(original)
    def build_request(client: Any, *args: Any, **kwargs: Any) -> Any:
        built = original(client, *args, **kwargs)
        try:
            options = _argument(args, kwargs, 0, "options")
            call = running()
            middleware = getattr(client, "_middleware", None)
            if call is None or middleware:
                # A stream whose middleware sends a further hop may be read while another call is running.
                call = call_of(options) or call
            if call is not None and listeners.open:
                sending(call, options, built, middleware)
        except Exception:
            contained("saw an attempt")
        return built

    return build_request


def process_response(original: Original, listeners: Listeners) -> Original:
    """`_process_response(*, cast_to, options, response, …)` of both clients. Its result may be awaitable."""

    @functools.wraps(original)
    def process_response(client: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            response = kwargs["response"]
            attempt = answered_attempt(response, kwargs["options"]) if listeners.open else None
            if attempt is not None:
                answered(attempt, response, client, kwargs)
            elif listeners.open:
                batches.answered(listeners.watch, client, kwargs)
        except Exception:
            contained("saw a response")
        return original(client, *args, **kwargs)

    return process_response


def process_response_data(original: Original, listeners: Listeners) -> Original:
    """`BaseClient._process_response_data(*, data, cast_to, response)`: each decoded body, each event of each stream."""

    @functools.wraps(original)
    def process_response_data(client: Any, *args: Any, data: Any, cast_to: Any, response: Any, **kwargs: Any) -> Any:
        try:
            attempt = attempt_of(response)
            if attempt is not None:
                # Also when closed: a stream that began before keeps this function, and hearing twice adds nothing.
                attempt.call.heard(data, attempt)
            elif listeners.open:
                listeners.overhear(client, data, response)
        except Exception:
            contained("heard a body")
        if args or kwargs:
            return original(client, *args, data=data, cast_to=cast_to, response=response, **kwargs)
        # For each event of a stream: by name they are passed in half the time.
        return original(client, data=data, cast_to=cast_to, response=response)

    return process_response_data


def should_retry(original: Original, listeners: Listeners) -> Original:
    """`BaseClient._should_retry(response)`: each failed attempt that has retries left."""

    @functools.wraps(original)
    def should_retry(client: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            response = _argument(args, kwargs, 0, "response")
            attempt = retried_attempt(response) if listeners.open else None
            if attempt is not None:
                read_headers(attempt, response.status_code, response.headers)
                attempt.refused(refusal_of(response))
        except Exception:
            contained("saw a failed attempt")
        return original(client, *args, **kwargs)

    return should_retry


def calculate_retry_timeout(original: Original, listeners: Listeners) -> Original:
    """`BaseClient._calculate_retry_timeout(remaining_retries, options, response_headers=None)`: once per retry."""

    @functools.wraps(original)
    def calculate_retry_timeout(client: Any, *args: Any, **kwargs: Any) -> Any:
        delay = original(client, *args, **kwargs)
        try:
            call = running()
            attempts = call.attempts if call is not None else None
            if attempts and listeners.open:
                retried(attempts[-1], delay, _argument(args, kwargs, 2, "response_headers"))
        except Exception:
            contained("saw a retry")
        return delay

    return calculate_retry_timeout


def status_error(original: Original, listeners: Listeners) -> Original:
    """`APIStatusError.__init__(message, *, response, body)`: failures, also those that an event in a stream tells."""

    @functools.wraps(original)
    def __init__(error: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - the seam's own name
        original(error, *args, **kwargs)
        try:
            response = kwargs["response"]
            attempt = refused_attempt(response) if listeners.open else None
            if attempt is not None:
                failed(attempt, error, response, kwargs["body"])
        except Exception:
            contained("saw an error")

    return __init__


def finish_api_call_span(original: Original, listeners: Listeners) -> Original:
    """`finish_api_call_span(client, span, result)`, since 1.14.0: its own span ends, or its body is wrapped.

    What a failed call cost can be told its span only here.
    """

    @functools.wraps(original)
    def finish_api_call_span(*args: Any, **kwargs: Any) -> Any:
        try:
            error = (args[2] if args else kwargs["result"]).error  # As every version calls it, and by name.
            if error is not None and listeners.open:
                call = running()
                if call is not None and call.span is _argument(args, kwargs, 1, "span"):
                    raised(call, error)
        except Exception:
            contained("saw a failed call")
        return original(*args, **kwargs)

    return finish_api_call_span
