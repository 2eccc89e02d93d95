"""The SDK's own span is described just before it ends: whatever kind of span it is, and whoever ends it."""

import gc
import os
import threading
import weakref

import pytest
import wrapt
from opentelemetry import trace
from opentelemetry.sdk.trace import Span, SpanProcessor
from support.check import check
from support.expected import PLAIN, STREAM
from support.face import Face
from support.library import TRACINGS
from support.server import Server, plain, stream
from support.shapes import ARGS
from support.telemetry import Telemetry
from support.watching import watched

from otel_claude import ClaudeInstrumentor

pytestmark = pytest.mark.skipif("native" not in TRACINGS, reason="this SDK does not trace itself")
STATUS = "claude.cost.status"


async def create(client, **more):
    return await client.wait(client.client.messages.create(**ARGS, **more))


@pytest.fixture
def spans_made_by(telemetry, monkeypatch):
    """Has each tracer give what `make` makes of its spans."""

    def replace(make):
        tracer = type(telemetry.tracer_provider.get_tracer("x"))
        start_span = tracer.start_span
        monkeypatch.setattr(tracer, "start_span", lambda *args, **more: make(start_span(*args, **more)))

    return replace


class Wrapped(wrapt.ObjectProxy):
    """Keeps nothing itself: what is assigned to it lands on the span."""


class Forwarding(trace.Span):
    """Has an `end` of its own, and passes on what is assigned to it, but nothing that is deleted."""

    def __init__(self, span):
        object.__setattr__(self, "inner", span)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __setattr__(self, name, value):
        setattr(self.inner, name, value)


class Delegating(Forwarding):
    """Keeps what is assigned to it."""

    __setattr__ = object.__setattr__


def passed_on(name):
    return lambda self, *args, **more: getattr(self.inner, name)(*args, **more)


class Frozen(Forwarding):
    """Takes no attribute."""

    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(name)


for _name in trace.Span.__abstractmethods__:
    setattr(Forwarding, _name, passed_on(_name))
for _kind in (Forwarding, Delegating, Frozen):
    _kind.__abstractmethods__ = frozenset()


@pytest.mark.parametrize("make", [Wrapped, Forwarding, Delegating, Frozen])
@pytest.mark.parametrize("streams", [False, True])
async def test_spans_that_wrap_others_are_described_and_end_once(telemetry, kind, spans_made_by, make, streams, quiet):
    spans_made_by(make)
    client = Face(kind, Server(stream() if streams else plain()), "native")
    result = await create(client, stream=streams)
    if streams:
        await client.take(result)
    await client.resolve()
    check(telemetry, STREAM if streams else PLAIN, "native")


async def test_a_span_that_does_not_record_is_left_alone(telemetry, kind, monkeypatch, spans_made_by, quiet):
    made = []
    spans_made_by(lambda span: made.append(trace.NonRecordingSpan(span.get_span_context())) or made[-1])
    await create(Face(kind, Server(plain()), "native"))
    assert [vars(span) for span in made] == [{"_context": made[0].get_span_context()}]
    assert telemetry.metrics() == PLAIN.metrics()
    telemetry.recorded.started.clear()  # none of those was given to anybody


@pytest.mark.parametrize("streams", [False, True])
async def test_nothing_of_ours_stays_on_a_span_that_ended(telemetry, kind, streams, spans_made_by, quiet):
    made = []
    spans_made_by(lambda span: made.append(span) or span)
    client = Face(kind, Server(stream() if streams else plain()), "native")
    result = await create(client, stream=streams)
    assert ("end" in vars(made[0])) == streams
    if streams:
        await client.take(result)
    assert "end" not in vars(made[0])
    assert made[0].end.__func__ is Span.end


async def test_a_span_is_freed_without_the_garbage_collector(telemetry, spans_made_by, quiet):
    made = []
    spans_made_by(lambda span: made.append(weakref.ref(span)) or span)
    server = Server(plain(), stream())
    client = Face("sync", server, "native").client
    client.messages.create(**ARGS)
    gc.disable()
    try:
        client.messages.create(**ARGS, stream=True).close()
        client.messages.create(**ARGS, stream=True)
        telemetry.metrics()
        for kept in (telemetry.recorded.started, telemetry.recorded.ended, server.requests):
            kept.clear()  # each request knows its attempt
        assert [ref() for ref in made[1:]] == [None] * 2
    finally:
        gc.enable()


async def test_a_stream_that_a_garbage_collection_ends(telemetry, kind, quiet):
    client = Face(kind, Server(stream()), "native")
    opened = await create(client, stream=True)
    await client.next(opened)
    cycle = [opened]
    cycle.append(cycle)
    del opened, cycle
    gc.collect()
    await client.resolve()
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1
    assert telemetry.span.attributes[STATUS] == "lower_bound"
    assert telemetry.span.attributes["claude.unpriced.reason"] == "incomplete_stream"


async def test_uninstrumented_before_the_response_the_span_has_nothing_of_a_cost(telemetry, kind, quiet):
    """What comes of the call is not seen any more: nothing wrong may be said of it."""
    answer = plain()

    def reply(request):
        ClaudeInstrumentor().uninstrument()
        return answer(request)

    await create(Face(kind, Server(reply), "native"))
    assert telemetry.span.status.status_code.name == "OK"
    assert not [name for name in telemetry.span.attributes if name.startswith(("claude.", "gen_ai.usage.cost"))]
    assert telemetry.metrics() == {}


async def test_uninstrumented_while_a_stream_is_read_the_span_is_described(telemetry, kind, quiet):
    client = Face(kind, Server(stream()), "native")
    opened = await create(client, stream=True)
    await client.next(opened)
    ClaudeInstrumentor().uninstrument()
    await client.take(opened)
    await client.resolve()
    check(telemetry, STREAM, "native")


class ProcessorError(Exception):
    """A mistake of the application's."""


class Raising(SpanProcessor):
    """Raises when a span ends, once it has counted it."""

    def __init__(self):
        self.ended = []

    def on_end(self, span):
        self.ended.append(span)
        raise ProcessorError


async def outcome(kind, *, streams):
    """What the application sees of a call."""
    client = Face(kind, Server(stream() if streams else plain()), "native")
    try:
        result = await create(client, stream=streams)
        return len(await client.take(result)) if streams else result.id
    except ProcessorError:
        return "raised"
    finally:
        await client.resolve()


@pytest.mark.parametrize("streams", [False, True])
async def test_a_span_processor_that_raises_does_what_it_does_without_us(kind, monkeypatch, streams):
    for telemetry in watched(Telemetry(), monkeypatch):
        processor = Raising()
        telemetry.tracer_provider.add_span_processor(processor)
        ours = await outcome(kind, streams=streams)
        assert [span.attributes[STATUS] for span in processor.ended] == ["exact"]
        assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1
        ClaudeInstrumentor().uninstrument()
        assert await outcome(kind, streams=streams) == ours
        assert len(processor.ended) == 2
        assert telemetry.warnings == []


async def test_two_threads_that_end_one_span(telemetry, spans_made_by):
    made = []
    spans_made_by(lambda span: made.append(span) or span)
    client = Face("sync", Server(stream()), "native").client
    for _ in range(20):
        opened = client.messages.create(**ARGS, stream=True)
        next(opened)
        # Both have looked it up before either has called it.
        ends, together, raised = [made[-1].end, made[-1].end], threading.Barrier(2), []

        def end(call, together=together, raised=raised):
            together.wait()
            try:
                call()
            except Exception as error:  # noqa: BLE001 - there may be none
                raised.append(error)

        threads = [threading.Thread(target=end, args=(one,)) for one in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        list(opened)
        assert raised == []
    assert len(telemetry.spans) == 20
    # What the SDK says of a span that ends twice is what it says without us.
    telemetry.logs.records[:] = [one for one in telemetry.logs.records if not one.name.startswith("opentelemetry.sdk")]


async def test_a_call_without_a_span_within_another_leaves_that_ones_span_to_it(telemetry, monkeypatch, quiet):
    """As a hook of the HTTP client that asks Claude something, where a sampler drops that span."""
    inner = Face("sync", Server(plain()), "native").client
    tracer = type(telemetry.tracer_provider.get_tracer("x"))
    start_span = tracer.start_span
    first = []

    def only_the_first(self, name, **more):
        if first:
            return trace.INVALID_SPAN
        first.append(name)
        return start_span(self, name, **more)

    monkeypatch.setattr(tracer, "start_span", only_the_first)
    answer = plain()

    def reply(request):
        inner.messages.create(**ARGS)
        return answer(request)

    await create(Face("sync", Server(reply), "native"))
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == 0.001545
    assert telemetry.span.attributes[STATUS] == "exact"
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 2


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_reads_its_parents_stream_to_the_end(telemetry, quiet):
    client = Face("sync", Server(stream()), "native").client
    opened = client.messages.create(**ARGS, stream=True)
    next(opened)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            read = len(list(opened))
            span = telemetry.recorded.ended[-1]
            code = 0 if (read, span.attributes[STATUS], telemetry.warnings) == (6, "exact", []) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list(opened)) == 6
    check(telemetry, STREAM, "native")
