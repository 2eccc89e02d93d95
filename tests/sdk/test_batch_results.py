"""Results of batches, however they are read, and the progress of batches, on every client and with either tracing."""

import contextvars
import gzip
import json
import threading
import zlib

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from support import api
from support.library import HAS_MIDDLEWARE, VERSION, http
from support.server import Chunks
from support.telemetry import typed

from otel_claude import ClaudeInstrumentor, tags

NAME = "msgbatch_1"
URL = f"https://api.anthropic.com/v1/messages/batches/{NAME}/results"
BATCHED = {**api.USAGE, "service_tier": "batch"}
STATUSES = ("processing", "succeeded", "errored", "canceled", "expired")
RESULTS = {
    "a": {"type": "succeeded", "message": api.message(BATCHED, id="msg_a")},
    "b": {"type": "errored", "error": api.error("overloaded_error")},
    "c": {"type": "canceled"},
    "d": {"type": "expired"},
    "e": {"type": "succeeded", "message": api.message(BATCHED, id="msg_e")},
}
LINES = [json.dumps({"custom_id": name, "result": told}).encode() + b"\n" for name, told in RESULTS.items()]
WHERE = {
    "gen_ai.operation.name": "batch",
    "gen_ai.provider.name": "anthropic",
    "claude.client.library": "anthropic",
    "server.address": "api.anthropic.com",
    "server.port": 443,
    "claude.api_key.hint": api.HINT,
    "anthropic.workspace.id": "wrkspc_1",
}
RESOURCES = ["beta.messages"] if VERSION < (0, 60) else ["messages", "beta.messages"]


def batch(status="ended", name=NAME, **counts):
    ended = status == "ended"
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": dict.fromkeys(STATUSES, 0)
        | (counts or {"succeeded": 2, "errored": 1, "canceled": 1, "expired": 1}),
        "created_at": "2026-11-22T10:00:00Z",
        "ended_at": "2026-11-22T11:00:00Z" if ended else None,
        "expires_at": "2026-11-23T10:00:00Z",
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": URL if ended else None,
    }


WHOLE = b"".join(LINES)


def pieces(size=100, body=WHOLE):
    return [body[at : at + size] for at in range(0, len(body), size)]


def serving(results=None, *, status=200, headers=None, **more):
    """A server of one batch. `results` are the chunks of its results' body, or the whole of it."""
    results = pieces() if results is None else results

    def reply(request):
        if not request.url.path.endswith("/results"):
            said = more.get("says", batch())
            return http.Response(200, headers=api.HEADERS, json=said)
        told = {"content-type": "application/x-jsonl", **api.HEADERS, **(headers or {})}
        if isinstance(results, bytes):
            return http.Response(status, headers=told, content=results)
        return http.Response(status, headers=told, stream=Chunks(results))

    return reply


def attributes(**more):
    return tuple(sorted({**WHERE, **{name.replace("__", "."): value for name, value in more.items()}}.items()))


def expected(*read, base=None):
    """Every metric, exactly, after these results were read: `a` and `e` succeeded, with the same usage."""
    where = {**WHERE, **(base or {})}
    found = {}

    def add(name, value, **more):
        key = tuple(sorted({**where, **{name.replace("__", "."): value for name, value in more.items()}}.items()))
        points = found.setdefault(name, {})
        points[key] = round(points.get(key, 0) + value, 12)

    counted = "claude.client.batch.results"
    answered = {"gen_ai__response__model": api.MODEL}
    for name in read:
        told = {"claude__batch__result": RESULTS[name]["type"]}
        if name == "b":
            told["error__type"] = "overloaded_error"
        if name not in "ae":
            add(counted, 1, **told)
            continue
        add(counted, 1, **told, **answered, anthropic__message__stop_reason="end_turn")
        tokens = {**answered, "gen_ai__token__modality": "unknown"}
        usage = "gen_ai.client.inference.usage"
        add(f"{usage}.input_tokens", 1_110, **tokens)
        add(f"{usage}.output_tokens", 50, **tokens)
        add(f"{usage}.cache_read.input_tokens", 1_000, **tokens)
        add(f"{usage}.cache_write.input_tokens", 60, **tokens, claude__cache__ttl="5m")
        add(f"{usage}.cache_write.input_tokens", 40, **tokens, claude__cache__ttl="1h")
        tier = {**answered, "anthropic__response__service_tier": "batch"}
        # Sonnet 4.6 by half: 10 at $1.50 a million, 1,000 at $0.15, 60 at $1.875, 40 at $3, 50 at $7.50.
        for kind, pico in (
            ("input", 15), ("cache_read", 150), ("cache_write_5m", 112.5), ("cache_write_1h", 120), ("output", 375),
        ):  # fmt: skip
            add("claude.client.cost.usd", pico / 1e6, **tier, claude__cost__type=kind)
        add("claude.client.cache.savings.usd", 1_350 / 1e6, **answered)
        for ttl, pico in (("5m", 22.5), ("1h", 60)):
            add("claude.client.cache.overhead.usd", pico / 1e6, **answered, claude__cache__ttl=ttl)
    return found


def measured(telemetry):
    """Every metric but those of progress. Dollars are rounded to the pico-dollar, which adding floats here does not."""
    return {
        name: {key: round(value, 12) for key, value in points.items()}
        for name, points in telemetry.metrics().items()
        if name != "claude.client.batch.requests"
    }


def progress(telemetry):
    points = telemetry.metrics().get("claude.client.batch.requests", {})
    return {dict(key)["claude.batch.status"]: value for key, value in points.items() if value}


def batches(client, resource):
    found = client.client
    for name in resource.split("."):
        found = getattr(found, name)
    return found.batches


def wrapped(of, kind):
    """`with_raw_response` or `with_streaming_response`, which have no `results` in older versions."""
    found = getattr(of, f"with_{kind}_response")
    if not hasattr(found, "results"):
        assert VERSION < (1, 14)
        pytest.skip(f"anthropic {VERSION} has no with_{kind}_response.results")
    return found


# How an application may read results. Each gives what it received.


async def iterated(client, of):
    return await client.take(await client.wait(of.results(NAME)))


async def stepped(client, of):
    results = await client.wait(of.results(NAME))
    found = []
    while (item := await client.next(results)) is not None:
        found.append(item)
    return found


async def raw_parsed(client, of):
    response = await client.wait(wrapped(of, "raw").results(NAME))
    return await client.take(await client.wait(response.parse()))


async def raw_http(client, of):
    response = (await client.wait(wrapped(of, "raw").results(NAME))).http_response
    return await client.wait(response.aread() if client.is_async else response.read())


async def streaming_parsed(client, of):
    async with client.inside(wrapped(of, "streaming").results(NAME)) as response:
        return await client.take(await client.wait(response.parse()))


async def streaming_lines(client, of):
    async with client.inside(wrapped(of, "streaming").results(NAME)) as response:
        return await client.take(response.iter_lines())


async def streaming_bytes(client, of):
    async with client.inside(wrapped(of, "streaming").results(NAME)) as response:
        return await client.take(response.iter_bytes(7))


async def streaming_whole(client, of):
    async with client.inside(wrapped(of, "streaming").results(NAME)) as response:
        return await client.wait(response.read())


async def by_url(client, _of):
    """Without `results()`: nothing is told of the batch before."""
    options = {"cast_to": http.Response, "stream": True}
    if client.is_async:
        options["stream_cls"] = None
    response = await client.wait(client.client.get(f"/v1/messages/batches/{NAME}/results", **options))
    return await client.wait(response.aread() if client.is_async else response.read())


WAYS = [
    iterated, stepped, raw_parsed, raw_http,
    streaming_parsed, streaming_lines, streaming_bytes, streaming_whole, by_url,
]  # fmt: skip
BODIES = {
    "in chunks": {},
    "a line at a time": {"results": LINES},
    "at once": {"results": WHOLE},
    "gzip": {"results": pieces(50, gzip.compress(WHOLE)), "headers": {"content-encoding": "gzip"}},
    "deflate": {"results": pieces(50, zlib.compress(WHOLE)), "headers": {"content-encoding": "deflate"}},
    "gzip, at once": {"results": gzip.compress(WHOLE), "headers": {"content-encoding": "gzip"}},
}


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("way", WAYS)
async def test_each_way_of_reading_counts_each_result_once(telemetry, face, quiet, way, resource):
    client = face(serving())
    received = await way(client, batches(client, resource))
    assert received
    assert measured(telemetry) == expected(*RESULTS)
    again = await way(client, batches(client, resource))
    await client.resolve()
    assert len(again) == len(received)
    assert measured(telemetry) == expected(*RESULTS)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("way", [iterated, streaming_lines, by_url])
async def test_each_form_of_the_body(telemetry, face, quiet, way, body):
    client = face(serving(**body))
    await way(client, batches(client, RESOURCES[0]))
    await way(client, batches(client, RESOURCES[0]))
    assert measured(telemetry) == expected(*RESULTS)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_what_the_application_receives_is_what_it_received_before(telemetry, face, body):
    client = face(serving(**body))
    of = batches(client, RESOURCES[0])
    seen = await client.wait(of.results(NAME))
    found = await client.take(seen)
    bytes_seen = await by_url(client, of)
    ClaudeInstrumentor().uninstrument()
    bare = await client.wait(of.results(NAME))
    assert type(seen) is type(bare)
    assert type(seen.http_response.stream) is type(bare.http_response.stream)
    assert [type(item) for item in found] == [type(item) for item in await client.take(bare)]
    assert [item.custom_id for item in found] == list(RESULTS)
    assert bytes_seen == await by_url(client, of) == WHOLE


async def test_the_sdks_own_span_is_left_as_it_is(telemetry, face, tracing):
    client = face(serving())
    await iterated(client, batches(client, RESOURCES[0]))
    await client.resolve()
    names = [span.name for span in telemetry.spans]
    assert names == (
        ["anthropic.messages.batches.retrieve", "anthropic.messages.batches.results"] if tracing == "native" else []
    )
    for span in telemetry.spans:
        added = [n for n in span.attributes if n.startswith(("claude.", "gen_ai.usage.", "gen_ai.response."))]
        assert added == []
        assert span.status.status_code.name == "OK"


async def test_results_that_are_not_read_are_not_counted(telemetry, face, quiet):
    client = face(serving())
    await client.wait(batches(client, RESOURCES[0]).results(NAME))
    await client.resolve()
    assert measured(telemetry) == {}


async def test_a_reading_that_stops_counts_what_came_and_a_second_the_rest(telemetry, face, quiet):
    # Longer than what the SDK reads ahead: 64 bytes, in 0.40 4,096. Still it has asked for the next by then.
    client = face(serving([line[:-1] + b" " * 10_000 + b"\n" for line in LINES]))
    of = batches(client, RESOURCES[0])
    results = await client.wait(of.results(NAME))
    taken = [await client.next(results), await client.next(results)]
    await client.resolve()
    assert [item.custom_id for item in taken] == ["a", "b"]
    assert measured(telemetry) in (expected("a", "b"), expected("a", "b", "c"))
    await iterated(client, of)
    assert measured(telemetry) == expected(*RESULTS)


async def test_a_connection_that_is_lost_counts_what_came(telemetry, face, quiet):
    reply = serving()

    def cut(request):
        response = reply(request)
        if request.url.path.endswith("/results"):
            response = http.Response(200, headers=api.HEADERS, stream=Chunks(LINES[:3], http.ReadError("cut")))
        return response

    client = face(cut)
    results = await client.wait(batches(client, RESOURCES[0]).results(NAME))
    with pytest.raises(http.ReadError):
        await client.take(results)
    assert measured(telemetry) == expected("a", "b", "c")


async def test_results_read_in_another_thread_with_other_tags(telemetry, face, kind, quiet):
    client = face(serving())
    of = batches(client, RESOURCES[0])
    with tags(feature="nightly"):
        results = await client.wait(of.results(NAME))
    with tags(feature="another"):
        if kind == "async":
            await client.take(results)
        else:
            thread = threading.Thread(target=contextvars.copy_context().run, args=(list, results))
            thread.start()
            thread.join()
    assert measured(telemetry) == expected(*RESULTS, base={"claude.tag.feature": "nightly"})


async def test_tags_that_cannot_be_read_take_no_result_with_them(telemetry, face, monkeypatch):
    def fail(_keys):
        raise LookupError("planted")

    monkeypatch.setattr("otel_claude.runtime.current_tags", fail)
    client = face(serving())
    with tags(feature="nightly"):
        await client.take(await client.wait(batches(client, RESOURCES[0]).results(NAME)))
    assert measured(telemetry) == expected(*RESULTS)
    (warning,) = telemetry.warnings
    assert "could not read the tags (LookupError)" in warning


async def test_refused_results_are_not_counted(telemetry, face, quiet):
    body = json.dumps(api.error("not_found_error")).encode()
    client = face(serving(body, status=404))
    with pytest.raises(Exception, match="not_found_error"):
        await iterated(client, batches(client, RESOURCES[0]))
    assert measured(telemetry) == {}


async def test_results_at_another_url_are_known_by_what_decodes_them(telemetry, face, quiet):
    def elsewhere(request):
        if "/messages/" in request.url.path:
            return http.Response(200, headers=api.HEADERS, json={**batch(), "results_url": "https://gateway.test/f/1"})
        return http.Response(200, headers=api.HEADERS, stream=Chunks(LINES))

    client = face(elsewhere)
    of = batches(client, RESOURCES[0])
    await iterated(client, of)
    await iterated(client, of)
    assert measured(telemetry) == expected(*RESULTS)


async def test_lines_that_are_no_results_pass_and_are_counted_as_unknown(telemetry, face, quiet):
    bad = [b"[1]\n", b'{"custom_id": "x", "result": "y"}\n', b"7\n"]
    client = face(serving([*bad, LINES[0]]))
    of = batches(client, RESOURCES[0])
    for _ in range(2):
        assert len((await by_url(client, of)).splitlines()) == 4
    found = measured(telemetry)
    unknown = attributes(claude__batch__result="_other")
    assert found["claude.client.batch.results"].pop(unknown) == 3
    assert found.pop("claude.client.unpriced") == {attributes(claude__unpriced__reason="invalid_result"): 3}
    assert found == expected("a")


async def test_a_line_that_is_no_json_fails_as_it_did_before(telemetry, face, quiet):
    client = face(serving([LINES[0], b"<html>\n", LINES[1]]))
    results = await client.wait(batches(client, RESOURCES[0]).results(NAME))
    with pytest.raises(json.JSONDecodeError):
        await client.take(results)
    assert measured(telemetry)["claude.client.batch.results"][attributes(claude__batch__result="_other")] == 1


async def test_suppressed(telemetry, face, quiet):
    client = face(serving())
    with suppress_instrumentation():
        await iterated(client, batches(client, RESOURCES[0]))
    assert telemetry.metrics() == {}


async def test_uninstrumented_while_results_are_read(telemetry, face, quiet):
    client = face(serving(LINES))
    of = batches(client, RESOURCES[0])
    results = await client.wait(of.results(NAME))
    await client.next(results)
    ClaudeInstrumentor().uninstrument()
    await client.take(results)
    assert measured(telemetry) == expected(*RESULTS)
    await iterated(client, of)
    assert measured(telemetry) == expected(*RESULTS)


async def test_instrumented_again_what_was_counted_stays_counted(telemetry, face, quiet):
    client = face(serving())
    await iterated(client, batches(client, RESOURCES[0]))
    ClaudeInstrumentor().uninstrument()
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    await iterated(client, batches(client, RESOURCES[0]))
    assert measured(telemetry) == expected(*RESULTS)


@pytest.mark.skipif(not HAS_MIDDLEWARE, reason="there is no middleware")
@pytest.mark.parametrize("way", [iterated, raw_parsed, streaming_lines])
async def test_through_a_middleware(telemetry, face, kind, quiet, way):
    def passing(request, call_next):
        return call_next(request)

    async def passing_async(request, call_next):
        return await call_next(request)

    client = face(serving(), middleware=[passing_async if kind == "async" else passing])
    await way(client, batches(client, RESOURCES[0]))
    assert measured(telemetry) == expected(*RESULTS)


# Progress.


def in_progress(**counts):
    return batch("in_progress", **counts)


async def created(_client, of):
    params = {"model": api.MODEL, "max_tokens": 64, "messages": []}
    return of.create(requests=[{"custom_id": "a", "params": params}])


async def retrieved(_client, of):
    return of.retrieve(NAME)


async def cancelled(_client, of):
    return of.cancel(NAME)


async def raw(_client, of):
    return of.with_raw_response.retrieve(NAME)


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("way", [created, retrieved, cancelled, raw])
async def test_progress_is_known_from_each_answer(telemetry, face, quiet, way, resource):
    client = face(serving(says=in_progress(processing=3)))
    await client.wait(await way(client, batches(client, resource)))
    points = telemetry.metrics().pop("claude.client.batch.requests")
    assert points == {
        attributes(claude__batch__status=status): 3 if status == "processing" else 0 for status in STATUSES
    }
    assert {type(value) for value in points.values()} == {int}
    assert measured(telemetry) == {}


async def test_progress_of_a_list_is_added_up(telemetry, face, quiet):
    listed = [batch("in_progress", f"msgbatch_{number}", processing=number) for number in (1, 2, 3)]
    page = {"data": [*listed, batch(name="msgbatch_4")], "has_more": False, "first_id": None, "last_id": None}
    client = face(serving(says=page))
    found = await client.take(await client.wait(batches(client, RESOURCES[0]).list()))
    assert len(found) == 4
    assert progress(telemetry) == {"processing": 6}


async def test_a_batch_from_its_beginning_to_its_results(telemetry, face, quiet):
    says = [in_progress(processing=5), in_progress(processing=5), batch(), batch()]

    def reply(request):
        if request.url.path.endswith("/results"):
            return serving()(request)
        return serving(says=says.pop(0))(request)

    client = face(reply)
    of = batches(client, RESOURCES[0])
    with tags(feature="nightly"):
        await client.wait(await created(client, of))
    await client.wait(of.retrieve(NAME))
    assert progress(telemetry) == {"processing": 5}
    await client.wait(of.retrieve(NAME))
    assert progress(telemetry) == {"succeeded": 2, "errored": 1, "canceled": 1, "expired": 1}
    await iterated(client, of)
    points = telemetry.metrics()["claude.client.batch.requests"]
    assert {dict(key)["claude.tag.feature"] for key in points} == {"nightly"}
    assert measured(telemetry) == expected(*RESULTS)


@pytest.mark.parametrize("body", [[], {"id": "x"}, {"data": 7}, {**batch("in_progress"), "request_counts": "many"}])
async def test_answers_that_tell_nothing(telemetry, face, quiet, body):
    client = face(serving(says=body))
    response = await client.wait(batches(client, RESOURCES[0]).with_raw_response.retrieve(NAME))
    assert response is not None
    assert telemetry.metrics() == {}


async def test_deleted(telemetry, face, quiet):
    if VERSION < (0, 60):
        pytest.skip("batches cannot be deleted")
    client = face(serving(says={"id": NAME, "type": "message_batch_deleted"}))
    await client.wait(batches(client, RESOURCES[0]).delete(NAME))
    assert telemetry.metrics() == {}


def test_types_are_exact():
    assert typed(WHERE)["server.port"] == ("int", 443)
