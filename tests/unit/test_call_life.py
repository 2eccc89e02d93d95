"""A call's life beside its end: attempts, answers, first chunk, threads, forks; and all that its record has."""

from __future__ import annotations

import gc
import threading

import pytest
from otel_claude.telemetry.record import CallRecord
from unit_calls import CALLER, OPUS, TAGS, USAGE, KeepingSink, answered, begun, message, stream

from otel_claude.api import Answer, Limit, Refusal, Request, Shape, Usage
from otel_claude.telemetry import call as module
from otel_claude.telemetry.call import Call, end_open_calls, forget_open_calls

WHOLE = Answer().updated(message())
EVENTS = stream()


def heard(call, *events):
    attempt = answered(call)
    call.returned(pending=True)
    for event in events:
        call.heard(event, attempt)
    return attempt


def test_the_record_has_all_that_is_known(sink):
    request = Request(OPUS, stream=True, max_tokens=64)
    call = Call(request, CALLER, TAGS, sink, has_native_span=False)
    call.shape = Shape(2, 3, 1)
    call.request_id, call.organization_id, call.workspace_id = "req_1", "org_1", "wrkspc_1"
    call.span, call.owns_span, call.context = object(), True, object()
    attempt = heard(call, *EVENTS)
    record = sink.record
    assert record == CallRecord(
        request, CALLER, call.started_at, record.duration, Shape(2, 3, 1), TAGS, (WHOLE,), (attempt,), None, None,
        False, record.time_to_first_chunk, "req_1", "org_1", "wrkspc_1", call.span, True, call.context, None,
    )  # fmt: skip
    assert 0 < record.time_to_first_chunk < record.duration


def test_the_first_chunk_is_the_first_piece_of_content(sink):
    call = begun(sink, stream=True)
    attempt = heard(call, *EVENTS[:3])
    assert call.first_chunk is None
    call.heard(EVENTS[3], attempt)
    first = call.first_chunk
    assert first > 0
    call.heard(EVENTS[3], attempt)
    assert call.first_chunk == first
    call.end()


def test_two_threads_that_end_it_at_once_end_it_once():
    for _ in range(200):
        sink, barrier = KeepingSink(), threading.Barrier(2)
        call = begun(sink, stream=True)

        def end(call=call, barrier=barrier):
            barrier.wait()
            call.end()

        threads = [threading.Thread(target=end) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sink.records) == 1


def test_a_discarded_call_leaves_no_record(sink):
    call = begun(sink)
    call.discard()
    call.end()
    assert call.ended
    assert sink.records == []
    assert sink.told[-1] == "discarded"


def test_a_call_is_kept_until_it_ends_and_no_longer(sink):
    begun(sink)
    gc.collect()
    (call,) = module._open
    call.end()
    assert module._open == set()


def test_a_forked_child_forgets_its_parents_calls(sink):
    call = begun(sink)
    forget_open_calls()
    assert call.ended
    call.end()
    end_open_calls()
    assert sink.records == []


def test_at_exit_every_open_call_ends_as_stopped_by_the_application(sink):
    for _ in range(3):
        begun(sink)
    end_open_calls()
    assert [(record.missing, record.stopped, record.error_type) for record in sink.records] == 3 * [
        ("not_sent", True, None)
    ]


def test_attempts_are_numbered_and_keep_their_outcomes(sink):
    call = begun(sink)
    first, second = answered(call, 529), call.attempt()
    first.refused(Refusal(529, "overloaded_error", "overloaded"))
    first.outcome = "retried"
    second.error_type, second.outcome = "connection_error", "retried"
    assert (first.is_last, second.is_last) == (False, True)
    third = answered(call)
    third.limits = (Limit("requests", 10, 9),)
    call.heard(message(), third)
    call.returned(pending=False)
    assert sink.record.attempts == (first, second, third)
    assert [(a.number, a.status, a.error_type, a.blocked, a.outcome) for a in sink.record.attempts] == [
        (0, 529, "overloaded_error", "overloaded", "retried"),
        (1, None, "connection_error", None, "retried"),
        (2, 200, None, None, "success"),
    ]


def test_told_twice_of_a_refusal_the_one_with_more_to_say_wins(sink):
    attempt = begun(sink).attempt()
    attempt.refused(Refusal(429, None, None))
    attempt.refused(Refusal(429, "rate_limit_error", "rate_limit"))
    attempt.refused(Refusal(429, None, None))
    assert (attempt.status, attempt.error_type, attempt.blocked) == (429, "rate_limit_error", "rate_limit")
    attempt.call.end()


def test_the_same_message_heard_twice_is_one_answer_and_two_messages_are_two(sink):
    call = begun(sink)
    first = answered(call)
    call.heard(message(), first)
    call.heard(message(), first)
    second = answered(call)
    call.heard(message(name="msg_2", model="claude-haiku-5-5"), second)
    call.returned(pending=False)
    assert [answer.id for answer in sink.record.answers] == ["msg_1", "msg_2"]
    assert sink.record.answers[0].usage == Usage().updated(USAGE)


def test_an_attempt_that_begins_another_message_has_the_last_one(sink):
    call = begun(sink, stream=True)
    attempt = heard(call, EVENTS[0], stream(name="msg_2")[0])
    call.end()
    assert [answer.id for answer in sink.record.answers] == ["msg_2"]
    assert attempt.key == "msg_2"


HEARD = [
    # what is not heard as an answer
    None, 5, [], "message", {}, {"type": "error", "usage": {}}, {"type": ["message"]}, {"type": {}, "usage": USAGE},
    {"type": "content_block_delta", "usage": USAGE}, {"type": "ping"}, {"type": "message_batch", "usage": USAGE},
]  # fmt: skip


@pytest.mark.parametrize("body", HEARD, ids=lambda body: repr(body)[:30])
def test_other_bodies_and_events_are_no_answers(sink, body):
    call = begun(sink)
    call.heard(body, answered(call))
    assert call.answers == {}
    call.end()


def test_a_message_without_a_type_is_heard_by_its_usage(sink):
    call = begun(sink)
    call.heard({"usage": USAGE, "model": OPUS}, answered(call))
    call.returned(pending=False)
    assert [answer.model for answer in sink.record.answers] == [OPUS]


def test_the_sink_is_told_of_each_thing_that_an_answer_says(sink):
    call = begun(sink, stream=True)
    heard(call, *EVENTS)
    assert sink.told == ["began", "known", "known"]
