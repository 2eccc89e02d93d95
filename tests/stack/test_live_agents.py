"""Agents on real stores: the real Claude Agent SDK with its own program, and sessions; every query, and the numbers.

All calls go to the simulator. The environment is one of `scripts/sdk_matrix.py`: the SDK is too large for everybody's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import servers
from agents_numbers import COUNTED, DOLLARS
from panels_in_use import AGENTS, dashboards, filled, panels, targets
from test_live_chain import chosen, without_data

from otel_claude import semconv as c
from otel_claude.export import Options, export
from otel_claude.promql.queries import Queries
from otel_claude.semconv import agents as a
from otel_claude_demo.simulator import Simulator
from otel_claude_demo.workload.agents import AGENTS as SERVICE

pytestmark = [pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SDK = "agent-0.2.187"
SUBSCRIPTION, WATCHER = "subscription-agent", "sessions-watcher"
STORES = ("prometheus", "dots", "victoria-metrics")
KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "CLAUDE"))}
TOKEN_TYPES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")


@dataclass
class Way:
    """A filled store, the dashboards for it, and what the API and the programs themselves said."""

    store: servers.Store
    queries: Queries
    folder: Path
    started: float
    told: dict
    served: Counter

    @property
    def translator(self):
        return self.queries.translator

    @property
    def sessions(self):
        return list(self.told["sessions"].values())

    def panel(self, title, number=0, **variables):
        """What a panel's query gives: its labels' values, in their order, and numbers."""
        (panel,) = [panel for panel in panels(dashboards(self.folder)[AGENTS]) if panel["title"] == title]
        tag = self.translator.bare("claude.tag.feature")
        found = self.store.instant(filled(panel["targets"][number]["expr"], **{"tag": tag, **variables}))
        return {tuple(row["metric"].values()): float(row["value"][1]) for row in found}

    def number(self, title, **variables):
        """The one number of a panel without labels."""
        return self.panel(title, **variables)[()]


@pytest.fixture(scope="module")
def programs():
    """The environment with the Claude Agent SDK. Where it cannot be made: skipped, a failure in CI."""
    sys.path.append(str(ROOT / "scripts"))
    import sdk_matrix  # noqa: PLC0415 - found only with the path above

    sdk_matrix.write_constraints()
    try:
        return sdk_matrix.make(SDK).parent
    except RuntimeError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=STORES)
def way(request, stack, programs, tmp_path_factory):
    """A store, filled by three services."""
    root = tmp_path_factory.mktemp(f"agents-{request.param}")
    config, folder, options = servers.DEPLOY / "prometheus/prometheus.yaml", root / "dashboards", Options()
    if request.param == "dots":
        options = Options("utf8")
        delivered = config.read_text()
        config = root / "prometheus.yaml"
        config.write_text(delivered.replace("otlp:\n", "otlp:\n  translation_strategy: NoUTF8EscapingWithSuffixes\n"))
    if request.param == "victoria-metrics":
        options = Options(store="victoria-metrics")
        opened, path = servers.victoria_metrics(root / "store"), "/opentelemetry/v1/metrics"
    else:
        opened = servers.prometheus(root / "store", config, options=options)
        path = "/api/v1/otlp/v1/metrics"
    export("dashboards", folder, options)
    with opened as store, Simulator() as simulator:
        started = time.time()
        told = fill(programs, root, f"{store.url}{path}", simulator)
        found = Way(store, options.queries, folder, started, told, served(simulator))
        turns, translator = sum(told["turns"].values()) + 2, options.queries.translator
        store.wait_for(f"{found.queries.raw_increase(a.AGENT_RESULTS, '1h')} == {turns}")
        # On a busy machine a sample can come late: then the next correction brings it.
        store.wait_for(f"{found.queries.increase(a.AGENT_RESULTS, '1h')} == {turns}", 90)
        store.wait_for(found.queries.gauge(a.SESSIONS, "10m", (), translator.match("job", "=", WATCHER)))
        yield found


def fill(programs, root, endpoint, simulator):
    """Three services, each in a process of its own, as a user would run them. Gives what the first counted."""

    def service(name, *command):
        environment = KEPT | {
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none",
            "OTEL_SERVICE_NAME": name, "CLAUDE_AGENT_SDK_SKIP_VERSION_CHECK": "1",
        }  # fmt: skip
        whole = [programs / "opentelemetry-instrument", programs / "python", *map(str, command)]
        return subprocess.Popen(whole, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ended(child):
        out, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors[-3000:]
        assert "Failed to export" not in errors, errors[-3000:]
        return out

    (root / "work").mkdir()
    agents = service(
        SERVICE, "-m", "otel_claude_demo.workload", "--service", SERVICE, "--url", simulator.url, "--rounds", "6",
        "--pause", "0.1", "--seed", "7",
    )  # fmt: skip
    subscription = service(SUBSCRIPTION, HERE / "agents_scripted.py", root / "work")
    told = json.loads(ended(agents).splitlines()[-1])
    ended(subscription)
    assert int(ended(service(WATCHER, HERE / "agents_watcher.py", simulator.url))) == len(told["sessions"])
    return told


def served(simulator):
    """Model and class → tokens of all calls, which are the program's."""
    found = Counter()
    for total in simulator.served.totals():
        found.update({(total.model, name): getattr(total, name) for name in TOKEN_TYPES if getattr(total, name)})
    return found


def test_tokens_of_turns_are_what_was_served(way):
    queries = way.queries
    of_service = replace(queries, where=(f'job="{SERVICE}"',))
    rows = way.store.instant(of_service.increase(a.AGENT_TOKENS, "1h", (c.RESPONSE_MODEL, c.TOKEN_TYPE)))
    model, kind = queries.translator.bare(c.RESPONSE_MODEL), queries.translator.bare(c.TOKEN_TYPE)
    found = {(row["metric"][model], row["metric"][kind]): float(row["value"][1]) for row in rows}
    dated = {(model.removesuffix("-20251001"), kind): amount for (model, kind), amount in way.served.items()}
    assert {key: amount for key, amount in found.items() if amount} == dated
    assert {model for model, _ in dated} == {"claude-sonnet-4-6", "claude-haiku-4-5"}


def test_cost_of_turns_is_what_the_program_said(way):
    assert way.told["dollars"] > 0.01
    assert way.number("Reported cost", job=SERVICE) == pytest.approx(way.told["dollars"], abs=1e-9)
    both = way.told["dollars"] + DOLLARS
    assert way.number("Reported cost") == pytest.approx(both, abs=1e-9)
    assert way.panel("Reported cost, by service") == {
        (SERVICE,): pytest.approx(way.told["dollars"], abs=1e-9), (SUBSCRIPTION,): pytest.approx(DOLLARS),
    }  # fmt: skip
    for title in ("Reported cost, by model", "Reported cost, by $tag"):
        assert sum(way.panel(title).values()) == pytest.approx(both, abs=1e-9)
    assert {label for (label,) in way.panel("Reported cost, by $tag")} == {
        "triage",
        "release-notes",
        "without this tag",
    }


def test_turns_by_how_they_ended(way):
    turns = way.told["turns"]
    assert turns == {"": 6, "400": 1}
    assert way.panel("Turns, by how they ended", interval="1h") == {("success",): 8, ("400",): 1}
    assert way.number("Turns") == 9
    assert way.number("Failed turns") == pytest.approx(1 / 9)
    assert way.number("Failed turns", job=SUBSCRIPTION) == 0
    dollars = way.told["dollars"] + DOLLARS
    assert way.number("Cost per turn") == pytest.approx(dollars / 9)


def test_turns_that_are_not_counted(way):
    assert way.panel("Turns not counted, by reason") == {("no_usage",): 1}
    assert way.number("Turns not counted") == pytest.approx(1 / 9)
    assert way.number("Turns not counted", job=SERVICE) == 0


def test_tokens_by_class_with_those_of_an_older_program(way):
    kinds = Counter(COUNTED)
    for (_, kind), amount in way.served.items():
        kinds[kind] += amount
    found = {kind: amount for (kind,), amount in way.panel("Tokens of turns, by type").items() if amount}
    assert found == kinds
    total = sum(amount for kind, amount in kinds.items() if kind != "output")
    assert way.number("Cache hits") == pytest.approx(kinds["cache_read"] / total)


def test_limits_of_the_account(way):
    used = way.panel("Limits of the account")
    assert used == {("unified_5h",): 0.91, ("unified_7d",): 1.0}
    left = way.panel("Limits of the account", 1)
    assert left[("unified_5h",)] == pytest.approx(2 * 3600, abs=120)
    assert left[("unified_7d",)] == pytest.approx(50 * 3600, abs=120)
    changes = way.panel("Limits of the account: what changed", interval="1h")
    assert {frozenset(labels): count for labels, count in changes.items()} == {
        frozenset({"unified_5h", "allowed_warning"}): 1, frozenset({"unified_7d", "rejected"}): 1,
    }  # fmt: skip


def test_sessions_are_what_the_api_said_though_two_services_hear_of_them(way):
    series = way.store.instant(way.queries.by(("job",), way.queries.select(a.SESSIONS)))
    assert {row["metric"]["job"]: float(row["value"][1]) for row in series} == {SERVICE: 4, WATCHER: 4}
    assert len(way.sessions) == way.number("Sessions in use") == 4
    cents = [session["cents"] for session in way.sessions]
    assert way.number("Session list cost") == pytest.approx(sum(cents) / 100)
    assert way.number("Most expensive session") == max(cents) / 100
    shares = [session["cents"] / session["budget"] for session in way.sessions if session["budget"]]
    assert way.number("Highest use of a budget") == pytest.approx(max(shares))
    assert way.panel("Tokens of sessions in use, by type") == {
        (kind,): sum(session[kind] for session in way.sessions) for kind in TOKEN_TYPES if kind != "cache_write_1h"
    }


def test_sessions_by_agent(way):
    by = {}
    for session in way.sessions:
        by.setdefault(session["agent"], []).append(session)
    assert by.keys() == {"Researcher", "Reviewer"}
    costs = {agent: sum(session["cents"] for session in found) / 100 for agent, found in by.items()}
    assert way.panel("Session list cost, by agent") == {(agent,): pytest.approx(cost) for agent, cost in costs.items()}
    tokens = {agent: sum(session[kind] for session in found for kind in TOKEN_TYPES) for agent, found in by.items()}
    models = {"Researcher": "claude-opus-5-5", "Reviewer": "claude-sonnet-5-5"}
    for number, wanted in (
        (0, {agent: len(found) for agent, found in by.items()}),
        (1, costs),
        (2, {agent: costs[agent] / len(found) for agent, found in by.items()}),
        (3, {agent: max(session["cents"] for session in found) / 100 for agent, found in by.items()}),
        (5, tokens),
    ):
        found = way.panel("Sessions, by agent", number)
        assert {frozenset(labels): value for labels, value in found.items()} == {
            frozenset({agent, models[agent]}): pytest.approx(value) for agent, value in wanted.items()
        }, number


def test_none_of_it_is_spend_of_calls(way):
    assert way.store.instant(way.queries.spent("1h")) == []
    assert way.store.instant(way.queries.calls("1h")) == []


def test_names_are_those_of_the_table(way):
    stored = set(way.store.get("label/__name__/values"))
    emitted = {way.translator.series(metric) for metric in (*a.AGENT_METRICS, *a.SESSION_METRICS)}
    beside = (c.RATE_LIMIT_UTILIZATION, c.RATE_LIMIT_RESET, c.TAG_VALUES)
    emitted |= {way.translator.series(metric) for metric in beside}
    assert {name for name in stored if name.startswith(("claude_", "claude.", "gen_ai"))} == emitted


def test_every_panel_has_data(way):
    tag = way.translator.bare("claude.tag.feature")
    empty = without_data(way.store, way.started, targets(way.folder, (AGENTS,)), tag=tag)
    assert [row[1:] for row in empty] == []


def test_every_variable_has_values(way):
    variables = dashboards(way.folder)[AGENTS]["templating"]["list"]
    found = {
        variable["name"]: [
            value for value in chosen(way.store, variable, tag=way.translator.bare("claude.tag.feature"))
            if not value.startswith("$")
        ]
        for variable in variables if variable["type"] == "query" and variable["name"] != "level"
    }  # fmt: skip
    assert found == {
        "job": [SERVICE, WATCHER, SUBSCRIPTION],
        "tag": [way.translator.bare("claude.tag.feature"), "job"],
        "tag_value": ["release-notes", "triage"],
    }


def test_no_server_complains(way):
    assert [line for line in way.store.log.read_text().splitlines() if "error" in line.lower()] == []
