"""The benchmarks say what was measured, and whether a goal is met; and the floor does what ours does."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from benchmarks import environments, page
from benchmarks.figures import Figure, added, figure, ratio
from benchmarks.goals import above, above_floor, goals, times
from benchmarks.measures import COUNTS, MEASURES, SCALES
from benchmarks.rounds import Bench, learn, rounds
from benchmarks.table import report, rows
from benchmarks.variants import FLOOR, NATIVE, OURS
from packaging.requirements import Requirement

pytestmark = pytest.mark.benchmarks

ROOT = Path(__file__).parents[2]

MICRO = 1e3
MILLI = 1e6
CALLS = {"bare": 400, "native": 500, "again": 500, "floor": 600, "ours": 690, "official": 690}
"""Microseconds of each call: every goal is met, just."""
STREAMS = CALLS | {"floor": 576}
"""Microseconds of a short stream, as a call."""
EVENTS = {"bare": 14, "native": 15, "again": 15, "floor": 15.5, "ours": 16, "official": 40}


def took_of(measure):
    if MEASURES[measure].per_event:
        return EVENTS
    return STREAMS if measure in ("stream_call", "stream_async_call") else CALLS


def results():
    samples = {measure: {name: [took * MICRO] * 3 for name, took in took_of(measure).items()} for measure in MEASURES}
    fresh = {"import_ns": 12 * MILLI, "instrument_ns": 3 * MILLI, "resident": 2e6, "allocated": 1e6, "modules": 55}
    return {
        "measured": "2026-11-22 18:00 UTC",
        "machine": {
            "processor": "Some Processor", "cores": 2, "memory": "24 GB", "system": "Linux 6", "load": 0.1,
            "python": "CPython 3.11.7",
        },
        "versions": {"anthropic": "2.12.0"},
        "source": "abc",
        "seconds": 480,
        "generations": 6,
        "whole": True,
        "failed": {},
        "samples": samples,
        "fresh": {"ours": {"nothing": {**fresh, "heavy": []}, "opentelemetry": {**fresh, "heavy": []}}},
        "memory": {"native": {"allocated": 30_900, "resident": 33_300}, "ours": {"allocated": 36_100}},
        "scaling": {
            over: {str(count): {"native": [500 * MICRO] * 3, "ours": [560 * MICRO] * 3} for count in COUNTS}
            for over in SCALES
        },
        "floor": {"`set_attributes` of 25": 9 * MICRO},
    }  # fmt: skip


def named(found, text):
    (goal,) = [goal for goal in found if goal.text == text]
    return goal


def changed(path, value):
    told = results()
    place = told
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return told


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([None, None], None),
        ([7.0], Figure(7.0, 7.0, 7.0)),
        ([None, 1.0, 2.0, 3.0, None, 4.0, 5.0], Figure(3.0, 2.0, 4.0)),
        ([1.0, 1.0, 100.0], Figure(1.0, 1.0, 50.5)),
    ],
)
def test_a_figure_is_the_median_and_the_quartiles_of_what_is_known(values, expected):
    assert figure(values) == expected


def test_rounds_are_compared_within_the_round():
    values, base = [10.0, 22.0, None, 4.0, 9.0], [8.0, 20.0, 1.0, None]
    assert added(values, base) == [2.0, 2.0, None, None]
    assert ratio(values, base) == [1.25, 1.1, None, None]
    assert ratio([1.0], [0.0]) == [None]


def test_what_is_added_is_over_native_and_over_the_floor():
    told = results()
    assert above(told, "create", "ours") == Figure(190_000, 190_000, 190_000)
    assert above(told, "create", "bare") == Figure(-100_000, -100_000, -100_000)
    assert times(told, "create", "official") == Figure(1.38, 1.38, 1.38)
    assert above_floor(told, "create") == 1.9
    assert above_floor(told, "stream_call") == 2.5


def test_every_goal_of_the_issue_is_there_and_met_at_its_limit():
    found = goals(results())
    assert [(goal.limit, goal.unit) for goal in found] == [
        *[(1.0, "times"), (1.9, "times")] * 2,
        *[(2.5, "times")] * 2,
        *[(1, "µs")] * 3,
        (15, "ms"),
        (0, "of them"),
        *[(1.25, "times")] * 4,
    ]
    assert [goal.text for goal in found if not goal.met] == []
    assert len({goal.text for goal in found}) == len(found)


OVER = "what a `create` costs at 10,000 {}, over at 1"


@pytest.mark.parametrize(
    ("path", "value", "missed"),
    [
        (
            ("samples", "create", "ours"), [691 * MICRO] * 3,
            {"`create`: what is added, over the floor", "`create`: native + otel-claude over native + official"},
        ),
        (
            ("samples", "create_async", "floor"), [599 * MICRO] * 3,
            {"`create`, async: what is added, over the floor"},
        ),
        (
            ("samples", "create", "official"), [689 * MICRO] * 3,
            {"`create`: native + otel-claude over native + official"},
        ),
        (
            ("samples", "stream_call", "floor"), [575 * MICRO] * 3,
            {"`create(stream=True)` of 10 pieces: what is added, over the floor"},
        ),
        (("samples", "stream", "ours"), [16.1 * MICRO] * 3, {"`create(stream=True)`: added for an event"}),
        (("samples", "stream_async", "ours"), [16.1 * MICRO] * 3, {"`create(stream=True)`, async: added for an event"}),
        (("samples", "helper", "ours"), [16.1 * MICRO] * 3, {"`messages.stream()`: added for an event"}),
        (
            ("fresh", "ours", "opentelemetry", "import_ns"), 12.1 * MILLI,
            {"import and `instrument()`, where `anthropic` is never imported"},
        ),
        (
            ("fresh", "ours", "nothing", "heavy"), ["pydantic"],
            {"of `anthropic`, pydantic and the OpenTelemetry SDK, it imports"},
        ),
        *[
            (("scaling", over, "10000", "ours"), [576 * MICRO] * 3, {OVER.format(title)})
            for over, title in SCALES.items()
        ],
    ],
)  # fmt: skip
def test_a_goal_is_missed_just_above_its_limit(path, value, missed):
    assert {goal.text for goal in goals(changed(path, value)) if goal.met is False} == missed


@pytest.mark.parametrize(
    ("path", "value", "unknown"),
    [
        (("samples", "create"), {}, 2),
        (("samples", "create", "official"), [], 1),
        (("samples", "create", "floor"), [500 * MICRO] * 3, 1),
        (("fresh",), {}, 2),
        (("scaling", "models"), {}, 1),
        (("scaling",), {}, 4),
    ],
)
def test_what_was_not_measured_is_neither_met_nor_missed(path, value, unknown):
    found = goals(changed(path, value))
    assert [goal.met for goal in found].count(None) == unknown
    assert [goal.met for goal in found].count(False) == 0


def test_the_report_has_every_figure():
    said = report(results())
    assert "Some Processor, 2 cores, 24 GB of memory, Linux 6, CPython 3.11.7; load at the start 0.1." in said
    assert "at commit abc, in 8 minutes: 3 rounds, 6 generations of processes." in said
    lines = said.splitlines()
    assert [line.split("|")[2].strip() for line in lines if line.startswith("| native + otel-claude ")] == [
        "690 (1.38)", "+190 (+190 to +190)", "16.0 (1.07)", "+1.00 (+1.00 to +1.00)", "36.1",
    ]  # fmt: skip
    assert [line for line in lines if "over the floor" in line and line.endswith(" met |")]
    assert "Not measured" not in said


def test_the_report_says_what_failed_and_shows_the_rest():
    told = results()
    del told["samples"]["create"]["official"]
    told["failed"]["official"] = "Traceback\n  somewhere\nValueError: this broke\n"
    said = report(told)
    assert said.endswith("### Not measured\n\n- official: ValueError: this broke")
    (line,) = [line for line in said.splitlines() if "native + otel-claude over" in line and "async" not in line]
    assert line.endswith(" not measured |")
    assert "690 (1.38)" in said


def test_without_native_there_are_times_and_nothing_to_compare_them_with():
    told = results()
    for variants in told["samples"].values():
        del variants["native"]
    lines = report(told).splitlines()
    cells = [line.split("|")[2].strip() for line in lines if line.startswith("| native + otel-claude ")]
    assert cells == ["690", "", "16.0", "", "36.1"]


def test_the_report_of_a_part_has_no_goals():
    told = {key: value for key, value in results().items() if key not in ("fresh", "memory", "scaling", "floor")}
    said = report({**told, "whole": False})
    assert "Goals" not in said
    assert "690 (1.38)" in said


def test_columns_stand_under_each_other():
    assert rows(("", "µs"), [("a", "1"), ("long", "1000")]).splitlines() == [
        "|      |   µs |",
        "| ---- | ---: |",
        "| a    |    1 |",
        "| long | 1000 |",
    ]


def test_figures_go_between_the_markers_and_nowhere_else():
    written = f"before\n{page.BEGIN}\n\nold\n\n{page.END}\nafter\n"
    assert page.inserted(written, "new") == written.replace("old", "new")


@pytest.mark.parametrize(
    "text", ["", page.BEGIN, page.END, f"{page.END}{page.BEGIN}", f"{page.BEGIN}{page.END}{page.BEGIN}{page.END}"]
)
def test_a_page_without_each_marker_once_is_refused(text):
    with pytest.raises(ValueError, match="each marker once"):
        page.inserted(text, "new")


def test_the_page_has_the_markers():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.PAGE == ROOT / "docs" / "performance.md"
    assert page.inserted(text, "new") != text


def test_quick_figures_are_not_written_into_the_page():
    before = page.PAGE.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="quick"):
        page.write({**results(), "whole": False})
    assert page.PAGE.read_text(encoding="utf-8") == before


@pytest.fixture
def bench():
    """Of this very environment, in place of those that `make bench` makes."""
    return Bench(ROOT, {"ours": Path(sys.executable)}, {})


@pytest.mark.heavy
def test_the_floor_makes_what_ours_makes(bench):
    learnt = learn(bench)
    assert bench.failed == {}
    with bench.start(FLOOR) as floor:
        floor.ask("floor", work=learnt)
        for kind, run, records in (("message", "create", 4), ("message_delta", "stream", 5)):
            told, work = floor.ask("tells", run=run), learnt[kind]
            assert told["attributes"].items() >= work["attributes"].items()
            assert {"gen_ai.usage.cost.amount", "claude.rate_limit.tokens.remaining"} <= work["attributes"].keys()
            assert [(name, unit, bounds, labels) for name, unit, bounds, _, labels in told["records"]] == [
                (name, unit, bounds, labels) for name, unit, bounds, _, labels in work["records"]
            ]
            assert len(told["records"]) == records


def test_a_variant_that_fails_is_told_and_the_others_are_measured(bench):
    learnt = {"message": {"attributes": {}, "records": [["nonsense"]]}}
    names = [NATIVE.name, FLOOR.name, OURS.name]
    found = rounds(bench, names, ["create"], learnt, seconds=0, generations=1)
    assert list(found) == ["create"]
    assert {name: len(values) for name, values in found["create"].items()} == {"native": 1, "ours": 1}
    assert all(took > 0 for values in found["create"].values() for took in values)
    assert set(bench.failed) == {FLOOR.name}
    assert "floor: " in bench.failed[FLOOR.name]


def test_without_any_variant_left_nothing_is_measured_and_nothing_hangs(bench):
    bench.failed["native"] = "its environment cannot be made"
    assert rounds(bench, ["native"], ["create"], None, seconds=60, generations=3) == {}
    assert report({**results(), "samples": {}, "failed": bench.failed}).endswith("its environment cannot be made")


def test_a_worker_that_ends_is_told_once(bench):
    gone = bench._replace(pythons={"ours": Path(shutil.which("false"))})
    with gone.start(OURS) as worker:
        assert gone.ask("ours", worker, "tells", run="create") is None
        assert gone.failed == {"ours": "tells: it ended with 1: "}
        assert gone.ask("ours", worker, "measure") is None
    assert gone.failed == {"ours": "tells: it ended with 1: "}


def test_what_constrains_an_environment_is_versions_alone(tmp_path, monkeypatch):
    """uv refuses a constraint with hashes, and all variants failed when requirements/dev.txt had them."""
    ran = []
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    monkeypatch.setattr(environments, "_CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(environments, "_run", lambda *command: ran.append(command))
    (tmp_path / "environments" / "ours").mkdir(parents=True)
    environments.make("ours")
    constraints = [Requirement(line) for line in (tmp_path / "constraints.txt").read_text().splitlines()]
    assert {"opentelemetry-sdk", "pydantic", "httpx2"} <= {pin.name for pin in constraints}
    assert "anthropic" not in {pin.name for pin in constraints}
    assert all(str(pin.specifier).startswith("==") for pin in constraints)
    assert ran[1][ran[1].index("--constraint") + 1] == tmp_path / "constraints.txt"
