"""Conflicts: another instrumentation that is active is found, warned of once, and never imported."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from opentelemetry import context
from unit_calls import success

from otel_claude import semconv as c
from otel_claude.telemetry.conflicts import KNOWN, other_instrumentation, warn_once

PACKAGES = {
    "opentelemetry.instrumentation.genai.anthropic": "opentelemetry-instrumentation-genai-anthropic",
    "opentelemetry.instrumentation.anthropic": "opentelemetry-instrumentation-anthropic",
    "openinference.instrumentation.anthropic": "openinference-instrumentation-anthropic",
    "openlit.instrumentation.anthropic": "openlit",
}


@pytest.fixture
def imported(monkeypatch):
    """Imports a stand-in for one: a module with an instrumentor, as `BaseInstrumentor` keeps its state."""

    def put(module, *, active, instrumentor="AnthropicInstrumentor"):
        found = ModuleType(module)
        kind = type(instrumentor, (), {})
        if active is not None:
            kind._instance = kind()
            kind._instance._is_instrumented_by_opentelemetry = active
        setattr(found, instrumentor, kind)
        monkeypatch.setitem(sys.modules, module, found)

    return put


def test_the_four_that_are_known():
    assert {known.module: known.package for known in KNOWN} == PACKAGES


def test_none_is_there_and_none_is_imported():
    before = set(sys.modules)
    assert other_instrumentation() is None
    assert set(sys.modules) == before


@pytest.mark.parametrize(("module", "package"), PACKAGES.items())
def test_an_active_one_is_named_by_its_package(imported, module, package):
    imported(module, active=True)
    assert other_instrumentation() == package


@pytest.mark.parametrize("active", [False, None], ids=["uninstrumented", "never instantiated"])
@pytest.mark.parametrize("module", PACKAGES)
def test_one_that_is_imported_but_not_active_is_none(imported, module, active):
    imported(module, active=active)
    assert other_instrumentation() is None


def test_one_whose_shape_is_another_is_none(imported, monkeypatch):
    imported("openlit.instrumentation.anthropic", active=True, instrumentor="Other")
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.anthropic", None)
    assert other_instrumentation() is None


def test_an_inference_of_util_genai_owns_the_span():
    key = "opentelemetry.genai.client.inference.context"
    token = context.attach(context.set_value(key, object()))
    try:
        assert other_instrumentation() == "opentelemetry-util-genai"
    finally:
        context.detach(token)
    assert other_instrumentation() is None


def test_there_is_one_warning_for_each_package(warnings):
    for package in ("openlit", "openlit", "opentelemetry-instrumentation-anthropic", "openlit"):
        warn_once(package)
    first, second = warnings()
    assert first.startswith("openlit instruments the anthropic SDK too")
    assert "Uninstall openlit" in first
    assert "Uninstall opentelemetry-instrumentation-anthropic" in second


def test_of_an_outer_inference_the_warning_says_nothing_of_uninstalling(warnings):
    """It belongs to a framework's instrumentation, such as opentelemetry-instrumentation-genai-langchain."""
    warn_once("opentelemetry-util-genai")
    (warning,) = warnings()
    assert "ninstall" not in warning
    assert "instruments the anthropic SDK" not in warning
    assert "ANTHROPIC_OPEN_TELEMETRY=false" in warning


def test_beside_another_there_are_metrics_and_no_span_of_ours(bench, imported, warnings):
    imported("openlit.instrumentation.anthropic", active=True)
    success(bench.recorder)
    success(bench.recorder)
    assert bench.spans == []
    assert bench.value(c.CALLS) == 2
    assert len(warnings()) == 1
