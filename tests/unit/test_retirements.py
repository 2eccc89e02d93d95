"""When models in use retire: only those of Anthropic's own platform, the price table's day before the library's."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from importlib import resources

import pytest
from unit_batches import LINES, reader_of
from unit_calls import OPUS, failed, message, sent, started, success

from otel_claude import semconv as c
from otel_claude.pricing import ANTHROPIC, Platform, shipped
from otel_claude.telemetry.call import ClientInfo

SONNET, PREVIEW = "claude-sonnet-4-5", "claude-mythos-preview"
PRICES = json.loads(resources.files("otel_claude.pricing").joinpath("prices.json").read_text(encoding="utf-8"))
ENDS = {
    "claude-3-opus-20240229": "2026-01-05",
    "claude-3-5-haiku-20241022": "2026-02-19",
    "claude-3-7-sonnet-20250219": "2026-02-19",
    "claude-3-haiku-20240307": "2026-04-20",
    "claude-sonnet-4-20250514": "2026-06-15",
    "claude-opus-4-20250514": "2026-06-15",
    "claude-mythos-preview": "2026-06-30",
    "claude-opus-4-1-20250805": "2026-08-05",
    "claude-sonnet-4-5-20250929": "2026-11-30",
    "claude-opus-4-5-20251101": "2027-01-22",
}


def seconds(day):
    return int(datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp())


def use(recorder, model, **options):
    success(recorder, message(model=model), model=model, **options)


def use_by(recorder, client, model):
    call = started(recorder, model=model)
    call.client = client
    sent(recorder, call)
    failed(recorder, call, "not_found_error")


def shown(bench):
    return bench.values(c.RETIREMENT, c.PROVIDER_NAME, c.REQUEST_MODEL)


def test_the_table_has_each_end_with_its_source():
    assert {name: row["retires"] for name, row in PRICES["models"].items() if "retires" in row} == ENDS
    for name in ENDS:
        assert PRICES["models"][name]["retires_sources"]
        assert PRICES["models"][name]["status"] in {"deprecated", "retired"}


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("claude-sonnet-4-5-20250929", "2026-11-30"),
        ("claude-sonnet-4-5", "2026-11-30"),
        ("claude-opus-4-5", "2027-01-22"),
        (OPUS, None),
        ("claude-unheard-of", None),
        # Served elsewhere: there are other dates.
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        ("vertex_ai/claude-sonnet-4-5", None),
    ],
)
def test_the_day_of_a_model(model, day):
    assert shipped().retires(model) == (None if day is None else seconds(day) // 86_400)


def test_only_models_in_use_and_only_those_that_retire(bench):
    assert shown(bench) == {}
    use(bench.recorder, OPUS)
    assert shown(bench) == {}
    use(bench.recorder, SONNET)
    use(bench.recorder, SONNET, tags=(("tenant", "other"),))
    assert shown(bench) == {("anthropic", SONNET): seconds("2026-11-30")}
    use(bench.recorder, "claude-opus-4-5")
    assert shown(bench) == {
        ("anthropic", SONNET): seconds("2026-11-30"), ("anthropic", "claude-opus-4-5"): seconds("2027-01-22"),
    }  # fmt: skip


def test_the_attributes_are_the_provider_and_the_model_alone(bench):
    use(bench.recorder, SONNET)
    (point,) = bench.points()[c.RETIREMENT.name]
    assert {name: value for name, value in point.attributes.items() if name != c.INSTANCE_ID} == {
        c.PROVIDER_NAME: "anthropic", c.REQUEST_MODEL: SONNET,
    }  # fmt: skip


def test_a_call_that_failed_used_its_model_too(bench):
    use_by(bench.recorder, ClientInfo("anthropic", "anthropic", ANTHROPIC, "api.anthropic.com", 443), SONNET)
    assert shown(bench) == {("anthropic", SONNET): seconds("2026-11-30")}


@pytest.mark.parametrize(
    ("provider", "platform"),
    [
        ("anthropic", "foundry"), ("anthropic", "aws"), ("anthropic", "google_cloud"), ("aws.bedrock", "bedrock"),
        ("gcp.vertex_ai", "vertex"),
    ],
)  # fmt: skip
def test_another_platform_has_other_dates(bench, provider, platform):
    use_by(bench.recorder, ClientInfo(provider, "anthropic", Platform(platform), "cloud.example", 443), SONNET)
    assert bench.values(c.CALLS, c.REQUEST_MODEL) == {SONNET: 1}
    assert shown(bench) == {}


def test_a_model_that_answered_a_batch_is_in_use(bench):
    line = json.loads(LINES["succeeded"])
    line["result"]["message"]["model"] = SONNET
    reader_of(bench.recorder).read(json.dumps(line).encode() + b"\n")
    assert shown(bench) == {("anthropic", SONNET): seconds("2026-11-30")}


def test_the_librarys_list_adds_and_the_tables_day_wins(bench):
    bench.instruments.retirements.of_library = lambda: {OPUS: 30_000, SONNET: 31_000, "claude-of-tomorrow": 32_000}
    for model in (OPUS, SONNET, "claude-of-tomorrow"):
        use(bench.recorder, model)
    assert shown(bench) == {
        ("anthropic", OPUS): 30_000 * 86_400,
        ("anthropic", SONNET): seconds("2026-11-30"),
        ("anthropic", "claude-of-tomorrow"): 32_000 * 86_400,
    }


def test_a_forked_child_has_used_nothing_yet(bench):
    use(bench.recorder, SONNET)
    assert shown(bench)
    bench.instruments.clear_after_fork()
    assert shown(bench) == {}
    use(bench.recorder, "claude-opus-4-5")
    assert shown(bench) == {("anthropic", "claude-opus-4-5"): seconds("2027-01-22")}


def test_what_fails_takes_no_other_metric_with_it(bench, caplog):
    def failing():
        raise LookupError("no list")

    bench.instruments.retirements.of_library = failing
    use(bench.recorder, SONNET)
    assert bench.values(c.CALLS, c.REQUEST_MODEL) == {SONNET: 1}
    assert shown(bench) == {}
    assert "observe claude.client.model.retirement.timestamp" in caplog.text
