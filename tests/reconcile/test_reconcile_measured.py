"""What is asked of the metrics store: recorded growth where all of a window is recorded, else the raw series."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from otel_claude.prometheus import IncompleteDataError, Prometheus
from otel_claude.reconcile.measured import measure

START = datetime(2026, 11, 19, tzinfo=timezone.utc)
DAY, SLOT = timedelta(days=1), timedelta(minutes=5)
KEY = {"claude_api_key_hint": "sk-ant-api03-R2D...igAA", "gen_ai_response_model": "claude-opus-5-5"}


class Server:
    """Answers each sum with one row, and keeps what it was asked, with the moment."""

    address = "http://prometheus:9090"

    def __init__(self, *, store="prometheus", alive=True, gap=False, kept=None):
        self.kind, self.alive, self.gap, self.kept = store, alive, gap, kept
        self.asked: list[tuple[str, datetime]] = []

    def store(self):
        return self.kind

    def retention(self):
        return self.kept

    def query(self, expression, at):
        moment = datetime.fromtimestamp(at, timezone.utc)
        if expression.startswith("count_over_time((max(count_over_time(claude:increase:alive[21600s]) or "):
            slots = Decimal(expression.rpartition("[")[2].partition("s:")[0]) / 300
            return [({}, slots - 1 if self.gap else slots)]
        if "claude:increase:alive" in expression:
            assert expression.startswith("count_over_time(claude:increase:alive[10m]) or count_over_time(")
            assert moment == START + 2 * SLOT
            return [({}, Decimal(2))] if self.alive else []
        self.asked.append((expression, moment))
        return [(KEY, Decimal("1.5"))]

    def of_cost(self):
        """The sum of dollars over the window, and when it was asked for."""
        return next((text, at) for text, at in self.asked if "cost_usd" in text)


def test_whole_slots_that_are_recorded_are_added_up():
    server = Server()
    found = measure(server, START, START + DAY, {})
    text, at = server.of_cost()
    assert text == (
        "sum by (claude_api_key_hint, gen_ai_response_model, claude_cost_type, anthropic_response_service_tier) "
        '(sum_over_time(claude:claude_client_cost_usd:increase5m{gen_ai_provider_name="anthropic"}[86400s]))'
    )
    # The last slot is recorded before six minutes after its end, and the first one not before one minute after it.
    assert at == START + DAY + timedelta(minutes=6) - timedelta(milliseconds=1)
    assert list(found.usd.values()) == [Decimal("1.5")]


def test_a_month_is_made_of_the_same_slots():
    server = Server()
    measure(server, START, START + 3 * DAY, {})
    assert all(":increase1h" not in text for text, _ in server.asked)


RAW = [
    ("nothing was recorded when it began", {"alive": False}, START, START + DAY),
    ("the rules were away within it, for longer than corrections reach", {"gap": True}, START, START + DAY),
    ("its beginning is in a slot", {}, START + timedelta(minutes=2), START + DAY),
    ("its end is in a slot", {}, START, START + timedelta(hours=5, minutes=3)),
]


@pytest.mark.parametrize(("server", "start", "end"), [row[1:] for row in RAW], ids=[row[0] for row in RAW])
def test_else_the_raw_series_are_asked(server, start, end):
    asked = Server(**server)
    measure(asked, start, end, {})
    text, at = asked.of_cost()
    assert "last_over_time(claude_client_cost_usd_total" in text
    assert at == end


def test_a_window_whose_last_slot_is_not_recorded_yet_is_raw():
    now = datetime.now(timezone.utc)
    end = now - timedelta(seconds=now.timestamp() % 300)
    server = Server()
    measure(server, end - timedelta(hours=2), end, {})
    assert "last_over_time(claude_client_cost_usd_total" in server.of_cost()[0]


@pytest.mark.parametrize("said", [None, "victoria-metrics"])
def test_victoria_metrics_is_asked_in_its_own_words(said):
    server = Server(store="prometheus" if said else "victoria-metrics")
    measure(server, START, START + DAY, {}, store=said)
    text, at = server.of_cost()
    assert "increase_pure(claude_client_cost_usd_total{" in text
    assert at == START + DAY


def test_what_is_near_the_ends_is_always_raw():
    server = Server()
    measure(server, START, START + DAY, {})
    edges = [at for text, at in server.asked if "cost_usd_total" in text]
    assert edges == [START + timedelta(minutes=2), START + DAY + timedelta(minutes=2)]


BUILDS = [
    ({"version": "3.14.0", "revision": "abc", "goVersion": "go1.26"}, "prometheus"),
    ({"version": "2.24.0"}, "victoria-metrics"),
    ({"application": "Grafana Mimir", "version": "3.0.0", "features": {}}, "mimir"),
    ({"version": "0.39.2", "revision": "abc", "branch": "HEAD"}, "prometheus"),
    ({}, "prometheus"),
]


@pytest.mark.parametrize(("build", "store"), BUILDS, ids=lambda value: json.dumps(value)[:40])
def test_a_server_is_what_it_says(monkeypatch, build, store):
    server = Prometheus("http://prometheus:9090")
    monkeypatch.setattr(server, "_get", lambda path, parameters: {"data": build})
    assert server.store() == store


def test_a_server_that_says_nothing_is_prometheus(monkeypatch):
    def nothing(path, parameters):
        raise IncompleteDataError("404")

    server = Prometheus("http://prometheus:9090")
    monkeypatch.setattr(server, "_get", nothing)
    assert server.store() == "prometheus"
