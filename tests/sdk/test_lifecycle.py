"""Installing the patches and removing them again, on clients of every age."""

import contextlib
import inspect
import logging

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from support import api
from support.check import check
from support.expected import PLAIN, SERVED, STREAM, THROTTLED
from support.face import Face
from support.library import TRACINGS, anthropic
from support.server import Server, either, plain, refused, stream
from support.shapes import ARGS

from otel_claude import ClaudeInstrumentor
from otel_claude.http.errors import was_never_sent
from otel_claude.patching import owner_of
from otel_claude.runtime import Runtime
from otel_claude.sdk.patches import PATCHES
from otel_claude.settings import Settings


def functions():
    return [vars(owner_of(patch))[patch.name] for patch in PATCHES]


every_patch = pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.owner}.{patch.name}")


async def create(client, **more):
    return await client.wait(client.client.messages.create(**ARGS, **more))


async def test_clients_made_before_instrument(telemetry, kind, tracing, quiet):
    ClaudeInstrumentor().uninstrument()
    client = Face(kind, Server(plain()), tracing)
    bound = client.client.messages.create
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    await client.wait(bound(**ARGS))
    check(telemetry, PLAIN, tracing)


@pytest.mark.parametrize("method", ["copy", "with_options"])
async def test_copied_clients(telemetry, face, tracing, method, quiet):
    client = face(stream())
    client.client = getattr(client.client, method)(max_retries=1)
    await client.take(await create(client, stream=True))
    check(telemetry, STREAM, tracing)


@pytest.mark.skipif("native" not in TRACINGS, reason="this SDK does not trace itself")
@pytest.mark.parametrize("how", ["variable", "argument of a copy"])
async def test_the_sdks_tracing_switched_off_elsewhere(telemetry, kind, how, monkeypatch, quiet):
    if how == "variable":
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
    client = Face(kind, Server(plain()), "native")
    if how != "variable":
        client.client = client.client.with_options(open_telemetry=False)
    await create(client)
    check(telemetry, PLAIN, "ours")


@pytest.fixture
def runtime(telemetry):
    made = Runtime(Settings(), {"meter_provider": telemetry.meter_provider}, was_never_sent)
    yield made
    made.stop()
    made.released()


@every_patch
async def test_what_a_later_sdk_passes_beside_is_passed_on(runtime, patch):
    passed = []
    replacement = patch.replacement(lambda *args, **kwargs: passed.append((args, kwargs)), runtime)
    known = {"response": object(), "data": {}, "body": None, "cast_to": object}
    for more in ({}, {"known_later": 1}):
        result = replacement("self", 1, 2, 3, 4, **known, **more)
        if inspect.isawaitable(result):
            with contextlib.suppress(TypeError):  # The original stands in for a coroutine function.
                await result
        assert passed.pop() == (("self", 1, 2, 3, 4), {**known, **more})


async def test_uninstrument_restores_the_very_functions(telemetry, face):
    patched = functions()
    ClaudeInstrumentor().uninstrument()
    bare = functions()
    assert all(ours is not theirs for ours, theirs in zip(patched, bare, strict=True))
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    ClaudeInstrumentor().uninstrument()
    assert all(a is b for a, b in zip(bare, functions(), strict=True))
    assert not any(hasattr(function, "__wrapped__") for function in bare)
    client = face(plain())
    await create(client)
    assert telemetry.metrics() == {}
    assert not [span for span in telemetry.spans if span.name.startswith("chat")]


async def test_instrument_twice_counts_once(telemetry, face, tracing):
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    client = face(plain())
    await create(client)
    check(telemetry, PLAIN, tracing)
    telemetry.logs.records[:] = [r for r in telemetry.logs.records if "already instrumented" not in r.getMessage()]


async def test_counters_survive(telemetry, face, quiet):
    for round_ in (1, 2, 3):
        await create(face(plain()))
        ClaudeInstrumentor().uninstrument()
        ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
        metrics = telemetry.metrics()
        assert list(metrics["claude.client.calls"].values()) == [round_]
        assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [50 * round_]


async def test_uninstrument_while_a_stream_is_read(telemetry, face, tracing, quiet):
    client = face(stream())
    opened = await create(client, stream=True)
    for _ in range(4):
        await client.next(opened)
    ClaudeInstrumentor().uninstrument()
    await client.take(opened)
    await client.resolve()
    # What began is measured to its end.
    check(telemetry, STREAM, tracing)


@contextlib.contextmanager
def wrapped_by_others(patch):
    """Somebody wraps our replacement, and keeps it whatever we do; gives the wrapper."""
    owner = owner_of(patch)
    ours = vars(owner)[patch.name]

    def theirs(*args, **kwargs):
        return ours(*args, **kwargs)

    setattr(owner, patch.name, theirs)
    try:
        yield theirs
    finally:
        setattr(owner, patch.name, ours.__wrapped__)


async def test_what_others_wrapped_since_stays_theirs(telemetry, face, quiet):
    (patch,) = (patch for patch in PATCHES if patch.name == "_build_request")
    with wrapped_by_others(patch) as theirs:
        ClaudeInstrumentor().uninstrument()
        assert vars(owner_of(patch))[patch.name] is theirs
        await create(face(plain()))
        assert telemetry.metrics() == {}


@every_patch
async def test_what_others_keep_of_ours_neither_hides_nor_doubles_what_is_measured_later(
    telemetry, kind, tracing, patch, quiet
):
    with wrapped_by_others(patch):
        ClaudeInstrumentor().uninstrument()
        ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
        client = Face(kind, Server(refused(429, "rate_limit_error"), stream()), tracing, max_retries=1)
        opened = await create(client, stream=True)
        await client.take(opened)
        await client.resolve()
        check(telemetry, STREAM.but(attempts=(THROTTLED, SERVED)), tracing)
        ((delays, _),) = telemetry.metrics()["claude.client.retry.delay"].values()
        assert delays == 1


@every_patch
async def test_an_sdk_that_lacks_a_patched_function(telemetry, monkeypatch, patch, kind):
    ClaudeInstrumentor().uninstrument()
    owner = owner_of(patch)
    before = functions()
    function = vars(owner)[patch.name]
    monkeypatch.delattr(owner, patch.name)
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    (warning,) = telemetry.warnings
    assert f"{patch.owner}.{patch.name}" in warning
    assert anthropic.__version__ in warning
    monkeypatch.undo()
    assert vars(owner)[patch.name] is function
    assert all(a is b for a, b in zip(before, functions(), strict=True))


async def test_suppressed(telemetry, face, tracing, quiet):
    client = face(either())
    with suppress_instrumentation():
        await create(client)
        await client.take(await create(client, stream=True))
    assert telemetry.metrics() == {}
    assert not [span for span in telemetry.spans if span.name.startswith("chat")]
    await create(client)
    assert list(telemetry.metrics()["claude.client.calls"].values()) == [1]


async def test_spans_off(telemetry, face, tracing, quiet):
    ClaudeInstrumentor().uninstrument()
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider, spans="off")
    client = face(plain())
    await create(client)
    assert telemetry.metrics() == PLAIN.metrics()
    assert len(telemetry.spans) == (tracing == "native")
    assert not [name for span in telemetry.spans for name in span.attributes if name.startswith("claude.")]


async def test_settings_of_the_key(telemetry, face, quiet):
    ClaudeInstrumentor().uninstrument()
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider, api_key_format="off")
    await create(face(plain()))
    assert telemetry.metrics() == PLAIN.but(hint=None).metrics()


async def test_unknown_model_is_warned_of_once_and_counted(telemetry, face, tracing):
    client = face(plain(api.message(model="claude-nobody-9")))
    await create(client)
    await create(client)
    (warning,) = telemetry.warnings
    assert "claude-nobody-9" in warning
    metrics = telemetry.metrics()
    ((key, count),) = metrics["claude.client.unpriced"].items()
    assert (dict(key)["claude.unpriced.reason"], count) == ("unknown_model", 2)
    assert "claude.client.cost.usd" not in metrics
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]
    for span in telemetry.spans:
        assert span.attributes["claude.cost.status"] == "unpriced"
        assert span.attributes["claude.unpriced.reason"] == "unknown_model"
        assert "gen_ai.usage.cost.amount" not in span.attributes


async def test_a_cost_that_turns_out_unknown_leaves_no_amount(telemetry, kind, quiet):
    listed = [api.start(), *api.BLOCK, api.delta({"output_tokens": "many"}), api.STOP]
    first = {**api.USAGE, "service_tier": None}
    listed[0] = api.start(first)
    client = Face(kind, Server(stream(listed)))
    await client.take(await create(client, stream=True))
    assert telemetry.span.attributes["claude.cost.status"] == "unpriced"
    assert "gen_ai.usage.cost.amount" not in telemetry.span.attributes


PARTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search")


@pytest.mark.parametrize("deltas", [1, 2], ids=["before the counts are final", "after they were"])
async def test_parts_of_a_cost_that_become_nothing_are_not_left_beside_the_total(
    telemetry, face, tracing, deltas, quiet
):
    cached = {"output_tokens": 50, "input_tokens": 0, "cache_read_input_tokens": 1000}
    later = [api.delta(), api.delta(cached)][-deltas:]
    client = face(stream([api.start(), *api.BLOCK, *later, api.STOP]))
    await client.take(await create(client, stream=True))
    told = telemetry.span.attributes
    # 50 tokens of output, 1000 read from the cache, 60 and 40 written to it.
    assert told["gen_ai.usage.cost.amount"] == 0.001515
    parts = {kind: told[f"claude.cost.{kind}.usd"] for kind in PARTS if f"claude.cost.{kind}.usd" in told}
    assert sum(parts.values()) == pytest.approx(0.001515, abs=1e-15)
    # What was said of the SDK's own span cannot be taken back.
    assert "input" not in parts


def test_logger_is_ours():
    assert logging.getLogger("otel_claude").handlers == []
