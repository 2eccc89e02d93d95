"""What was measured arrives once, however a process ends that Python can see; and the end is the program's own."""

import importlib.util
import signal
import sys
import time

import pytest

CALLS = "claude.client.calls"
INPUT = "gen_ai.client.inference.usage.input_tokens"
OUTPUT = "gen_ai.client.inference.usage.output_tokens"
COST = "claude.client.cost.usd"
DURATION = "gen_ai.client.inference.duration"
HANDLED = {"own_handler_before", "own_handler_after", "handler_of_a_loop"}
READY = {"ready": True}

# A way to end, and how many processes make how many calls together.
FORKED = {
    ("processes", "fork"): (3, 3, [0, 0, 0]),
    ("processes", "fork", "sys.exit"): (3, 3, [0, 0, 0]),
    ("processes", "fork", "raises"): (3, 3, [1, 1, 1]),
    ("processes", "fork", "within_exits"): (3, 3, [0, 0, 0]),
    ("terminated", "fork"): (1, 1, [-15]),
    ("daemonic",): (1, 1, None),
    ("pool_closed", "fork"): (2, 4, None),
    ("pool_left", "fork"): (2, 4, None),
    ("pool_of_one_task_each",): (4, 4, None),
    ("executor", "fork"): (2, 4, None),
    ("begun_by_a_thread",): (3, 3, [0, 0, 0]),
    ("imported_in_a_task", "fork"): (1, 1, [0]),
    ("nested",): (4, 4, [0]),
    ("daemonized",): (1, 1, None),
    ("after_calls_of_the_parent",): (4, 4, [0, 0, 0]),
}
STARTED = {
    ("processes", "spawn", "returns", "1"): (1, 1, [0]),
    ("processes", "spawn"): (3, 3, [0, 0, 0]),
    ("processes", "forkserver"): (3, 3, [0, 0, 0]),
    ("terminated", "spawn"): (1, 1, [-15]),
    ("terminated", "forkserver"): (1, 1, [-15]),
    ("pool_left", "spawn"): (2, 4, None),
    ("pool_left", "forkserver"): (2, 4, None),
    ("executor", "spawn"): (2, 4, None),
    ("executor", "forkserver"): (2, 4, None),
    ("imported_in_a_task", "forkserver"): (1, 1, [0]),
}
SOME_FORKED = {
    ("processes", "fork"),
    ("terminated", "fork"),
    ("pool_left", "fork"),
    ("executor", "fork"),
    ("nested",),
    ("daemonized",),
}
SOME = {
    (("processes", "spawn", "returns", "1"), "cumulative"),
    (("executor", "forkserver"), "delta"),
    (("terminated", "spawn"), "delta"),
}


def otlp(receiver, temporality="cumulative", **more):
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality,
        **more,
    }


def arrived(total, calls):
    """Every call, all its tokens and dollars, and nothing more."""
    assert {name: total(name) for name in (CALLS, INPUT, OUTPUT)} == {
        CALLS: calls,
        INPUT: 1110 * calls,
        OUTPUT: 50 * calls,
    }
    assert total(COST) == pytest.approx(0.001545 * calls, abs=1e-12)


@pytest.mark.parametrize("how", FORKED, ids=" ".join)
def test_forked_children(ended, receiver, how):
    most, calls, codes = FORKED[how]
    one = ended("stopping", *how, **otlp(receiver))
    assert one.code == 0, one.err
    assert [told["codes"] for told in one.told if "codes" in told] == ([codes] if codes else [])
    arrived(receiver.total, calls)
    # Each process exports once: what it measured came when it ended, and not again.
    assert 1 <= receiver.exports[CALLS] <= most
    assert receiver.exports[CALLS] == len(receiver.by_instance(CALLS))


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(how, marks=() if how in SOME_FORKED else pytest.mark.heavy, id=" ".join(how))
        for how in FORKED if how[0] != "after_calls_of_the_parent"
    ],
)  # fmt: skip
def test_forked_children_under_delta_temporality(ended, receiver, how):
    most, calls, _ = FORKED[how]
    one = ended("stopping", *how, **otlp(receiver, "delta"))
    assert one.code == 0, one.err
    arrived(receiver.added.__getitem__, calls)
    assert 1 <= receiver.exports[CALLS] <= most


@pytest.mark.parametrize(
    ("how", "temporality"),
    [
        pytest.param(
            how, temporality, marks=() if (how, temporality) in SOME else pytest.mark.heavy,
            id=f"{' '.join(how)} {temporality}",
        )
        for how in STARTED
        for temporality in ("cumulative", "delta")
    ],
)  # fmt: skip
def test_children_that_are_started_anew(script, receiver, how, temporality):
    most, calls, codes = STARTED[how]
    one = script("stopping", *how, **otlp(receiver, temporality)).wait()
    assert one.code == 0, one.err
    assert "Traceback" not in one.err, one.err
    assert [told["codes"] for told in one.told if "codes" in told] == ([codes] if codes else [])
    arrived(receiver.total if temporality == "cumulative" else receiver.added.__getitem__, calls)
    # A pool terminates what leaves already: then the provider's own export and ours can both have the same sums.
    assert 1 <= receiver.exports[CALLS] <= (2 * most if how[0] == "pool_left" else most)


@pytest.mark.skipif(not importlib.util.find_spec("billiard"), reason="billiard is not installed")
def test_children_of_billiard(ended, receiver):
    one = ended("stopping", "billiard_processes", **otlp(receiver))
    assert (one.code, one.told) == (0, [{"codes": [0, 0, 0]}]), one.err
    arrived(receiver.total, 3)
    assert receiver.exports[CALLS] == 3


@pytest.mark.parametrize("how", ["os_exit"])
def test_what_cannot_be_seen_is_lost(ended, receiver, how):
    one = ended("stopping", how, **otlp(receiver))
    assert one.code == 5
    assert receiver.total(CALLS) == 0


@pytest.mark.parametrize(("how", "code", "calls"), [("exits_with_its_own_atexit", 3, 1), ("exits_in_a_thread", 0, 1)])
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_exits_are_left_to_the_providers(ended, receiver, how, code, calls, temporality):
    one = ended("stopping", how, **otlp(receiver, temporality))
    assert (one.code, one.err) == (code, ""), one.err
    arrived(receiver.total if temporality == "cumulative" else receiver.added.__getitem__, calls)
    assert receiver.exports[CALLS] == 1


SIGNALLED = {
    "sigterm": (-15, 1),
    "sigterm_while_a_loop_runs": (-15, 1),
    "sigterm_and_calls_of_threads": (-15, 1),
    "sigterm_without_a_call": (-15, 0),
    "own_handler_before": (7, 1),
    "own_handler_after": (7, 1),
    "handler_of_a_loop": (7, 1),
    "raised_again": (-15, 1),
    "served_by_uvicorn": (-15, 1),
    "served_by_uvicorn_over_a_handler": (7, 1),
    "own_provider": (-15, 1),
    "shut_down_by_itself": (-15, 1),
}


def terminate(running):
    assert running.line() == READY
    running.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    running.wait()
    return time.monotonic() - began


@pytest.mark.parametrize("how", SIGNALLED)
def test_sigterm(script, receiver, how):
    code, calls = SIGNALLED[how]
    running = script("stopping", how, **otlp(receiver))
    terminate(running)
    assert (running.code, running.err) == (code, "")
    arrived(receiver.total, calls)
    assert receiver.exports[CALLS] == (1 if calls else 0)


def test_sigterm_under_delta_temporality(script, receiver):
    running = script("stopping", "sigterm", **otlp(receiver, "delta"))
    terminate(running)
    arrived(receiver.added.__getitem__, 1)
    assert receiver.exports[CALLS] == 1


def test_an_open_stream_ends_before_the_last_export(script, receiver):
    running = script("stopping", "sigterm_after_an_open_stream", **otlp(receiver))
    terminate(running)
    assert (running.code, running.err) == (-15, "")
    assert {name: receiver.total(name) for name in (CALLS, INPUT, OUTPUT, DURATION)} == {
        CALLS: 2,
        INPUT: 2220,
        OUTPUT: 50,
        DURATION: 2,
    }


@pytest.mark.parametrize("how", ["sigterm", "sigterm_in_a_lock"])
def test_a_collector_that_never_answers_keeps_the_process_for_three_seconds(script, receiver, how):
    if how == "sigterm":
        receiver.may_answer.clear()
    running = script("stopping", how, **otlp(receiver, OTEL_EXPORTER_OTLP_TIMEOUT="60"))
    assert 2.5 < terminate(running) < 12
    assert running.code == -15


def test_a_collector_that_is_away(script, receiver):
    receiver.stop()
    running = script("stopping", "sigterm", **otlp(receiver))
    assert terminate(running) < 12
    assert running.code == -15


@pytest.mark.parametrize("end", ["returns", "within_exits"])
def test_children_and_a_collector_that_never_answers(script, receiver, end):
    receiver.may_answer.clear()
    running = script("stopping", "processes", "fork", end, **otlp(receiver, OTEL_EXPORTER_OTLP_TIMEOUT="60")).wait()
    waited, codes = running.told
    assert (running.code, codes) == (0, {"codes": [0, 0, 0]})
    assert 2 < waited["seconds"] < 12


def test_sigterm_while_the_provider_shuts_down(script, receiver):
    running = script("stopping", "sigterm_during_the_exit", **otlp(receiver))
    terminate(running)
    assert (running.code, running.err) == (-15, "")
    arrived(receiver.total, 1)


def test_nothing_comes_twice_while_the_provider_shuts_down_under_delta_temporality(script, receiver):
    running = script("stopping", "sigterm_during_the_exit", **otlp(receiver, "delta"))
    terminate(running)
    arrived(receiver.added.__getitem__, 1)


def test_a_second_sigterm_kills_at_once(script, receiver):
    receiver.may_answer.clear()
    running = script("stopping", "sigterm", **otlp(receiver, OTEL_EXPORTER_OTLP_TIMEOUT="60"))
    assert running.line() == READY
    running.process.send_signal(signal.SIGTERM)
    assert receiver.asked.wait(30)  # it is at its last export
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    running.wait()
    assert time.monotonic() - began < 2
    assert running.code == -15


def test_a_handler_that_python_does_not_know_of_stays(script, receiver):
    running = script("stopping", "handler_in_c", **otlp(receiver))
    assert running.line() == READY
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert running.process.poll() is None  # `faulthandler` says where threads are, and goes on
    running.process.kill()
    running.wait()
    assert "most recent call first" in running.err


def test_what_stands_in_a_process(ended, receiver):
    one = ended("stopping", "in_place", **otlp(receiver))
    # No thread before there is something to export.
    assert one.told == [
        {"handler": True, "threads": []},
        {"handler": True, "threads": ["otel-claude-shutdown"]},
    ], one.err


def test_uninstrument_takes_it_out_again(ended, receiver):
    one = ended("stopping", "uninstrumented", **otlp(receiver))
    assert one.told == [{"before": True, "threads": ["otel-claude-shutdown"], "after": False, "left": []}], one.err
    arrived(receiver.total, 1)


OFF = {"OTEL_CLAUDE_FLUSH_ON_EXIT": "false"}


def test_the_switch_takes_all_of_it_out(ended, receiver):
    one = ended("stopping", "in_place", **otlp(receiver, **OFF))
    assert one.told == [{"handler": False, "threads": []}] * 2, one.err
    # The providers' own exit goes on.
    arrived(receiver.total, 1)


def test_forked_children_with_the_switch_off(ended, receiver):
    one = ended("stopping", "processes", "fork", **otlp(receiver, **OFF))
    assert one.told[-1] == {"codes": [0, 0, 0]}, one.err
    assert receiver.total(CALLS) == 0


def test_sigterm_with_the_switch_off(script, receiver):
    running = script("stopping", "sigterm", **otlp(receiver, **OFF))
    terminate(running)
    assert (running.code, running.err) == (-15, "")
    assert receiver.total(CALLS) == 0


def test_under_faulthandler(script, receiver):
    running = script("stopping", "sigterm", **otlp(receiver, PYTHONFAULTHANDLER="1"), python=sys.executable)
    terminate(running)
    assert (running.code, running.err) == (-15, "")
    arrived(receiver.total, 1)
