"""Each part of measuring made to fail in turn: all other telemetry is that of an unharmed run, to the last value."""

import logging
from collections import Counter
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from support import api
from support.face import Face
from support.library import VERSION, anthropic
from support.parts import PARTS, Part
from support.server import Server, plain, refused, stream, throttled
from support.telemetry import SECONDS, Telemetry, typed
from support.watching import watched

from otel_claude import semconv as c
from otel_claude import tags
from otel_claude.pricing import shipped

ARGS = api.ARGS
CHUNK = c.RESPONSE_TIME_TO_FIRST_CHUNK


class Seen(NamedTuple):
    """What a run left behind, and what the application got."""

    metrics: dict[str, dict[Any, Any]]
    spans: list[dict[str, Any]]
    warnings: list[str]
    got: list[Any]


@contextmanager
def watching():
    """As the fixture `telemetry`, for one of two runs of a test."""
    with pytest.MonkeyPatch.context() as patch:
        generator = watched(Telemetry(), patch)
        telemetry = next(generator)
        try:
            with pytest.MonkeyPatch.context() as breaking:
                yield telemetry, breaking
        finally:
            assert list(generator) == []


async def use(kind: str, tracing: str) -> list[Any]:
    """JSON after a retry, a stream, and a refusal."""
    got: list[Any] = []
    usage = {**api.USAGE, "speed": "standard", "server_tool_use": {"web_fetch_requests": 2}}
    with tags(x="y"):
        face = Face(kind, Server(throttled(), plain(api.message(usage))), tracing)
        got.append((await face.wait(face.client.messages.create(**ARGS))).to_dict())
        face = Face(kind, Server(stream()), tracing)
        opened = await face.wait(face.client.messages.create(**ARGS, stream=True))
        got.append([event.to_dict() for event in await face.take(opened)])
        face = Face(kind, Server(refused(400, "invalid_request_error")), tracing)
        with pytest.raises(anthropic.BadRequestError) as raised:
            await face.wait(face.client.messages.create(**ARGS))
        error = raised.value
        got.append([(type(each), str(each)) for each in (error, error.__context__, error.__cause__)])
    await face.resolve()
    return got


async def run(kind: str, tracing: str, part: Part | None = None) -> Seen:
    with watching() as (telemetry, breaking):
        if part is not None:
            part.fail(breaking, telemetry)
        got = await use(kind, tracing)
        metrics = telemetry.metrics()
        telemetry.metrics()  # What fails at every collection is said once.
        spans = [shown(span) for span in telemetry.spans]
        ours = [record for record in telemetry.logs.records if record.name == "otel_claude"]
        assert not [record for record in ours if api.PROMPT in record.getMessage() or record.exc_info]
        loud = [record.getMessage() for record in ours if record.levelno > logging.DEBUG]
    return Seen(metrics, spans, loud, got)


def shown(span: Any) -> dict[str, Any]:
    attributes = {**span.attributes, **({CHUNK: SECONDS} if CHUNK in span.attributes else {})}
    events = [(event.name, typed(event.attributes)) for event in span.events]
    return {"name": span.name, "status": span.status.status_code.name, "events": events, "attributes": attributes}


_unharmed: dict[tuple[str, str], Seen] = {}


async def unharmed(kind: str, tracing: str) -> Seen:
    if (kind, tracing) not in _unharmed:
        _unharmed[kind, tracing] = await run(kind, tracing)
    return _unharmed[kind, tracing]


def left(seen: Seen, part: Part) -> tuple[Any, Any]:
    """What is not the part's own of metrics and spans."""
    lost = {metric.name for metric in part.metrics}
    metrics = {
        name: without(points, part.metric_attributes) for name, points in seen.metrics.items() if name not in lost
    }
    spans = [
        {
            **{name: value for name, value in span.items() if name not in part.span},
            "attributes": typed(
                {name: value for name, value in span["attributes"].items() if not name.startswith(part.span_attributes)}
                if part.span_attributes
                else span["attributes"]
            ),
        }
        for span in ([] if "itself" in part.span else seen.spans)
    ]
    return metrics, spans


def without(points: dict[Any, Any], names: tuple[str, ...]) -> dict[Any, Any]:
    """Points without these attributes, those added up that are one then."""
    found: dict[Any, Any] = {}
    for attributes, value in points.items():
        key = tuple(pair for pair in attributes if pair[0] not in names)
        found[key] = plus(found[key], value) if key in found else value
    return found


def plus(one: Any, other: Any) -> Any:
    if isinstance(one, tuple):
        return tuple(map(plus, one, other))
    return SECONDS if one == SECONDS else one + other


def reasons(seen: Seen) -> dict[str, int]:
    found: Counter[str] = Counter()
    for point, count in seen.metrics.get(c.UNPRICED.name, {}).items():
        found[dict(point)[c.UNPRICED_REASON]] += count
    return found


@pytest.mark.parametrize("name", PARTS)
async def test_one_failing_part_takes_no_other(name, kind, tracing):
    part = PARTS[name]
    if tracing not in part.tracing:
        pytest.skip("not used with the SDK's own tracing")
    if name == "the SDK's tracing" and VERSION < (1, 14):
        pytest.skip("this SDK has no tracing")
    whole = await unharmed(kind, tracing)
    harmed = await run(kind, tracing, part)
    assert harmed.got == whole.got, "the application saw it"
    assert left(harmed, part) == left(whole, part)
    assert reasons(whole) == {}
    assert reasons(harmed) == part.reasons
    if part.doing:
        assert harmed.warnings, "nobody was told"
        assert len(harmed.warnings) == len(set(harmed.warnings)), "told more than once"
        told = {warning.removeprefix("otel-claude could not ").partition(" (")[0] for warning in harmed.warnings}
        assert told <= set(part.doing)


async def test_the_unharmed_run_has_what_each_part_gives(kind, tracing):
    """Else the comparison would compare nothing."""
    whole = await unharmed(kind, tracing)
    assert whole.warnings == []
    assert len(whole.spans) == 3
    told = {attribute for span in whole.spans for attribute in span["attributes"]}
    names = {pair[0] for points in whole.metrics.values() for point in points for pair in point}
    for name, part in PARTS.items():
        missing = {metric.name for metric in part.metrics} - whole.metrics.keys() - {c.UNPRICED.name, *UNUSED}
        assert not missing, name
        assert set(part.metric_attributes) <= names, name
        if tracing == "ours":
            given = [prefix for prefix in part.span_attributes if any(each.startswith(prefix) for each in told)]
            assert given or not part.span_attributes, name


DIAGNOSED = (c.CACHE_DIAGNOSES, c.CACHE_MISSED_TOKENS, c.CACHE_MISSED_COST)
UNUSED = {metric.name for metric in (c.REASONING_TOKENS, c.BATCH_RESULTS, c.TAG_CHANGES, *DIAGNOSED)}


async def test_without_a_price_table_one_warning_names_the_file_and_says_what_to_do(kind, tracing):
    harmed = await run(kind, tracing, PARTS["the price table"])
    (warning,) = harmed.warnings
    assert warning.startswith("No call has a cost, and claude.client.unpriced counts them as no_price_table: ")
    assert "prices.json cannot be read (OursError)" in warning
    assert "Install otel-claude again." in warning
    assert "docs/deploy.md" in warning
    for span in harmed.spans:
        assert c.PRICE_TABLE not in span["attributes"]
    statuses = [span["attributes"].get(c.COST_STATUS) for span in harmed.spans]
    # What the API refused costs nothing, whatever the prices are.
    assert statuses == ["unpriced", "unpriced", "exact"]
    assert [span["attributes"].get(c.UNPRICED_REASON) for span in harmed.spans][:2] == ["no_price_table"] * 2
    assert shipped().name, "it is read again, when it can be"
