"""Every way to end a call, what it is then, and that it ends once."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx2
import pytest
from unit_calls import Body, failed, feed, message, responded, returned, sent, started, stream, streamed

from otel_claude.api.errors import ApiError
from otel_claude.api.response import Response, merge_message_delta, parse_message, parse_message_start
from otel_claude.telemetry.call import Call
from otel_claude.telemetry.open_calls import end_open_calls
from otel_claude.telemetry.recorder import Recorder

WHOLE = parse_message(message())
EVENTS = stream()


# Each starts a call, ends it, and gives it.


def body_then_return(recorder):
    call = started(recorder)
    feed(recorder, responded(recorder, call), message())
    returned(recorder, call)
    return call


def return_then_body(recorder):
    return streamed(recorder, message(), stream=False)[0]


def stream_to_its_stop(recorder):
    return streamed(recorder, *EVENTS)[0]


def stream_closed_after_start(recorder):
    call, attempt = streamed(recorder, *EVENTS[:4])
    Body(recorder, attempt).stream.close()
    return call


def stream_closed_after_delta(recorder):
    call, attempt = streamed(recorder, *EVENTS[:6])
    Body(recorder, attempt).stream.close()
    return call


def stream_cut_by_the_server(recorder):
    call, attempt = streamed(recorder, *EVENTS[:4])
    assert list(Body(recorder, attempt).stream) == [b""]
    return call


def stream_whose_reading_failed(recorder):
    call, attempt = streamed(recorder, *EVENTS[:4])
    with pytest.raises(httpx2.ReadError):
        list(Body(recorder, attempt, error=httpx2.ReadError("planted secret")).stream)
    return call


def stream_never_read(recorder):
    call, attempt = streamed(recorder)
    Body(recorder, attempt).stream.close()
    return call


def stream_dropped(recorder):
    call, attempt = streamed(recorder, *EVENTS[:4])
    body = Body(recorder, attempt)
    body.stream = None  # its proxy knows it, and a cycle would wait for the garbage collector
    del body
    gc.collect()
    recorder.instruments.flush_deferred()
    return call


def stream_with_an_error_event(recorder):
    call, attempt = streamed(recorder, *EVENTS[:4])
    attempt.fail_in_stream("overloaded_error", "overloaded")
    recorder.end_call(call, error_type="overloaded_error")
    return call


def error_event_before_anything(recorder):
    call, attempt = streamed(recorder)
    attempt.fail_in_stream("overloaded_error", "overloaded")
    recorder.end_call(call, error_type="overloaded_error")
    return call


def stream_without_a_stop_reason(recorder):
    return streamed(recorder, *EVENTS[:5], {**EVENTS[5], "delta": {}}, EVENTS[6])[0]


def stream_without_a_delta(recorder):
    return streamed(recorder, *EVENTS[:5], EVENTS[6])[0]


def stream_of_nothing_but_its_stop(recorder):
    return streamed(recorder, EVENTS[6])[0]


def no_message(recorder):
    call = started(recorder)
    feed(recorder, responded(recorder, call), {"type": "error", "error": {"type": "overloaded_error"}})
    returned(recorder, call)
    return call


def raw_body_read_by_the_application(recorder):
    call, attempt = streamed(recorder)
    assert list(Body(recorder, attempt, raw=True).stream) == [b""]
    return call


def rejected(recorder):
    call = started(recorder, stream=True)
    responded(recorder, call, 400).reject(ApiError(400, "invalid_request_error", None))
    failed(recorder, call, "invalid_request_error")
    return call


def lost(recorder):
    call = started(recorder, stream=True)
    sent(recorder, call)
    failed(recorder, call, "connection_error")
    return call


def no_connection(recorder):
    call = started(recorder, stream=True)
    sent(recorder, call).never_sent = True
    failed(recorder, call, "connection_error")
    return call


def never_sent(recorder):
    call = started(recorder, stream=True)
    failed(recorder, call, "client_error")
    return call


def stopped_before_a_response(recorder):
    call = started(recorder, stream=True)
    sent(recorder, call)
    failed(recorder, call, None)
    return call


def exit_in_the_middle(recorder):
    call, _ = streamed(recorder, *EVENTS[:4])
    end_open_calls()
    return call


PARTIAL = parse_message_start(EVENTS[0])
WITH_DELTA = merge_message_delta(PARTIAL, EVENTS[5])


class End(NamedTuple):
    how: Callable[[Recorder], Call]
    responses: tuple[Response, ...]
    no_response_reason: str | None
    error_type: str | None
    cancelled: bool
    outcome: str | None
    """Of the last attempt."""


ENDS = [
    End(body_then_return, (WHOLE,), None, None, False, "success"),
    End(return_then_body, (WHOLE,), None, None, False, "success"),
    End(stream_to_its_stop, (WHOLE,), None, None, False, "success"),
    End(stream_closed_after_start, (PARTIAL,), None, None, True, "success"),
    End(stream_closed_after_delta, (WITH_DELTA,), None, None, False, "success"),
    End(stream_cut_by_the_server, (PARTIAL,), None, None, True, "success"),
    End(stream_whose_reading_failed, (PARTIAL,), None, "connection_error", False, "failed"),
    End(stream_never_read, (), "incomplete_stream", None, True, "success"),
    End(stream_dropped, (PARTIAL,), None, None, True, "success"),
    End(stream_with_an_error_event, (PARTIAL,), None, "overloaded_error", False, "failed"),
    End(error_event_before_anything, (), "error_event", "overloaded_error", False, "failed"),
    End(stream_without_a_stop_reason, (WHOLE._replace(stop_reason=None),), None, None, False, "success"),
    End(stream_without_a_delta, (PARTIAL._replace(complete=True),), None, None, False, "success"),
    End(stream_of_nothing_but_its_stop, (), "no_usage", None, True, "success"),
    End(no_message, (), "invalid_response", "invalid_response", False, "failed"),
    End(raw_body_read_by_the_application, (), "unread_body", None, True, "success"),
    End(rejected, (), "rejected", "invalid_request_error", False, "failed"),
    End(lost, (), "no_response", "connection_error", False, "failed"),
    End(no_connection, (), "not_sent", "connection_error", False, "failed"),
    End(never_sent, (), "not_sent", "client_error", False, None),
    End(stopped_before_a_response, (), "no_response", None, True, "failed"),
    End(exit_in_the_middle, (PARTIAL,), None, None, True, "success"),
]
IDS = [end.how.__name__ for end in ENDS]


@pytest.mark.parametrize("end", ENDS, ids=IDS)
def test_how_a_call_ends_is_what_it_says_of_itself(keeper, end):
    call = end.how(keeper)
    assert keeper.one is call
    assert call.ended
    assert tuple(call.responses.values()) == end.responses
    assert (call.no_response_reason(), call.error_type, call.cancelled) == (
        end.no_response_reason,
        end.error_type,
        end.cancelled,
    )
    assert (call.attempts[-1].outcome if call.attempts else None) == end.outcome


def state(call: Call) -> Any:
    attempts = [(a.status, a.outcome, a.error_type, a.blocked, a.delay) for a in call.attempts]
    return dict(call.responses), attempts, call.error_type, call.cancelled, call.duration, call.cost


@pytest.mark.parametrize("end", ENDS, ids=IDS)
def test_only_the_first_end_counts(keeper, end):
    call = end.how(keeper)
    before = state(call)
    if call.attempts:
        last = call.attempts[-1]
        feed(keeper, last, message(name="msg_late"), EVENTS[0], EVENTS[5], {"type": "message_stop"})
        assert list(Body(keeper, last).stream) == [b""]
    returned(keeper, call)
    failed(keeper, call, "client_error")
    keeper.end_call(call, cancelled=True)
    keeper.end_call(call, in_finalizer=True)
    keeper.forget(call)
    end_open_calls()
    assert keeper.one is call
    assert keeper.instruments.deferred == type(keeper.instruments.deferred)()
    assert state(call) == before, "its telemetry may be written: nothing more may change it"
