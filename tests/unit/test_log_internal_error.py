"""Internal errors: our failure is logged once per kind, and its message never."""

from __future__ import annotations

import pytest

from otel_claude import _diagnostics
from otel_claude._diagnostics import log_internal_error


def fail(doing, error):
    try:
        raise error
    except type(error):
        log_internal_error(doing)


def test_one_warning_names_what_was_being_done_and_the_kind(logged):
    fail("read a header", ValueError("planted secret"))
    (level, text), (debug, trace) = logged()
    assert (level, debug) == ("WARNING", "DEBUG")
    assert "could not read a header (ValueError)" in text
    assert "The application is not affected" in text
    assert "'otel_claude' to DEBUG" in text
    assert "Traceback of ValueError:" in trace
    assert "test_log_internal_error.py" in trace
    assert "in fail" in trace


def test_the_message_is_nowhere(logged):
    fail("read a header", KeyError("planted secret"))
    assert len(logged()) == 2
    assert "planted" not in str(logged())


KINDS = [
    ([("a", ValueError()), ("a", ValueError())], 1),
    ([("a", ValueError()), ("a", KeyError())], 2),
    ([("a", ValueError()), ("b", ValueError())], 2),
    ([("a", ValueError()), ("b", KeyError()), ("a", ValueError()), ("b", KeyError())], 2),
]


@pytest.mark.parametrize(("failures", "times"), KINDS)
def test_once_for_each_step_and_kind(warnings, failures, times):
    for step, error in failures:
        fail(step, error)
    assert len(warnings()) == times


def test_kinds_are_bounded(warnings):
    for number in range(500):
        fail(f"step {number}", ValueError())
    assert len(warnings()) == len(_diagnostics._logged) == 100


def test_without_an_exception_it_says_so_and_does_not_raise(warnings):
    log_internal_error("do nothing")
    assert "could not do nothing (an error)" in warnings()[0]


def test_without_a_handler_nothing_is_raised(monkeypatch):
    monkeypatch.setattr(_diagnostics.logger, "propagate", False)
    fail("read a header", ValueError())
    assert _diagnostics._logged == {("read a header", ValueError)}
