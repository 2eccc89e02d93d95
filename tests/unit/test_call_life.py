"""A call's life beside its end: attempts, responses, first chunk, threads, forks."""

from __future__ import annotations

import gc
import threading

import pytest
from unit_calls import (
    CLIENT,
    OPUS,
    TAGS,
    USAGE,
    KeepingRecorder,
    failed,
    feed,
    message,
    responded,
    returned,
    sent,
    started,
    stream,
    streamed,
)

from otel_claude.api.errors import ApiError
from otel_claude.api.headers import RateLimit
from otel_claude.api.request import RequestSize
from otel_claude.api.response import parse_message, parse_usage
from otel_claude.telemetry.open_calls import end_open_calls, forget_open_calls, open_calls, release_open_calls

WHOLE = parse_message(message())
EVENTS = stream()
HEADERS = [
    (b"request-id", b"req_1"),
    (b"anthropic-organization-id", b"org_1"),
    (b"anthropic-workspace-id", b"wrkspc_1"),
]


def test_a_call_has_all_that_is_known(keeper):
    call = started(keeper, stream=True, max_tokens=64)
    attempt = keeper.on_attempt(call, {"tools": [{}, {}], "messages": [{}, {}, {}]})
    keeper.on_headers(attempt, 200, HEADERS)
    attempt.outcome = "success"
    returned(keeper, call, pending=True)
    feed(keeper, attempt, *EVENTS)
    assert keeper.one is call
    assert (call.client, call.tags, call.request.model, call.request.max_tokens) == (CLIENT, TAGS, OPUS, 64)
    assert call.size == RequestSize(2, 3, None)  # breakpoints are on spans alone, and here is none
    assert list(call.responses.values()) == [WHOLE]
    assert call.attempts == [attempt]
    assert (call.request_id, call.organization_id, call.workspace_id) == ("req_1", "org_1", "wrkspc_1")
    assert (call.error_type, call.cancelled, call.no_response_reason()) == (None, False, None)
    assert 0 < call.time_to_first_chunk < call.duration


def test_the_first_chunk_is_the_first_piece_of_content(keeper):
    call, attempt = streamed(keeper, *EVENTS[:3])
    assert call.time_to_first_chunk is None
    feed(keeper, attempt, EVENTS[3])
    first = call.time_to_first_chunk
    assert first > 0
    feed(keeper, attempt, EVENTS[3])
    assert call.time_to_first_chunk == first
    keeper.end_call(call)


def test_two_threads_that_end_it_at_once_end_it_once():
    keeper = KeepingRecorder()
    for number in range(1, 201):
        barrier = threading.Barrier(2)
        call = started(keeper, stream=True)

        def end(call=call, barrier=barrier):
            barrier.wait()
            keeper.end_call(call)

        threads = [threading.Thread(target=end) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keeper.ended) == number


def test_a_discarded_call_is_not_recorded(keeper):
    call = started(keeper)
    keeper.forget(call)
    keeper.end_call(call)
    assert call.ended
    assert keeper.ended == []


def test_a_call_is_kept_until_it_ends_and_no_longer(keeper):
    started(keeper)
    gc.collect()
    (call,) = open_calls
    keeper.end_call(call)
    assert open_calls == {}


def test_a_call_that_ended_is_no_cycle_for_the_garbage_collector(bench):
    call, attempt = streamed(bench.recorder, *EVENTS)
    assert call.attempts == []
    assert attempt.call is call


def test_a_forked_child_forgets_its_parents_calls(keeper):
    call = started(keeper)
    forget_open_calls()
    keeper.end_call(call)
    end_open_calls()
    assert keeper.ended == []


def test_at_exit_every_open_call_ends_as_stopped_by_the_application(keeper):
    for _ in range(3):
        started(keeper)
    end_open_calls()
    assert [(call.no_response_reason(), call.cancelled, call.error_type) for call in keeper.ended] == 3 * [
        ("not_sent", True, None)
    ]


def test_without_the_patches_a_stream_that_is_read_goes_on_and_others_end_or_are_forgotten(keeper):
    read, _ = streamed(keeper, EVENTS[0])
    opened, _ = streamed(keeper)
    waiting = started(keeper)
    sent(keeper, waiting)
    release_open_calls()
    assert (read.ended, opened.ended, waiting.ended) == (False, True, True)
    assert keeper.one is opened
    assert (opened.cancelled, opened.no_response_reason()) == (True, "incomplete_stream")
    keeper.end_call(read)


def test_attempts_are_numbered_and_keep_their_outcomes(keeper):
    call = started(keeper)
    first = responded(keeper, call, 529)
    second = sent(keeper, call)
    first.reject(ApiError(529, "overloaded_error", "overloaded"))
    keeper.on_retry(first, 0.5)
    second.error_type = "connection_error"
    keeper.on_retry(second, 1.0)
    assert (first.is_last, second.is_last) == (False, True)
    limits = [(b"anthropic-ratelimit-requests-limit", b"10"), (b"anthropic-ratelimit-requests-remaining", b"9")]
    third = responded(keeper, call, headers=limits)
    feed(keeper, third, message())
    returned(keeper, call)
    assert keeper.one.attempts == [first, second, third]
    assert [(a.number, a.status, a.error_type, a.blocked, a.outcome, a.delay) for a in call.attempts] == [
        (0, 529, "overloaded_error", "overloaded", "retried", 0.5),
        (1, None, "connection_error", None, "retried", 1.0),
        (2, 200, None, None, "success", None),
    ]
    (limit,) = keeper.instruments.rate_limits.current()
    assert limit.limit == RateLimit("requests", 10, 9, pytest.approx(0.1))
    assert not third.is_last, "the call is over"


def test_of_two_reports_of_an_error_the_one_that_says_more_wins(keeper):
    call = started(keeper)
    attempt = sent(keeper, call)
    attempt.reject(ApiError(429, None, None))
    attempt.reject(ApiError(429, "rate_limit_error", "rate_limit"))
    attempt.reject(ApiError(429, None, None))
    assert (attempt.status, attempt.error_type, attempt.blocked) == (429, "rate_limit_error", "rate_limit")
    keeper.end_call(call)


def test_only_the_first_headers_of_an_attempt_count(keeper):
    call = started(keeper)
    attempt = responded(keeper, call, 529, [(b"request-id", b"req_1")])
    keeper.on_headers(attempt, 200, [(b"request-id", b"req_2")])
    assert (attempt.status, call.request_id) == (529, "req_1")
    keeper.end_call(call)


def test_the_same_message_decoded_twice_is_one_response_and_two_messages_are_two(keeper):
    call = started(keeper)
    first = responded(keeper, call)
    feed(keeper, first, message(), message())
    feed(keeper, responded(keeper, call), message(name="msg_2", model="claude-haiku-5-5"))
    returned(keeper, call)
    assert [response.id for response in call.responses.values()] == ["msg_1", "msg_2"]
    assert call.responses[first.number].usage == parse_usage(USAGE)


def test_two_attempts_that_say_one_id_are_two_responses(keeper):
    call = started(keeper)
    for _ in range(2):
        feed(keeper, responded(keeper, call), message())
    returned(keeper, call)
    assert [response.id for response in call.responses.values()] == ["msg_1", "msg_1"]


def test_a_response_that_is_decoded_again_is_the_last_one(keeper):
    call = started(keeper)
    first = responded(keeper, call)
    feed(keeper, first, message())
    feed(keeper, responded(keeper, call), message(name="msg_2"))
    feed(keeper, first, message())
    returned(keeper, call)
    assert [response.id for response in call.responses.values()] == ["msg_2", "msg_1"]


def test_an_attempt_that_begins_another_message_has_the_last_one(keeper):
    call, _ = streamed(keeper, EVENTS[0], stream(name="msg_2")[0])
    keeper.end_call(call)
    assert [response.id for response in call.responses.values()] == ["msg_2"]


NO_RESPONSES = [
    None, 5, [], "message", {}, {"type": "error", "usage": {}}, {"type": ["message"]}, {"type": {}, "usage": USAGE},
    {"type": "content_block_delta", "usage": USAGE}, {"type": "ping"}, {"type": "message_batch", "usage": USAGE},
]  # fmt: skip


@pytest.mark.parametrize("body", NO_RESPONSES, ids=lambda body: repr(body)[:30])
def test_other_bodies_and_events_are_no_responses(keeper, body):
    call = started(keeper)
    feed(keeper, responded(keeper, call), body)
    assert call.responses == {}
    keeper.end_call(call)


def test_a_message_without_a_type_is_known_by_its_usage(keeper):
    call = started(keeper)
    feed(keeper, responded(keeper, call), {"usage": USAGE, "model": OPUS})
    returned(keeper, call)
    assert [response.model for response in keeper.one.responses.values()] == [OPUS]


def test_what_is_said_after_a_cost_was_worked_out_makes_it_be_worked_out_anew(keeper):
    call, attempt = streamed(keeper, *EVENTS[:4])
    lower = keeper._price(call)
    assert (call.cost, lower.status) == (lower, "lower_bound")
    feed(keeper, attempt, EVENTS[5])
    assert call.cost is None
    assert keeper._price(call).status == "exact"
    sent(keeper, call)
    assert call.cost is None
    failed(keeper, call, "connection_error")
