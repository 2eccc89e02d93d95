"""uWSGI needs options without which nothing that its workers measure is exported: one warning names them."""

import logging
import sys
from types import SimpleNamespace

import pytest

from otel_claude import _diagnostics
from otel_claude.flush import FlushOnExit
from otel_claude.settings import read

HOOKS, THREADS = "--py-call-uwsgi-fork-hooks", "--enable-threads"


def warnings(caplog, monkeypatch, uwsgi):
    monkeypatch.setattr(_diagnostics, "_logged", set())
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    with caplog.at_level(logging.WARNING, "otel_claude"):
        for _ in range(2):  # as two instrumentations set up
            FlushOnExit(read({}, {}), {}, traces=False).stop()
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("options", "processes", "missing"),
    [
        ({"master": True}, 3, f"{HOOKS} {THREADS}"),
        ({"master": True, "enable-threads": True}, 1, HOOKS),
        ({"threads": b"2"}, 2, HOOKS),
        ({"master": True, "py-call-uwsgi-fork-hooks": True}, 3, THREADS),
        ({"master": True, "py-call-osafterfork": True}, 3, THREADS),
        ({}, 1, THREADS),
    ],
)
def test_one_warning_names_what_is_missing(caplog, monkeypatch, options, processes, missing):
    (said,) = warnings(caplog, monkeypatch, SimpleNamespace(opt=options, numproc=processes))
    assert said.startswith(f"uWSGI was started without {missing}: ")
    assert said.endswith(f"Add {'both' if ' ' in missing else 'it'} to uWSGI's options.")


@pytest.mark.parametrize(
    ("options", "processes"),
    [
        ({"master": True, "enable-threads": True, "py-call-uwsgi-fork-hooks": True}, 3),
        ({"master": True, "threads": b"4", "py-call-osafterfork": True}, 3),
        ({"enable-threads": True}, 1),  # it does not fork
    ],
)
def test_with_them_nothing_is_said(caplog, monkeypatch, options, processes):
    assert warnings(caplog, monkeypatch, SimpleNamespace(opt=options, numproc=processes)) == []


def test_without_uwsgi_nothing_is_said(caplog, monkeypatch):
    assert warnings(caplog, monkeypatch, None) == []


def test_another_module_of_that_name(caplog, monkeypatch):
    assert warnings(caplog, monkeypatch, SimpleNamespace(opt="an application's own")) == []
