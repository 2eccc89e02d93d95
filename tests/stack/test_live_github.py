"""GitHub takes the workflows, as far as can be said without it; their rights are few, and what they run is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import servers
import yaml

ROOT = servers.ROOT
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
RUN = {path.stem: yaml.safe_load(path.read_text())["jobs"] for path in WORKFLOWS}
BIN = Path(sys.executable).parent
PUBLISHES = {("release", "pypi"), ("release", "image"), ("release", "release")}
"""The jobs that may write anything, and run nothing of ours but what `build` made."""


def jobs():
    return [(name, job) for name, each in RUN.items() for job in each]


def steps(path):
    made = yaml.safe_load(path.read_text())
    runs = [made["runs"]] if "runs" in made else made["jobs"].values()
    return [step for run in runs for step in run["steps"]]


def test_the_workflows_are_these():
    assert [path.stem for path in WORKFLOWS] == ["ci", "nightly", "release"]


def test_actionlint_finds_nothing(stack):
    done = subprocess.run([servers.program("actionlint"), *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_actionlint_would_see_a_wrong_name(stack, tmp_path):
    wrong = tmp_path / "ci.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("matrix.python", "matrix.pythons"))
    done = subprocess.run([servers.program("actionlint"), wrong], capture_output=True, text=True, check=False)
    assert (done.returncode, "pythons" in done.stdout) == (1, True)


def test_zizmor_finds_nothing():
    command = [BIN / "zizmor", "--offline", "--no-progress", "--quiet", GITHUB]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_actions_of_others_are_pinned_by_commit_and_say_their_version(path):
    used = re.findall(r"uses: (\S+)(?: # (\S+))?$", path.read_text(), re.MULTILINE)
    assert len(used) == len([step for step in steps(path) if "uses" in step])
    for action, version in used:
        if action.startswith("./"):
            assert (ROOT / action / "action.yml").is_file()
        else:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version), action


def test_an_action_has_one_version():
    used = {action for path in [*WORKFLOWS, *ACTIONS] for action in re.findall(r"uses: ([^.\s]\S+)", path.read_text())}
    names = [action.partition("@")[0] for action in used]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_a_job_has_a_limit_and_only_the_rights_that_it_says(workflow, job):
    made = RUN[workflow][job]
    assert 0 < made["timeout-minutes"] <= 120
    may = {right for right, how in made["permissions"].items() if how == "write"}
    assert bool(may) is ((workflow, job) in PUBLISHES)
    ours = [step["run"] for step in made["steps"] if re.search(r"\b(make|scripts/|\.venv)", step.get("run", ""))]
    assert not (may and ours)


def test_a_workflow_as_a_whole_has_no_rights():
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {}


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_step_runs_is_there(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for step in steps(path):
        command = step.get("run", "")
        assert set(re.findall(r"\bmake ([a-z-]+)", command)) <= targets
        for name in re.findall(r"(?<![\w./-])((?:scripts|deploy|requirements)/[\w./-]+)", command.replace("*.in", "")):
            assert (ROOT / name).exists(), name
        for name in re.findall(r"\.venv/bin/([\w-]+)", command):
            assert (BIN / name).exists(), name


def test_ci_tests_each_python_that_the_package_is_for():
    versions = RUN["ci"]["tests"]["strategy"]["matrix"]["python"]
    assert versions == ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert set(named) <= set(versions)
    for job in ("sdks", "otel"):
        assert RUN["ci"][job]["strategy"]["matrix"]["python"] == [versions[0], versions[-1]]


def test_ci_has_one_result_that_waits_for_all():
    assert set(RUN["ci"]["passed"]["needs"]) == RUN["ci"].keys() - {"passed"}


def test_a_release_publishes_what_was_tested_and_nothing_else():
    made = RUN["release"]
    build = [step["run"] for step in made["build"]["steps"] if "run" in step]
    assert build.index("make test") < build.index("scripts/check-package dist")
    for name in ("pypi", "image", "release"):
        assert "build" in made[name]["needs"]
        taken = [step["with"]["name"] for step in made[name]["steps"] if "download-artifact" in step.get("uses", "")]
        assert "dist" in taken
    assert made["pypi"]["environment"] == "pypi"


def test_dependabot_and_the_owners_name_what_is_there():
    for update in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]:
        for folder in update.get("directories", [update.get("directory")]):
            assert (ROOT / folder.lstrip("/")).is_dir()
    lines = [line.split() for line in (GITHUB / "CODEOWNERS").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0][0] == "*"
    for path, *owners in lines:
        assert owners
        assert path == "*" or (ROOT / path.strip("/")).exists()


@pytest.mark.parametrize("name", ["bug", "wrong_number"])
def test_forms_about_a_fault_ask_for_the_doctor(name):
    form = yaml.safe_load((GITHUB / f"ISSUE_TEMPLATE/{name}.yml").read_text())
    (asked,) = [part for part in form["body"] if part.get("id") == "doctor"]
    assert "`otel-claude doctor --json`" in asked["attributes"]["label"]
    assert asked["validations"] == {"required": True}
    assert asked["attributes"]["render"] == "json"


def test_the_image_has_what_is_pinned_and_a_user_without_rights():
    lines = (ROOT / "deploy/image/Containerfile").read_text().splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    assert bases == {"python:3.13-slim-trixie"}
    assert "--require-hashes -r /requirements/image.txt" in "".join(lines)
    assert lines.index("USER 65534:65534") > max(n for n, line in enumerate(lines) if line.startswith("COPY "))
