"""The SDK's own list of models that retire, of whichever version is installed."""

import sys
from types import ModuleType

import anthropic
import pytest
from support.api import ARGS
from support.face import Face
from support.library import NEWEST, VERSION
from support.server import Server, plain

from otel_claude.pricing.price_file import date_of
from otel_claude.sdk.retirement import MODULES, retirement_days


def test_the_installed_sdks_list_is_read_whole():
    assert anthropic.Anthropic(api_key="none").messages
    lists = [getattr(sys.modules.get(name), "DEPRECATED_MODELS", {}) for name in MODULES]
    names = {name for listed in lists for name in listed}
    assert names
    assert set(retirement_days()) == names
    if VERSION >= NEWEST:
        assert date_of(retirement_days()["claude-sonnet-4-5"]) == "2026-11-30"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("November 30th, 2026", "2026-11-30"), ("January 1st, 2027", "2027-01-01"), ("March 2nd, 2027", "2027-03-02"),
        ("May 3rd, 2027", "2027-05-03"), ("June 4, 2027", "2027-06-04"), ("February 30th, 2027", None),
        ("Nov 30th, 2026", None), ("soon", None), ("", None), (7, None), (None, None),
    ],
)  # fmt: skip
def test_a_date_as_the_sdk_writes_it(monkeypatch, text, day):
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    listed = ModuleType(MODULES[0])
    listed.DEPRECATED_MODELS = {"claude-x": text}
    monkeypatch.setitem(sys.modules, MODULES[0], listed)
    assert {model: date_of(days) for model, days in retirement_days().items()} == (
        {} if day is None else {"claude-x": day}
    )


def test_an_sdk_without_a_list(monkeypatch):
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert retirement_days() == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # The SDK's own, of the very models.
async def test_models_of_calls_retire(kind, tracing, telemetry, monkeypatch):
    monkeypatch.setattr(
        sys.modules[MODULES[0]], "DEPRECATED_MODELS", {"claude-opus-5-5": "March 2nd, 2027"}, raising=False
    )
    models = ["claude-sonnet-4-5", "claude-opus-5-5", "claude-sonnet-5-5"]
    face = Face(kind, Server(plain()), tracing)
    for model in models:
        await face.wait(face.client.messages.create(**{**ARGS, "model": model}))
    data = telemetry.reader.get_metrics_data()
    points = {
        point.attributes["gen_ai.request.model"]: point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "claude.client.model.retirement.timestamp"
        for point in metric.data.data_points
    }
    assert {model: date_of(at // 86_400) for model, at in points.items()} == {
        "claude-sonnet-4-5": "2026-11-30", "claude-opus-5-5": "2027-03-02",
    }  # fmt: skip
