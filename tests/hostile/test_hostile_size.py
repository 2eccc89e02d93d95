"""Much of everything: streams, headers, names. Memory, labels and series stay bounded, and the sums stay right."""

import gc
import json
import tracemalloc

import pytest
from hostile_bench import CALLS, COST, USAGE, Bench
from hypothesis import given
from hypothesis import strategies as st
from support import api
from support.api import ARGS
from support.library import http
from support.server import plain

from otel_claude import ClaudeInstrumentor, tags
from otel_claude.api.headers import _layouts

OUTPUT = f"{USAGE}output_tokens"
MEGABYTE = 1 << 20
CHUNK = api.sse([{**api.BLOCK[1], "delta": {"type": "text_delta", "text": "x" * 65_000}}])[0]


@pytest.fixture(scope="module")
def shared():
    with pytest.MonkeyPatch.context() as patch, Bench(patch) as made:
        yield made


class Long(http.SyncByteStream):
    """A stream of so many megabytes, made while it is read."""

    def __init__(self, megabytes, chunk=CHUNK):
        self.times = megabytes * MEGABYTE // len(chunk)
        self.chunk = chunk

    def __iter__(self):
        yield from api.sse([api.start(), api.BLOCK[0]])
        for _ in range(self.times):
            yield self.chunk
        yield from api.sse([api.BLOCK[3], api.delta(), api.STOP])


@pytest.mark.parametrize("size", [10, pytest.param(100, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("sent", ["text", "usage", "models"])
def test_long_streams_in_little_memory(bench, size, sent):
    chunk = CHUNK
    if sent != "text":
        # Each event has the whole usage anew, or is a further message with a model of its own.
        event = api.delta(stop_reason=None) if sent == "usage" else api.start(id="msg_" + "x" * 900)
        chunk = b"".join(api.sse([event] * 8 + [api.BLOCK[1]] * 8)) + CHUNK
    bench.answer = lambda _: http.Response(200, headers={"content-type": "text/event-stream"}, stream=Long(size, chunk))
    bench.forget()
    bench.instrument()
    try:
        stream = bench.client.messages.create(**ARGS, stream=True)
        next(stream)
        gc.collect()
        tracemalloc.start()
        for _ in stream:
            pass
        grown, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        ClaudeInstrumentor().uninstrument()
    assert grown < MEGABYTE / 2
    assert peak < 3 * MEGABYTE, "more than a few events at a time were kept"


def calls(bench, count, make, within=None):
    """So many calls; `make(n)` is the answer to each."""
    bench.forget()
    bench.instrument()
    try:
        for number in range(count):
            bench.answer = make(number)
            try:
                if within is None:
                    bench.client.messages.create(**ARGS)
                else:
                    within(number, lambda: bench.client.messages.create(**ARGS))
            except Exception as error:  # noqa: BLE001 - refusals are part of it
                assert type(error).__module__.startswith("anthropic")  # noqa: PT017 - most raise nothing
        bench.collect()
    finally:
        ClaudeInstrumentor().uninstrument()


def header(name):
    return lambda n: plain(headers={**api.IDENTITY, name: f"value-{n}"})


def refusal(n):
    return plain({"type": "error", "error": {"type": f"kind_{n}", "message": "no"}}, 400)


FLOODS = {
    "models": (lambda n: plain(api.message(model=f"claude-{n}")), "gen_ai.response.model"),
    "workspaces": (header("anthropic-workspace-id"), "anthropic.workspace.id"),
    "stop reasons": (lambda n: plain(api.message(stop_reason=f"reason_{n}")), "anthropic.message.stop_reason"),
    "error types": (refusal, "error.type"),
    "service tiers": (
        lambda n: plain(api.message(usage={**api.USAGE, "service_tier": f"tier-{n}"})),
        "anthropic.response.service_tier",
    ),
}  # fmt: skip


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("what", FLOODS)
def test_floods_of_names(bench, what, count):
    make, label = FLOODS[what]
    calls(bench, count, make)
    assert bench.total(CALLS) == count
    if what != "error types":
        assert bench.total(OUTPUT) == 50 * count
    for name, points in bench.metrics.items():
        values = {dict(key).get(label) for key in points}
        assert len(values) <= 202, name
        assert len(points) <= 2_100, name


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_floods_of_tags(bench, count):
    def within(number, call):
        with tags(tenant=f"t{number}"):
            call()

    calls(bench, count, lambda _: plain(), within)
    assert bench.total(CALLS) == count
    assert bench.total(OUTPUT) == 50 * count
    assert bench.total(COST) == pytest.approx(0.001545 * count, rel=1e-9)
    assert len({dict(key)["claude.tag.tenant"] for key in bench.metrics[CALLS]}) == 201


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_floods_of_every_kind_at_once(bench, count):
    """200 models by 200 workspaces by 200 reasons would be eight million series. The sums are right all the same."""

    def make(n):
        body = api.message(model=f"claude-{n % 211}", stop_reason=f"r{n % 223}")
        return plain(body, headers={**api.HEADERS, "anthropic-workspace-id": f"w{n % 227}"})

    calls(bench, count, make)
    assert bench.total(CALLS) == count
    assert bench.total(OUTPUT) == 50 * count
    assert max(map(len, bench.metrics.values())) <= 10_001


def test_floods_of_headers(bench):
    """Ten thousand headers, among them as many limits with names that nobody knows."""
    flood = [(b"x-%d" % n, b"y") for n in range(5_000)]
    flood += [(b"anthropic-ratelimit-a%d-limit" % n, b"7") for n in range(5_000)]
    real = [(name.encode(), value.encode()) for name, value in api.HEADERS.items()]

    def answer(_request):
        return http.Response(200, headers=[*real, *flood], content=json.dumps(api.message()).encode())

    assert bench.seen(answer) == bench.bare(answer)
    assert len(bench.metrics["claude.client.rate_limit.limit"]) <= 32
    assert len(_layouts) <= 64


def test_long_header_values_are_not_kept(bench):
    gc.collect()
    tracemalloc.start()
    try:
        calls(bench, 80, lambda n: plain(headers={"anthropic-ratelimit-requests-reset": f"{n}" + "0" * MEGABYTE}))
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4 * MEGABYTE


NAME = st.sampled_from([
    "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-fast-x-limit",
    "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-unified-5h-utilization", "anthropic-ratelimit--limit",
    "anthropic-priority-input-tokens-reset", "request-id", "anthropic-workspace-id", "anthropic-organization-id",
    "retry-after", "content-type",
])  # fmt: skip
VALUE = st.binary(max_size=30).filter(lambda raw: not set(raw) & {0, 10, 13}) | st.sampled_from(
    [b"NaN", b"inf", b"1_0", b"-1", b"1e999", b"9" * 400, b"\xff\xfe", b"2100-01-01T00:00:00Z", b"9999-12-31T23:59:59Z",
     b"0001-01-01T00:00:00Z", b"2100-01-01T00:00:00+23:59"]
)  # fmt: skip


@given(st.lists(st.tuples(NAME, VALUE), max_size=8), st.sampled_from([200, 400, 429, 529]))
def test_any_headers(shared, headers, status):
    raw = [(name.encode(), value) for name, value in headers]
    body = json.dumps(api.message() if status == 200 else api.error("rate_limit_error")).encode()

    def answer(_request):
        return http.Response(status, headers=raw, content=body)

    assert shared.seen(answer) == shared.bare(answer)
    assert all(value and value.isprintable() and len(value) <= 200 for value in shared.labels())
    for metric, points in shared.metrics.items():
        if metric.startswith("claude.client.rate_limit"):
            assert all(value == "seconds" or 0 <= value < 1 << 63 for value in points.values()), metric
