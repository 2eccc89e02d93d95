"""Golden calls: each file of `tests/golden` is one shape of call, and all the telemetry that it leaves behind.

A file is written by hand down to its replies; `--update-golden` writes its `telemetry`, whose diff is what is reviewed.
Prices are those of the day of the run: a file asks for models whose price has no end yet.
"""

from operator import attrgetter

import pytest
from support.golden_acts import face_of, run
from support.golden_case import FILES, load
from support.golden_dump import dump_metrics, dump_spans, dump_warnings
from support.library import NEWEST, VERSION

from otel_claude import ClaudeInstrumentor, tags


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_golden(path, kind, tracing, telemetry, golden):
    case = load(path)
    if VERSION < NEWEST and (tracing == "native" or tuple(map(int, case.get("since", "0").split("."))) > VERSION):
        pytest.skip(f"anthropic {VERSION} has other spans of its own, or lacks what the file needs")
    if settings := case.get("settings"):
        ClaudeInstrumentor().uninstrument()
        ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider, **settings)
    face = face_of(case, kind, tracing)
    if needs := case.get("needs"):
        try:
            attrgetter(needs)(face.client)
        except AttributeError:
            assert VERSION < NEWEST, "the newest SDK has everything"
            pytest.skip(f"anthropic {VERSION} has no {needs}")
    with tags(**case.get("tags", {})):
        await run(case, face)
    # Collection comes first: it ends what a garbage collector said was dropped.
    data = telemetry.reader.get_metrics_data()
    spans = telemetry.spans
    golden.check(path, case, "requests", len(face.server.requests))
    golden.check(path, case, "warnings", dump_warnings(telemetry.warnings))
    golden.check(path, case, tracing, dump_spans(spans))
    golden.check(path, case, "metrics", dump_metrics(data, spans))
