"""Finding: which attempt a response answers, also where the application made another request or response of it.

A client whose `send` rebuilds the request, a layer that signs it, a cache, a hook that assigns `extensions`: what they
pass on carries nothing of ours, or something of an earlier call. The running call knows what it waits for.
"""

from __future__ import annotations

import sys
from typing import Any

from ..record import Attempt
from .errors import FIRST_ERROR, is_status_error
from .exchange import ATTEMPT, attempt_of, call_of
from .running import running


def answered_attempt(response: Any, options: Any) -> Attempt | None:
    """The attempt that the SDK is about to process the answer of, with the options it was made of."""
    try:
        attempt: Attempt = response.request.extensions[ATTEMPT]
        # A cache can give the response of an earlier call once more, and what it carries then is that call's.
        if attempt.status is None and attempt.sent_as == id(options):
            # Where it is looked for first. Streams are parsed when no call is running any more.
            response.extensions[ATTEMPT] = attempt
            return attempt
    except (AttributeError, KeyError, RuntimeError, TypeError):
        # It carries nothing, or has no request, or is a stand-in of a test.
        return _found(attempt_of(response), options, response)
    return _found(attempt_of(response), options, response)


def _found(carried: Attempt | None, options: Any, response: Any) -> Attempt | None:
    attempt = _waiting(carried, options)
    # Never its request: an application can use one for many responses.
    extensions = getattr(response, "extensions", None)
    if attempt is not None and isinstance(extensions, dict):
        extensions[ATTEMPT] = attempt
    return attempt


def _waiting(carried: Attempt | None, options: Any) -> Attempt | None:
    call = call_of(options) or running()
    if call is None:
        return carried if carried is not None and carried.status is None else None
    attempts = call.attempts
    for attempt in reversed(attempts):
        if attempt.sent_as == id(options) and attempt.waits:
            return attempt
    # Somebody who overrides `_build_request` copied the options.
    ours = carried if carried is not None and carried.call is call else None
    if ours is not None and ours.status is None:
        return ours
    if attempts and attempts[-1].waits and call.idempotency_key == options.idempotency_key:
        return attempts[-1]
    return ours


def refused_attempt(response: Any) -> Attempt | None:
    """The attempt of a response that the SDK makes an error of, or thinks of sending again."""
    attempt = attempt_of(response)
    call = running()
    # With middleware the SDK has processed each answer before. What an event in a stream says is of what is carried.
    if call is None or call.has_middleware or response.status_code < FIRST_ERROR:
        return attempt
    if attempt is not None and attempt.call is call:
        return attempt
    last = call.attempts[-1] if call.attempts else None
    if last is None or not last.waits:
        return attempt
    response.extensions[ATTEMPT] = last
    return last


def retried_attempt(response: Any) -> Attempt | None:
    """The attempt of a response of which the SDK asks whether to send it again."""
    error = sys.exc_info()[1]
    while error is not None:
        if is_status_error(error) and getattr(error, "response", None) is response:
            # It was made an error of before: of ours, or of a call that a hook or an auth flow of ours made.
            return attempt_of(response)
        error = error.__cause__
    return refused_attempt(response)
