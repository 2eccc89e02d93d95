"""Calls that fail, are refused, or succeed only when they are sent again."""

from typing import Any

import pytest

from support import api
from support.expected import ABORTED, PLAIN, REJECTED, SERVED, STREAM, THROTTLED, UNKNOWN, Attempt
from support.face import Face
from support.library import anthropic, http
from support.server import Reply, error_event, plain, raising, refused, stream, throttled
from support.shapes import ARGS, NEVER, Action, Shape, create, create_beta, helper_final_message, stream_read

ONCE = {"max_retries": 0}
CUT = api.events()[:4]
FAILED_429: Attempt = (429, "failed", "rate_limit_error", "rate_limit")
LOST: Attempt = (None, "retried", "connection_error", None)
NO_RESPONSE = UNKNOWN.but(status="ERROR", reason="no_response")
# What never left the process costs nothing.
NEVER_SENT = REJECTED
# An attempt that got no response may be billed beside the one that did.
BILLED_TWICE = PLAIN.but(cost="lower_bound", reason="no_response")
BROKEN = ABORTED.but(status="ERROR")
MUTE = NEVER.but(status="ERROR")


def failing(act: Action, error: type[BaseException], **said: Any) -> Action:
    """`act` raises this error, and exactly this."""

    async def fail(face: Face) -> None:
        with pytest.raises(error) as raised:
            await act(face)
        for name, value in said.items():
            assert getattr(raised.value, name) == value

    return fail


async def read_to_error(face: Face) -> None:
    await face.take(await face.wait(face.client.messages.create(**ARGS, stream=True)))


def rejected(status: int, kind: str, blocked: str | None = None, text: str = "no", **details: Any) -> Shape:
    attempt: Attempt = (status, "failed", kind, blocked)
    expected = REJECTED.but(error_type=kind, attempts=(attempt,))
    return Shape(failing(create, anthropic.APIStatusError, status_code=status), expected,
                 (refused(status, kind, text, **details),), options=ONCE)  # fmt: skip


def cut(listed: list[Any], failure: type[Exception] | None = None) -> tuple[Reply, ...]:
    return (stream(listed, failure),)


SPENT = "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."
SPENT_HERE = "You have reached your specified workspace API usage limits."
NO_CREDIT = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
TWICE_429 = REJECTED.but(error_type="rate_limit_error", attempts=(THROTTLED, THROTTLED, FAILED_429))

FAILING = {
    "429, then success": Shape(create, PLAIN.but(attempts=(THROTTLED, SERVED)), (throttled(), plain())),
    "429, then success, beta": Shape(create_beta, PLAIN.but(attempts=(THROTTLED, SERVED)), (throttled(), plain())),
    "429, then a stream": Shape(stream_read, STREAM.but(attempts=(THROTTLED, SERVED)), (throttled(), stream())),
    "429, then the helper": Shape(
        helper_final_message, STREAM.but(attempts=(THROTTLED, SERVED)), (throttled(), stream())
    ),
    "429 to the end": Shape(failing(create, anthropic.RateLimitError), TWICE_429, (throttled(),)),
    "429 to the end, stream": Shape(
        failing(stream_read, anthropic.RateLimitError), TWICE_429.but(stream=True), (throttled(),)
    ),
    "429 to the end, helper": Shape(
        failing(helper_final_message, anthropic.RateLimitError), TWICE_429.but(stream=True), (throttled(),)
    ),
    "429, spend limit": rejected(429, "rate_limit_error", "spend_limit", error_code="enforced_spend_limit_reached"),
    "429, contract's limit": rejected(
        429, "rate_limit_error", "spend_limit", error_code="contract_spend_limit_reached"
    ),
    "429, ramp limit": rejected(429, "rate_limit_error", "rate_limit", error_code="ramp_limit_exceeded"),
    "529": rejected(529, "overloaded_error", "overloaded"),
    "529, compaction only": rejected(529, "overloaded_error", None, error_code="compaction_unavailable"),
    "500": rejected(500, "api_error"),
    "504": rejected(504, "timeout_error"),
    "400": rejected(400, "invalid_request_error"),
    "400, own spend limit": rejected(400, "invalid_request_error", "spend_limit", SPENT),
    "400, workspace's spend limit": rejected(400, "invalid_request_error", "spend_limit", SPENT_HERE),
    "400, credit balance": rejected(400, "invalid_request_error", "credit_balance", NO_CREDIT),
    "400 that quotes a prompt": rejected(400, "invalid_request_error", None, f"tokens: {SPENT}"),
    "401": rejected(401, "authentication_error"),
    "402": rejected(402, "billing_error", "credit_balance"),
    "402, spend limit": rejected(
        402, "billing_error", "spend_limit", error_code="linked_organization_spend_limit_reached"
    ),
    "403": rejected(403, "permission_error"),
    "404": rejected(404, "not_found_error"),
    "413": rejected(413, "request_too_large"),
    "connection error": Shape(
        failing(create, anthropic.APIConnectionError),
        NEVER_SENT.but(
            error_type="connection_error", attempts=(LOST, LOST, (None, "failed", "connection_error", None))
        ),
        (raising(http.ConnectError),),
    ),
    "connection lost": Shape(
        failing(create, anthropic.APIConnectionError),
        NO_RESPONSE.but(error_type="connection_error", attempts=((None, "failed", "connection_error", None),)),
        (raising(http.ReadError),),
        options=ONCE,
    ),
    "no connection in time": Shape(
        failing(create, anthropic.APITimeoutError),
        NEVER_SENT.but(error_type="client_timeout_error", attempts=((None, "failed", "client_timeout_error", None),)),
        (raising(http.ConnectTimeout),),
        options=ONCE,
    ),
    "timeout, then no connection": Shape(
        failing(create, anthropic.APIConnectionError),
        NO_RESPONSE.but(
            error_type="connection_error",
            attempts=((None, "retried", "client_timeout_error", None), (None, "failed", "connection_error", None)),
        ),
        (raising(http.ReadTimeout), raising(http.ConnectError)),
        options={"max_retries": 1},
    ),
    "timeout": Shape(
        failing(create, anthropic.APITimeoutError),
        NO_RESPONSE.but(error_type="client_timeout_error", attempts=((None, "failed", "client_timeout_error", None),)),
        (raising(http.ReadTimeout),),
        options=ONCE,
    ),
    "timeout, stream": Shape(
        failing(stream_read, anthropic.APITimeoutError),
        NO_RESPONSE.but(
            error_type="client_timeout_error", attempts=((None, "failed", "client_timeout_error", None),), stream=True
        ),
        (raising(http.ReadTimeout),),
        options=ONCE,
    ),
    "timeout, then success": Shape(
        create,
        BILLED_TWICE.but(attempts=((None, "retried", "client_timeout_error", None), SERVED)),
        (raising(http.ReadTimeout), plain()),
    ),
    "connection error, 529, 429, then success": Shape(
        create,
        PLAIN.but(attempts=(LOST, (529, "retried", "overloaded_error", "overloaded"), THROTTLED, SERVED)),
        (raising(http.ConnectError), refused(529, "overloaded_error"), throttled(), plain()),
        options={"max_retries": 3},
    ),
    "error event": Shape(
        failing(read_to_error, anthropic.APIStatusError, status_code=200),
        BROKEN.but(error_type="overloaded_error", attempts=((200, "failed", "overloaded_error", "overloaded"),)),
        cut([*CUT, api.error("overloaded_error")]),
    ),
    "error event, helper": Shape(
        failing(helper_final_message, anthropic.APIStatusError, status_code=200),
        BROKEN.but(error_type="overloaded_error", attempts=((200, "failed", "overloaded_error", "overloaded"),)),
        cut([*CUT, api.error("overloaded_error")]),
    ),
    "error event at once": Shape(
        failing(read_to_error, anthropic.APIStatusError, status_code=200),
        MUTE.but(
            reason="error_event",
            error_type="overloaded_error",
            attempts=((200, "failed", "overloaded_error", "overloaded"),),
        ),
        cut([api.error("overloaded_error")]),
    ),
    "error event without a type": Shape(
        failing(read_to_error, anthropic.APIStatusError, status_code=200),
        MUTE.but(reason="error_event", error_type="client_error", attempts=((200, "failed", "client_error", None),)),
        (error_event({"error": {"message": "no"}}),),
    ),
    "error event that is no JSON": Shape(
        failing(read_to_error, anthropic.APIStatusError, status_code=200),
        MUTE.but(reason="error_event", error_type="client_error", attempts=((200, "failed", "client_error", None),)),
        (error_event("upstream connect error"),),
    ),
    "connection cut": Shape(
        failing(read_to_error, http.ReadError),
        BROKEN.but(error_type="connection_error", attempts=((200, "failed", "connection_error", None),)),
        cut(CUT, http.ReadError),
    ),
    "connection cut, helper": Shape(
        failing(helper_final_message, http.RemoteProtocolError),
        BROKEN.but(error_type="connection_error", attempts=((200, "failed", "connection_error", None),)),
        cut(CUT, http.RemoteProtocolError),
    ),
    "read timeout in a stream": Shape(
        failing(read_to_error, http.ReadTimeout),
        BROKEN.but(error_type="client_timeout_error", attempts=((200, "failed", "client_timeout_error", None),)),
        cut(CUT, http.ReadTimeout),
    ),
    "clean cut": Shape(
        # The application saw no failure. The SDK's own span judges otherwise.
        read_to_error,
        ABORTED.but(native_status="ERROR", native_error_type="api_error"),
        cut(CUT),
    ),
    "clean cut, nothing said": Shape(
        read_to_error,
        NEVER.but(native_status="ERROR", native_error_type="api_error"),
        cut([]),
    ),
    "clean cut after the final counts": Shape(
        # All that is billed is known, so to us it succeeded.
        read_to_error,
        STREAM.but(native_status="ERROR", native_error_type="api_error"),
        cut(api.events()[:-1]),
    ),
}
