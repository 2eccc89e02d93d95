"""Containment: our failure is logged once per kind, and its message never."""

from __future__ import annotations

import pytest

from otel_claude import _diagnostics as contain
from otel_claude._diagnostics import contained


def fail(hop, error):
    try:
        raise error
    except type(error):
        contained(hop)


def test_one_warning_names_the_hop_and_the_kind(said):
    fail("read a header", ValueError("planted secret"))
    (level, text), (debug, trace) = said()
    assert (level, debug) == ("WARNING", "DEBUG")
    assert "read a header (ValueError)" in text
    assert "The application is not affected" in text
    assert "'otel_claude' to DEBUG" in text
    assert "Traceback of ValueError:" in trace
    assert "test_contain.py" in trace
    assert "in fail" in trace


def test_the_message_is_nowhere(said):
    fail("read a header", KeyError("planted secret"))
    assert len(said()) == 2
    assert "planted" not in str(said())


KINDS = [
    ([("a", ValueError()), ("a", ValueError())], 1),
    ([("a", ValueError()), ("a", KeyError())], 2),
    ([("a", ValueError()), ("b", ValueError())], 2),
    ([("a", ValueError()), ("b", KeyError()), ("a", ValueError()), ("b", KeyError())], 2),
]


@pytest.mark.parametrize(("failures", "told"), KINDS)
def test_once_per_hop_and_kind(warnings, failures, told):
    for hop, error in failures:
        fail(hop, error)
    assert len(warnings()) == told


def test_kinds_are_bounded(warnings):
    for number in range(500):
        fail(f"hop {number}", ValueError())
    assert len(warnings()) == len(contain._told) == 100


def test_without_an_exception_it_says_so_and_does_not_raise(warnings):
    contained("did nothing")
    assert "did nothing (an error)" in warnings()[0]


def test_without_a_handler_nothing_is_raised(monkeypatch):
    monkeypatch.setattr(contain.logger, "propagate", False)
    fail("read a header", ValueError())
    assert contain._told == {("read a header", ValueError)}
