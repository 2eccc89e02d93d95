import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult, PeriodicExportingMetricReader
from summary_made import MODEL, collected, metric, point

from otel_claude import semconv as c
from otel_claude.pricing import shipped
from otel_claude.summary import JSON, SummaryMetricExporter
from otel_claude.summary import exporter as exporting


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def environment(tmp_path):
    return {JSON: str(tmp_path / "out.json")}


@pytest.fixture
def exporter(environment, stream, tmp_path, monkeypatch):
    # What it does to a process (signals, threads, forks) is tested in processes of their own.
    monkeypatch.setattr(exporting.hooks, "add", lambda _: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return SummaryMetricExporter(environment, stream)


def calls(count, *more):
    return collected(
        metric(c.CALLS, point(count, model=MODEL)), metric(c.COST, point(count / 4, model=MODEL, kind="output")), *more
    )


def written(environment):
    return json.loads(Path(environment[JSON]).read_text())


def test_the_last_numbers_are_printed_once(exporter, environment, stream):
    assert exporter.export(calls(1)) is MetricExportResult.SUCCESS
    exporter.export(calls(3))
    assert exporter.force_flush()
    assert stream.getvalue() == ""
    exporter.shutdown()
    exporter.shutdown()
    assert stream.getvalue().count("3 calls to Claude: $0.750000") == 1
    assert written(environment)["usd"] == "0.75"
    assert written(environment)["price_table"] == shipped().name


def test_a_program_without_calls_gets_one_line(exporter, environment, stream, monkeypatch):
    monkeypatch.delitem(sys.modules, "anthropic", raising=False)
    exporter.shutdown()
    assert stream.getvalue() == "otel-claude: no calls to Claude were made, and no results of batches were read.\n"
    assert (written(environment)["calls"], written(environment)["usd"]) == (0, "0.00")


def test_a_sdk_that_was_not_instrumented_is_not_called_unused(exporter, stream, monkeypatch):
    monkeypatch.setitem(sys.modules, "anthropic", object())
    exporter.shutdown()
    assert "was not instrumented, so nothing was measured" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_the_tightest_limit_ever_seen_is_kept(exporter, environment):
    for used in (0.2, 0.9, 0.3):
        exporter.export(calls(1, metric(c.RATE_LIMIT_UTILIZATION, point(used, asked=MODEL, limit="requests"))))
    exporter.export(calls(2))
    exporter.shutdown()
    assert written(environment)["tightest_limit"]["utilization"] == 0.9
    assert written(environment)["calls"] == 2


def test_all_is_cumulative_whatever_the_user_prefers_for_otlp(exporter, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1e9)
    assert set(reader._instrument_class_temporality.values()) == {AggregationTemporality.CUMULATIVE}
    provider = MeterProvider([reader])
    counter = provider.get_meter(c.SCOPE).create_counter(c.CALLS.name)
    for _ in range(3):
        counter.add(1, {c.RESPONSE_MODEL: MODEL})
        provider.force_flush()
    provider.shutdown()
    assert exporter._totals.calls == 3


def test_a_file_of_the_users_own_prices_is_named(exporter, environment, tmp_path):
    path = tmp_path / "own.json"
    path.write_text('{"name": "acme", "discounts": [{"factor": "0.9"}]}')
    environment["OTEL_CLAUDE_PRICES"] = str(path)
    exporter.export(calls(1))
    exporter.shutdown()
    assert written(environment)["price_table"] == f"{shipped().date}+acme"


def test_a_broken_price_file_was_ignored(exporter, environment, tmp_path):
    path = tmp_path / "own.json"
    path.write_text("{")
    environment["OTEL_CLAUDE_PRICES"] = str(path)
    exporter.export(calls(1))
    exporter.shutdown()
    assert written(environment)["price_table"] == shipped().name


def test_a_file_that_cannot_be_written_is_one_line(exporter, environment, stream, tmp_path):
    environment[JSON] = str(tmp_path / "missing" / "out.json")
    exporter.export(calls(1))
    exporter.shutdown()
    assert stream.getvalue().splitlines()[-1] == (
        f"otel-claude: the summary could not be written to {tmp_path}/missing/out.json: No such file or directory"
    )


def test_a_file_of_before_is_replaced_as_a_whole(exporter, environment, tmp_path):
    path = tmp_path / "out.json"
    path.write_text("old")
    inode = path.stat().st_ino
    exporter.export(calls(1))
    exporter.shutdown()
    assert written(environment)["calls"] == 1
    assert path.stat().st_ino != inode
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_a_failure_of_ours_is_one_line(exporter, stream, caplog, monkeypatch):
    monkeypatch.setattr("otel_claude._diagnostics._logged", set())
    with caplog.at_level(logging.WARNING, "otel_claude"):
        assert exporter.export(object()) is MetricExportResult.FAILURE
        monkeypatch.setattr(exporting, "report", None)
        exporter.shutdown()
    assert [record.getMessage().partition(".")[0] for record in caplog.records] == [
        "otel-claude could not sum up metrics (AttributeError)",
        "otel-claude could not print the summary (TypeError)",
    ]
    assert stream.getvalue() == ""


def test_a_closed_stderr_is_no_failure(exporter, environment, stream, caplog):
    stream.close()
    exporter.export(calls(1))
    exporter.shutdown()
    assert written(environment)["calls"] == 1
    assert caplog.records == []


def test_a_forked_child_starts_from_nothing(exporter, environment, stream, monkeypatch):
    exporter.export(calls(5, metric(c.RETRY_DELAY, point(2.0))))
    exporter.shutdown()
    printed = stream.getvalue()
    pid = os.getpid() + 1_000_000
    monkeypatch.setattr(os, "getpid", lambda: pid)
    exporter.export(calls(1, metric(c.RETRY_DELAY, point(2.0))))
    exporter.shutdown()
    own = stream.getvalue().removeprefix(printed)
    # Its root has printed already, so it prints its own, and to a file of its own.
    assert f"what process {pid} cost" in own
    assert "1 call to Claude: $0.250000" in own
    child = json.loads(Path(environment[JSON]).with_name(f"out.{pid}.json").read_text())
    assert (child["calls"], child["retry_wait_seconds"]) == (1, 2.0)
    assert written(environment)["retry_wait_seconds"] == 2.0
