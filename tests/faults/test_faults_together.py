"""Many at once: threads and tasks, with sums that are exact; the instrumentation taken out and put in meanwhile."""

import asyncio
import threading

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.api import ARGS, KEY, message
from support.face import BASE_URL, Face
from support.library import anthropic, http
from support.server import Server, either, plain, stream
from support.telemetry import Telemetry, plain_metrics

from otel_claude import ClaudeInstrumentor, tags
from otel_claude.sdk import patches
from otel_claude.telemetry.open_calls import open_calls

CALLS = "claude.client.calls"
OUTPUT = "gen_ai.client.inference.usage.output_tokens"
DURATION = "gen_ai.client.inference.duration"


def total(metrics, name):
    return sum(value[0] if isinstance(value, tuple) else value for value in metrics.get(name, {}).values())


def failures(telemetry):
    """Calls and attempts that are told to have failed."""
    metrics = telemetry.metrics()
    told = [dict(key) for name in (CALLS, "claude.client.attempts") for key in metrics.get(name, {})]
    return [one for one in told if "error.type" in one or one.get("claude.attempt.outcome") == "failed"]


def in_threads(count, work):
    """Runs `work(number)` in so many threads that begin together; raises what any of them raised."""
    begin, raised = threading.Barrier(count), []

    def one(number):
        begin.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - of whatever kind, it is told below
            raised.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def test_64_threads(telemetry):
    client = Face("sync", Server(either()), "ours").client
    stop = threading.Event()
    collector = threading.Thread(target=lambda: [telemetry.metrics() for _ in iter(stop.is_set, True)])
    collector.start()

    def work(number):
        with tags(feature=f"f{number % 4}"):
            for _ in range(8):
                client.messages.create(**ARGS)
            list(client.messages.create(**ARGS, stream=True))
            opened = client.messages.create(**ARGS, stream=True)
            next(opened)
            opened.close()

    in_threads(64, work)
    stop.set()
    collector.join()
    metrics = telemetry.metrics()
    assert [total(metrics, name) for name in (CALLS, DURATION, OUTPUT)] == [640, 640, 64 * 9 * 50]
    by_tag = {}
    for key, count in metrics[CALLS].items():
        feature = dict(key)["claude.tag.feature"]
        by_tag[feature] = by_tag.get(feature, 0) + count
    assert by_tag == dict.fromkeys(("f0", "f1", "f2", "f3"), 160)
    assert len(telemetry.spans) == 640
    assert telemetry.warnings == []


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.heavy)])
async def test_concurrent_tasks(telemetry, count):
    """All are in flight at once: nobody is answered before everybody has asked."""
    asked, everybody = 0, asyncio.Event()
    told = [plain(message(usage={"input_tokens": n, "output_tokens": 2 * n})) for n in range(10)]

    async def answer(request):
        nonlocal asked
        asked += 1
        mine = asked
        if asked == count:
            everybody.set()
        await everybody.wait()
        return told[mine % 10](request)

    transport = http.AsyncClient(transport=http.MockTransport(answer))
    client = anthropic.AsyncAnthropic(
        api_key=KEY, base_url=BASE_URL, http_client=transport, max_retries=0, timeout=None
    )
    answers = await asyncio.gather(*[client.messages.create(**ARGS) for _ in range(count)])
    assert asked == count
    metrics = telemetry.metrics()
    assert total(metrics, CALLS) == total(metrics, DURATION) == count
    tokens = sum(answer.usage.output_tokens for answer in answers)
    assert total(metrics, OUTPUT) == tokens == count * 9
    assert total(metrics, "gen_ai.client.inference.usage.input_tokens") == tokens // 2
    assert telemetry.warnings == []
    assert len(open_calls) == 0


def test_taken_out_and_put_in_while_threads_call(telemetry):
    client = Face("sync", Server(either()), "ours").client
    stop = threading.Event()

    def toggle():
        while not stop.is_set():
            ClaudeInstrumentor().uninstrument()
            ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)

    toggling = threading.Thread(target=toggle)
    toggling.start()

    def work(_number):
        for _ in range(10):
            assert client.messages.create(**ARGS).usage.output_tokens == 50
            assert len(list(client.messages.create(**ARGS, stream=True))) == 7

    try:
        in_threads(8, work)
    finally:
        stop.set()
        toggling.join()
    assert total(telemetry.metrics(), CALLS) <= 160
    assert not [w for w in telemetry.warnings if "could not" in w]
    assert failures(telemetry) == []


@pytest.mark.parametrize("streams", [False, True])
async def test_uninstrumented_between_the_request_and_its_answer(telemetry, streams):
    """What is not seen to its end is not told wrong: no failure is counted where the application had none."""
    whole, streamed = plain(), stream()

    def answer(request):
        ClaudeInstrumentor().uninstrument()
        return (streamed if streams else whole)(request)

    client = Face("sync", Server(answer), "ours").client
    result = client.messages.create(**ARGS, stream=streams)
    if streams:
        assert len(list(result)) == 7
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    assert failures(telemetry) == []
    assert len(telemetry.spans) <= 1


async def test_uninstrumented_before_a_stream_is_read(telemetry):
    client = Face("sync", Server(stream()), "ours").client
    opened = client.messages.create(**ARGS, stream=True)
    ClaudeInstrumentor().uninstrument()
    assert len(list(opened)) == 7
    del opened
    assert failures(telemetry) == []
    assert len(telemetry.spans) == 1


def test_instrumented_by_many_threads_at_once(telemetry):
    in_threads(16, lambda _: ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider))
    client = Face("sync", Server(plain()), "ours").client
    client.messages.create(**ARGS)
    assert total(telemetry.metrics(), CALLS) == 1
    ClaudeInstrumentor().uninstrument()
    client.messages.create(**ARGS)
    assert total(telemetry.metrics(), CALLS) == 1


def test_a_provider_that_is_shut_down(telemetry):
    client = Face("sync", Server(either()), "ours").client
    client.messages.create(**ARGS)
    opened = client.messages.create(**ARGS, stream=True)
    telemetry.meter_provider.shutdown()
    telemetry.tracer_provider.shutdown()
    list(opened)
    assert client.messages.create(**ARGS).id == "msg_1"
    assert telemetry.warnings == []


def test_another_tracer_provider_is_set_at_run_time(telemetry, monkeypatch):
    client = Face("sync", Server(either()), "ours").client
    opened = client.messages.create(**ARGS, stream=True)
    other = Telemetry()
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", other.tracer_provider)
    list(opened)
    client.messages.create(**ARGS)
    assert len(telemetry.spans) + len(other.spans) == 2
    assert total(telemetry.metrics(), CALLS) == 2
    other.meter_provider.shutdown()
    assert telemetry.warnings == []


def test_the_global_meter_provider_changes_between_two_instruments(telemetry, monkeypatch):
    """As in a test suite of an application: each test its provider, and its own numbers."""
    # What another test measured before there was a global provider is not for the first of these.
    monkeypatch.setattr("otel_claude.telemetry.metrics._of_global", [])
    found = []
    for _ in range(3):
        ClaudeInstrumentor().uninstrument()
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], shutdown_on_exit=False)
        monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", provider)
        ClaudeInstrumentor().instrument()
        Face("sync", Server(plain()), "ours").client.messages.create(**ARGS)
        found.append(total(plain_metrics(reader.get_metrics_data()), CALLS))
        provider.shutdown()
    assert found == [1, 1, 1]


@pytest.mark.parametrize("streams", [False, True])
def test_a_call_that_another_thread_makes_while_the_patches_are_put_in(telemetry, monkeypatch, streams):
    """It is seen whole or not at all: it did not fail."""
    client = Face("sync", Server(either()), "ours").client
    ClaudeInstrumentor().uninstrument()

    def calling(patch):
        def replacement(*arguments):
            made = client.messages.create(**ARGS, stream=streams)
            assert not streams or len(list(made)) == 7
            return patch.replacement(*arguments)

        return patch._replace(replacement=replacement)

    monkeypatch.setattr(patches, "PATCHES", tuple(map(calling, patches.PATCHES)))
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    assert failures(telemetry) == []
    assert telemetry.warnings == []
