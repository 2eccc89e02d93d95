"""Every way to end a call, what its record says then, and that it ends once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from unit_calls import answered, begun, message, stream

from otel_claude.api import Answer, Refusal
from otel_claude.telemetry.call import Call, end_open_calls

WHOLE = Answer().updated(message())
EVENTS = stream()


def heard(call, *events):
    attempt = answered(call)
    call.returned(pending=True)
    for event in events:
        call.heard(event, attempt)
    return attempt


# Each takes a call that began, and ends it.


def body_then_return(call):
    call.heard(message(), answered(call))
    call.returned(pending=False)


def return_then_body(call):
    heard(call, message())


def stream_to_its_stop(call):
    heard(call, *EVENTS)


def stream_closed_after_start(call):
    call.body_ended(heard(call, *EVENTS[:4]), read=False)


def stream_closed_after_delta(call):
    call.body_ended(heard(call, *EVENTS[:6]), read=False)


def stream_cut_by_the_server(call):
    call.body_ended(heard(call, *EVENTS[:4]), read=True)


def stream_whose_reading_failed(call):
    call.body_ended(heard(call, *EVENTS[:4]), read=False, error_type="connection_error")


def stream_never_read(call):
    call.body_ended(heard(call), read=False)


def stream_dropped(call):
    heard(call, *EVENTS[:4])
    call.end(finalizing=True)


def stream_with_an_error_event(call):
    attempt = heard(call, *EVENTS[:4])
    attempt.outcome, attempt.error_type = "failed", "overloaded_error"
    call.failed("overloaded_error")


def error_event_before_anything(call):
    attempt = heard(call)
    attempt.outcome, attempt.error_type = "failed", "overloaded_error"
    call.failed("overloaded_error")


def raw_body_read_by_the_application(call):
    call.body_ended(heard(call), read=True, raw=True)


def refused(call):
    answered(call, 400).refused(Refusal(400, "invalid_request_error", None))
    call.failed("invalid_request_error")


def lost(call):
    call.attempt()
    call.failed("connection_error")


def never_sent(call):
    call.failed("client_error")


def stopped_before_an_answer(call):
    call.attempt()
    call.failed(None)


def exit_in_the_middle(call):
    heard(call, *EVENTS[:4])
    end_open_calls()


PARTIAL = Answer().updated(EVENTS[0])
WITH_DELTA = PARTIAL.updated(EVENTS[5])


class End(NamedTuple):
    how: Callable[[Call], None]
    answers: tuple[Answer, ...]
    missing: str | None
    error_type: str | None
    stopped: bool
    outcome: str | None
    """Of the last attempt."""


ENDS = [
    End(body_then_return, (WHOLE,), None, None, False, "success"),
    End(return_then_body, (WHOLE,), None, None, False, "success"),
    End(stream_to_its_stop, (WHOLE,), None, None, False, "success"),
    End(stream_closed_after_start, (PARTIAL,), None, None, True, "success"),
    End(stream_closed_after_delta, (WITH_DELTA,), None, None, False, "success"),
    End(stream_cut_by_the_server, (PARTIAL,), None, "api_error", False, "failed"),
    End(stream_whose_reading_failed, (PARTIAL,), None, "connection_error", False, "failed"),
    End(stream_never_read, (), "incomplete_stream", None, True, "success"),
    End(stream_dropped, (PARTIAL,), None, None, True, "success"),
    End(stream_with_an_error_event, (PARTIAL,), None, "overloaded_error", False, "failed"),
    End(error_event_before_anything, (), "incomplete_stream", "overloaded_error", False, "failed"),
    End(raw_body_read_by_the_application, (), "unread_body", None, True, "success"),
    End(refused, (), "refused", "invalid_request_error", False, "failed"),
    End(lost, (), "no_response", "connection_error", False, "failed"),
    End(never_sent, (), "not_sent", "client_error", False, None),
    End(stopped_before_an_answer, (), "no_response", None, True, "failed"),
    End(exit_in_the_middle, (PARTIAL,), None, None, True, "success"),
]
IDS = [end.how.__name__ for end in ENDS]


@pytest.mark.parametrize("end", ENDS, ids=IDS)
def test_how_a_call_ends_is_what_its_record_says(sink, end):
    call = begun(sink, stream=True)
    assert not call.ended
    end.how(call)
    record = sink.record
    assert call.ended
    assert record.answers == end.answers
    assert (record.missing, record.error_type, record.stopped) == (end.missing, end.error_type, end.stopped)
    assert (record.attempts[-1].outcome if record.attempts else None) == end.outcome
    assert sink.finalizing == [end.how is stream_dropped]


@pytest.mark.parametrize("end", ENDS, ids=IDS)
def test_only_the_first_end_counts(sink, end):
    call = begun(sink, stream=True)
    end.how(call)
    before, told = sink.record, list(sink.told)
    last = call.attempts[-1] if call.attempts else call.attempt()
    call.heard(message(name="msg_late"), last)
    call.heard({"type": "message_stop"}, last)
    call.body_ended(last, read=True)
    call.returned(pending=False)
    call.failed("client_error")
    call.end(stopped=True)
    call.end(finalizing=True)
    end_open_calls()
    assert sink.record is before
    assert sink.told == told, "a span may have ended: nothing more may be put on it"
