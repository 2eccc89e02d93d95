"""A failure of ours, in whatever hop, never reaches the application. It is logged once per kind, without content."""

import logging

import pytest
from opentelemetry import context
from support import api
from support.expected import PLAIN
from support.face import Face
from support.library import TRACINGS, anthropic, http
from support.server import Server, chunked, plain, raising, refused, stream, throttled
from support.shapes import ARGS

from otel_claude import tags
from otel_claude.http import bodies as raw_body
from otel_claude.pricing import PriceTable
from otel_claude.runtime import Runtime
from otel_claude.sdk import client as sdk_client
from otel_claude.sdk import response_body, responses
from otel_claude.telemetry import own_span, recorder, span_attributes
from otel_claude.telemetry.attributes import AttributeSets, CardinalityLimiter
from otel_claude.telemetry.call import Attempt, Call
from otel_claude.telemetry.counters import Counters
from otel_claude.telemetry.instance_id import InstanceId
from otel_claude.telemetry.metrics import Instruments
from otel_claude.telemetry.open_calls import open_calls
from otel_claude.telemetry.rate_limits import RateLimits
from otel_claude.telemetry.recorder import Recorder
from otel_claude.telemetry.series import CallSeries

MESSAGE = f"broken by {api.PROMPT}"


class OursError(Exception):
    """A mistake of ours, whose message quotes a prompt."""


def broken(*_args, **_kwargs):
    raise OursError(MESSAGE)


HOPS = [
    (sdk_client, "get_current"), (sdk_client, "is_instrumentation_enabled"), (sdk_client, "parse_request"),
    (sdk_client, "request_api_key"), (sdk_client, "client_info"), (sdk_client, "_find_out"),
    (sdk_client, "redact_api_key"), (sdk_client, "_platform"), (sdk_client, "Call"), (Runtime, "tags"),
    (responses, "on_build_request"), (responses, "attempt_for"), (responses, "attempt_of"), (responses, "on_response"),
    (responses, "on_return"), (responses, "on_raise"), (responses, "on_retry"), (responses, "on_rejected"),
    (responses, "on_error"), (responses, "observe_body"), (responses, "body_of"), (responses, "parse_error"),
    (responses, "error_type"), (responses, "was_never_sent"), (responses, "retried_attempt"),
    (responses, "rejected_attempt"), (response_body, "ResponseBody"), (response_body._Reading, "_end"),
    (Call, "finish"), (Call, "no_response_reason"), (Attempt, "reject"),
    (Recorder, "on_start"), (Recorder, "on_attempt"), (Recorder, "on_headers"), (Recorder, "on_response_data"),
    (Recorder, "on_retry"), (Recorder, "end_call"), (Recorder, "record"), (Recorder, "_price"),
    (Recorder, "_new_series"), (Recorder, "_record_histograms"), (Attempt, "fail_in_stream"),
    (response_body, "read_raw"), (response_body, "observe_bytes"), (response_body._Reading, "_read_message"),
    (response_body._Reading, "_explain_stream"), (raw_body.MessageReader, "read"), (raw_body.MessageReader, "message"),
    (raw_body.EventReader, "_read_line"), (raw_body, "parse_error"),
    (recorder, "measure_request"), (recorder, "parse_headers"), (recorder, "parse_message"),
    (recorder, "parse_message_start"), (recorder, "merge_message_delta"), (recorder, "call_increments"),
    (recorder, "price_call"), (recorder, "tokens_of"), (PriceTable, "common_rates"),
    (span_attributes, "of_call"), (span_attributes, "of_attempt"),
    (Counters, "_sum_up"), (Counters, "_observe"), (CallSeries, "increments"), (RateLimits, "update"),
    (AttributeSets, "of"), (AttributeSets, "intern"), (CardinalityLimiter, "bound"), (InstanceId, "resolve"),
]  # fmt: skip
NATIVE_HOPS = [(sdk_client, "can_record"), (Recorder, "_adopt_native_span")]
OUR_HOPS = [
    (Recorder, "detach"), (recorder, "can_record"), (recorder, "open_span"), (recorder, "close_span"),
    (span_attributes, "of_start"), (span_attributes, "of_response"), (own_span, "Status"), (own_span, "end_span"),
]  # fmt: skip
CASES = [
    *((tracing, *hop) for tracing in TRACINGS for hop in HOPS),
    *(("native", *hop) for hop in NATIVE_HOPS if "native" in TRACINGS),
    *(("ours", *hop) for hop in OUR_HOPS),
]


async def use_everything(kind, tracing):
    """Every hop there is: responses, retries, streams to the end and left early, errors, an error event."""
    token = context.attach(context.set_value("application", "shop"))  # In an empty one fewer hops are needed.
    with tags(feature="search"):
        await _use_everything(kind, tracing)
    context.detach(token)


async def _use_everything(kind, tracing):
    client = Face(kind, Server(throttled(), plain()), tracing)
    assert (await client.wait(client.client.messages.create(**ARGS))).id == "msg_1"
    client = Face(kind, Server(plain()), tracing)
    raw = await client.wait(client.client.messages.with_raw_response.create(**ARGS))
    assert (await client.wait(raw.parse())).id == "msg_1"
    client = Face(kind, Server(chunked(), stream(), stream([api.error("api_error")])), tracing)
    for streams, lines in ((False, 1), (True, 24), (True, 3)):
        options = {"stream": True} if streams else {}
        async with client.inside(client.client.messages.with_streaming_response.create(**ARGS, **options)) as response:
            assert len(await client.take(response.iter_lines())) == lines
    client = Face(kind, Server(stream()), tracing)
    assert len(await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))) == 7
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    await client.next(opened)
    await client.wait(opened.close())
    await client.wait((await client.wait(client.client.messages.create(**ARGS, stream=True))).close())
    async with client.inside(client.client.messages.stream(**ARGS)) as helper:
        assert (await client.wait(helper.get_final_message())).usage.output_tokens == 50
    client = Face(kind, Server(refused(400, "invalid_request_error")), tracing)
    with pytest.raises(anthropic.BadRequestError) as bad:
        await client.wait(client.client.messages.create(**ARGS))
    assert bad.value.__context__ is None or not isinstance(bad.value.__context__, OursError)
    client = Face(kind, Server(raising(http.ConnectError)), tracing, max_retries=0)
    with pytest.raises(anthropic.APIConnectionError):
        await client.wait(client.client.messages.create(**ARGS))
    client = Face(kind, Server(stream([*api.events()[:3], api.error("overloaded_error")])), tracing)
    with pytest.raises(anthropic.APIStatusError) as event:
        await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))
    assert not isinstance(event.value.__context__, OursError)
    await client.resolve()


@pytest.fixture
def forgiving(telemetry):
    """A broken hop may leave calls open; nothing else is forgiven."""
    yield telemetry
    open_calls.clear()


@pytest.mark.parametrize(
    ("tracing", "owner", "name"), CASES, ids=[f"{tracing}-{owner.__name__}.{name}" for tracing, owner, name in CASES]
)
async def test_broken_hop(forgiving, kind, tracing, owner, name, monkeypatch):
    monkeypatch.setattr(owner, name, broken)
    await use_everything(kind, tracing)
    forgiving.metrics()
    monkeypatch.undo()
    ours = [record for record in forgiving.logs.records if record.name == "otel_claude"]
    loud = [record.getMessage() for record in ours if record.levelno > logging.DEBUG]
    quiet = [record.getMessage() for record in ours if record.levelno == logging.DEBUG]
    assert loud, "nothing was logged"
    assert len(loud) == len(set(loud)), "logged more than once"
    # A response without its start has no model.
    failures = [message for message in loud if not message.startswith("No price is known for the model '_other'")]
    assert failures, loud
    assert all("OursError" in message for message in failures), loud
    assert len(quiet) == len(failures)
    assert all("Traceback" in message for message in quiet)
    assert not [record for record in ours if api.PROMPT in record.getMessage() or record.exc_info]


async def test_broken_body_hop(forgiving, kind, tracing, monkeypatch):
    monkeypatch.setattr(response_body._Reading, "end", lambda *_: None)
    await use_everything(kind, tracing)
    forgiving.metrics()


async def test_broken_counter(forgiving, kind, tracing, monkeypatch):
    monkeypatch.setattr("otel_claude.telemetry.recorder.call_increments", broken)
    await use_everything(kind, tracing)
    assert "gen_ai.client.inference.duration" in forgiving.metrics()
    assert len(forgiving.warnings) == 1


async def test_broken_price_table(forgiving, kind, tracing, monkeypatch):
    monkeypatch.setattr("otel_claude.telemetry.recorder.price_call", broken)
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
    assert all(hasattr(owner, name) for _, owner, name in CASES)
