"""A failure of ours, in whatever hop, never reaches the application. It is logged once per kind, without content."""

import logging

import pytest
from otel_claude.telemetry.record import Attempt
from support import wire
from support.expected import PLAIN
from support.face import Face
from support.library import anthropic
from support.server import Server, plain, refused, stream, throttled
from support.shapes import ARGS

from otel_claude import runtime as measuring
from otel_claude.sdk import active_call as running
from otel_claude.sdk import client as seams_client
from otel_claude.sdk import replacements
from otel_claude.sdk import responses as exchange
from otel_claude.sdk.response_body import Body
from otel_claude.telemetry import recorder
from otel_claude.telemetry.attributes import Labeller
from otel_claude.telemetry.call import Call
from otel_claude.telemetry.counters import Ledger
from otel_claude.telemetry.metrics import Instruments
from otel_claude.telemetry.rate_limits import Limits
from otel_claude.telemetry.recorder import Recorder

MESSAGE = f"broken by {wire.PROMPT}"


class OursError(Exception):
    """A mistake of ours, whose message quotes a prompt."""


def broken(*_args, **_kwargs):
    raise OursError(MESSAGE)


HOPS = [
    (measuring, "spends"), (measuring, "is_instrumentation_enabled"), (measuring, "caller_of"),
    (measuring, "key_of"), (measuring, "request_of"), (measuring, "current_tags"),
    (measuring, "has_native_span"), (measuring, "Call"),
    (seams_client, "request"), (seams_client, "_platform"),
    (exchange, "shape"), (exchange, "head"), (exchange, "refusal"), (exchange, "error_type"), (exchange, "Body"),
    (exchange, "body_of"), (running, "_returned"), (running, "raised"),
    (running, "error_type"), (replacements, "sending"), (replacements, "answered"),
    (replacements, "retried"), (replacements, "failed"), (replacements, "attempt_of"), (replacements, "read_headers"),
    (replacements, "refusal_of"),
    (Call, "attempt"), (Call, "heard"), (Call, "_fold"), (Call, "returned"), (Call, "body_ended"), (Call, "failed"),
    (Call, "end"), (Attempt, "refused"),
    (Recorder, "began"), (Recorder, "sending"), (Recorder, "described"), (Recorder, "limited"),
    (Recorder, "retried"), (Recorder, "known"), (Recorder, "left"), (Recorder, "ended"), (Recorder, "settle"),
    (Recorder, "_record"), (Recorder, "_measure"), (recorder, "_measurements"), (recorder, "labels_of"),
    (Ledger, "post"), (Limits, "seen"), (Labeller, "of"), (Labeller, "_within"),
]  # fmt: skip


async def use_everything(kind, tracing):
    """Every hop there is: answers, retries, streams to the end and left early, refusals, an error event."""
    client = Face(kind, Server(throttled(), plain()), tracing)
    assert (await client.wait(client.client.messages.create(**ARGS))).id == "msg_1"
    client = Face(kind, Server(plain()), tracing)
    raw = await client.wait(client.client.messages.with_raw_response.create(**ARGS))
    assert (await client.wait(raw.parse())).id == "msg_1"
    client = Face(kind, Server(stream()), tracing)
    assert len(await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))) == 7
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    await client.next(opened)
    await client.wait(opened.close())
    async with client.inside(client.client.messages.stream(**ARGS)) as helper:
        assert (await client.wait(helper.get_final_message())).usage.output_tokens == 50
    client = Face(kind, Server(refused(400, "invalid_request_error")), tracing)
    with pytest.raises(anthropic.BadRequestError) as bad:
        await client.wait(client.client.messages.create(**ARGS))
    assert bad.value.__context__ is None or not isinstance(bad.value.__context__, OursError)
    client = Face(kind, Server(stream([*wire.events()[:3], wire.error("overloaded_error")])), tracing)
    with pytest.raises(anthropic.APIStatusError) as event:
        await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))
    assert not isinstance(event.value.__context__, OursError)
    await client.settle()


@pytest.fixture
def forgiving(telemetry):
    """A broken hop may leave calls open; nothing else is forgiven."""
    yield telemetry
    from otel_claude.telemetry import call  # noqa: PLC0415 - its private set of open calls

    call._open.clear()


@pytest.mark.parametrize(("owner", "name"), HOPS, ids=[f"{owner.__name__}.{name}" for owner, name in HOPS])
async def test_broken_hop(forgiving, kind, tracing, owner, name, monkeypatch):
    monkeypatch.setattr(owner, name, broken)
    await use_everything(kind, tracing)
    forgiving.metrics()
    monkeypatch.undo()
    ours = [record for record in forgiving.logs.records if record.name == "otel_claude"]
    loud = [record.getMessage() for record in ours if record.levelno > logging.DEBUG]
    quiet = [record.getMessage() for record in ours if record.levelno == logging.DEBUG]
    assert loud, "nobody was told"
    assert len(loud) == len(set(loud)), "told more than once"
    assert all("OursError" in message for message in loud), loud
    assert len(quiet) == len(loud)
    assert all("Traceback" in message for message in quiet)
    assert not [record for record in ours if wire.PROMPT in record.getMessage() or record.exc_info]


async def test_broken_body_hop(forgiving, kind, tracing, monkeypatch):
    monkeypatch.setattr(Body, "_self_tell", lambda *_: None)
    await use_everything(kind, tracing)
    forgiving.metrics()


async def test_broken_counter(forgiving, kind, tracing, monkeypatch):
    monkeypatch.setattr("otel_claude.telemetry.metrics.rows", broken)
    await use_everything(kind, tracing)
    assert "gen_ai.client.inference.duration" in forgiving.metrics()
    assert len(forgiving.warnings) == 1


async def test_broken_price_table(forgiving, kind, tracing, monkeypatch):
    monkeypatch.setattr("otel_claude.telemetry.recorder.bill", broken)
    await use_everything(kind, tracing)
    assert forgiving.warnings


async def test_broken_span_processor_of_the_application_is_its_own(telemetry, kind):
    """Nothing of the application's is swallowed that the bare SDK would raise."""
    client = Face(kind, Server(plain()))
    telemetry.recorded.on_start = broken
    with pytest.raises(OursError):
        telemetry.tracer_provider.get_tracer("x").start_span("x")
    assert (await client.wait(client.client.messages.create(**ARGS))).id == "msg_1"
    assert telemetry.metrics() == PLAIN.metrics()
    assert len(telemetry.warnings) == 1


def test_hops_are_hops():
    assert hasattr(Instruments, "_create")
    assert all(hasattr(owner, name) for owner, name in HOPS)
