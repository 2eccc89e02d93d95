"""`--update-golden` writes what was found, says what it changed, and does not write what two runs disagree about."""

import json

import pytest
from support.golden_case import Golden, load, render

CASE = {"about": "A call.", "action": "create", "request": {}, "replies": []}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "case.json"
    path.write_text(render(CASE) + "\n")
    return path


def check(golden, path, part, found):
    golden.check(path, load(path), part, found)


def test_what_was_found_is_written_in_one_order(path):
    golden = Golden(update=True)
    check(golden, path, "metrics", {"a": 1})
    check(golden, path, "requests", 1)
    assert load(path) == {**CASE, "telemetry": {"requests": 1, "metrics": {"a": 1}}}
    assert list(load(path)["telemetry"]) == ["requests", "metrics"]
    assert golden.summary()[0] == "case.json: 2 lines added, 1 removed"


def test_what_is_written_is_what_the_next_run_accepts(path):
    check(Golden(update=True), path, "metrics", {"a": 1.0})
    check(Golden(update=False), path, "metrics", {"a": 1.0})


@pytest.mark.parametrize("other", [1, True, 1.5, "1.0", None])
def test_another_value_or_type_is_refused(path, other):
    check(Golden(update=True), path, "metrics", {"a": 1.0})
    with pytest.raises(AssertionError, match=r"case\.json: metrics changed"):
        check(Golden(update=False), path, "metrics", {"a": other})


def test_what_a_second_run_finds_otherwise_is_not_written(path):
    golden = Golden(update=True)
    check(golden, path, "metrics", {"a": 1})
    with pytest.raises(AssertionError, match=r"case\.json: metrics changed"):
        check(golden, path, "metrics", {"a": 2})
    assert load(path)["telemetry"]["metrics"] == {"a": 1}


def test_without_the_option_nothing_is_written(path):
    before = path.read_text()
    golden = Golden(update=False)
    with pytest.raises(AssertionError, match=r"case\.json has no metrics: write it with --update-golden"):
        check(golden, path, "metrics", {"a": 1})
    assert path.read_text() == before
    assert golden.summary() == ["Nothing changed."]


def test_the_summary_names_a_changed_line_once_with_its_files(tmp_path):
    golden = Golden(update=True)
    for name in ("one", "two"):
        path = tmp_path / f"{name}.json"
        path.write_text(render({**CASE, "telemetry": {"metrics": {"old": 1}}}) + "\n")
        check(golden, path, "metrics", {"new": 1})
    assert golden.summary() == [
        "one.json: 1 lines added, 1 removed",
        "two.json: 1 lines added, 1 removed",
        "",
        '   2 files  - "telemetry": {"metrics": {"old": 1}}',
        '   2 files  + "telemetry": {"metrics": {"new": 1}}',
        "2 different lines in 2 files.",
    ]


@pytest.mark.parametrize(
    "value", [{}, [], {"a": []}, {"a": {"b": ["x" * 200, 1, 1.0, None, True, "é"]}}, [{"a": 1}] * 90]
)
def test_what_is_rendered_is_the_same_json(value):
    assert json.loads(render(value)) == value
