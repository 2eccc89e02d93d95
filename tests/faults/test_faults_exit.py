"""However a process ends that Python can still see: the last numbers arrive, and the open stream counts as aborted."""

import json
import signal
import sys

import pytest

INPUT = "gen_ai.client.inference.usage.input_tokens"
OUTPUT = "gen_ai.client.inference.usage.output_tokens"
UNPRICED = "claude.client.unpriced"
CALLS = "claude.client.calls"
CODES = {"end": 0, "sys.exit": 3, "exception": 1, "signal": 143, "interrupt": -signal.SIGINT}


def exported(receiver):
    names = (CALLS, "claude.client.attempts", INPUT, OUTPUT, UNPRICED, "gen_ai.client.inference.duration")
    return {name: receiver.total(name) for name in names}


ONE_WHOLE_ONE_ABORTED = {
    CALLS: 2,
    "claude.client.attempts": 2,
    INPUT: 2 * 1110,
    OUTPUT: 50,
    UNPRICED: 1,
    "gen_ai.client.inference.duration": 2,
}


SOME = {("end", "sync"), ("sys.exit", "async"), ("exception", "sync"), ("signal", "thread"), ("interrupt", "async")}
WAYS = [
    pytest.param(how, kind, marks=() if (how, kind) in SOME else pytest.mark.heavy)
    for how in CODES
    for kind in ("sync", "async", "thread")
]


@pytest.mark.parametrize(("how", "kind"), WAYS)
def test_a_process_that_ends_during_a_stream(ended, receiver, how, kind):
    one = ended("exiting", how, kind, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert one.code == CODES[how], one.err
    if how == "exception":
        assert one.err.endswith("LookupError: the application's own\n")
        assert one.err.count("Traceback") == 1
    elif how == "interrupt":
        assert one.err.endswith("KeyboardInterrupt\n")
    else:
        assert one.err == ""
    assert exported(receiver) == ONE_WHOLE_ONE_ABORTED


def test_a_loop_that_nobody_closed(ended, receiver):
    one = ended("exiting", "end", "open loop", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    # Python itself complains about the loop, and about nothing else.
    assert (one.code, "otel_claude" in one.err, "anthropic" in one.err) == (0, False, False), one.err
    assert exported(receiver) == ONE_WHOLE_ONE_ABORTED


@pytest.mark.parametrize("left", ["collected", "open"])
def test_spans_of_streams_left_at_the_exit_arrive(run, left):
    (told,) = run("leftover", left)
    assert told == {"spans": ["chat claude-sonnet-4-6"]}


def test_a_provider_that_was_set_after_the_first_call_has_the_open_stream_too(run):
    assert run("late_provider") == [{"calls": 3, "spans": 2}]


@pytest.mark.parametrize("handles", ["default", pytest.param("own", marks=pytest.mark.heavy)])
def test_sigterm_under_our_run_command(script, tmp_path, receiver, handles):
    command = ("-m", "otel_claude.cli", "run", "--json", str(tmp_path / "summary.json"))
    running = script("terminated", handles, run=(sys.executable, *command), OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
                     OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")  # fmt: skip
    assert running.line() == {"ready": True}
    running.process.send_signal(signal.SIGTERM)
    running.wait()
    assert running.code == (-signal.SIGTERM if handles == "default" else 7), running.err
    assert "Traceback" not in running.err, running.err
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["calls"] == 2
    assert exported(receiver) == ONE_WHOLE_ONE_ABORTED
