"""Runs the anthropic SDK's own test suite bare and with our instrumentation on, and compares test by test.

    python scripts/transparency.py [--core] [--version VERSION] [--fresh]

The suite is that of the SDK's source distribution, which pip downloads; each version has its environment, kept with the
bare results under .cache/transparency. Development tools have the versions of requirements/dev.txt. Three runs:

- `bare`: as the SDK's developers run it.
- `auto`: all of it, with real providers and our instrumentation; of spans, the suite sees what is not ours.
- `off`: the tests of the SDK's own spans again, with `OTEL_CLAUDE_SPANS=off`; nothing is hidden from the suite.

A test whose outcome differs is run once more both ways, alone: it may be flaky. If it still differs, it is run with
providers but without our instrumentation, and with our instrumentation but without a tracer provider. If the first
differs in the same way and the second does not differ, the SDK's own spans do it, and not we. What is left fails,
unless
it is in `EXPLAINED`. So does any failure of ours that was contained, whether or not a test noticed it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from environments import pins

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".cache" / "transparency"
UV: Final = ROOT / ".venv" / "bin" / "uv"
PLUGIN: Final = "transparency_plugin"
NEWEST: Final = "2.12.0"
VERSIONS: Final = (NEWEST, "1.17.0", "0.125.0", "0.75.0")

TOOLS: Final = (
    "respx", "pytest", "pytest-asyncio", "pytest-xdist", "pytest-timeout", "time-machine", "dirty-equals",
    "importlib-metadata", "rich", "hypothesis", "inline-snapshot", "griffe", "http-snapshot[httpx]==0.1.9", "packaging",
    "opentelemetry-sdk",
)  # fmt: skip
"""The SDK's development dependencies that its tests import."""
EXTRAS: Final = {"0.75.0": "aiohttp,bedrock,vertex"}
ALL_EXTRAS: Final = "aiohttp,aws,bedrock,vertex,google-cloud,mcp,webhooks"
NOT_RUN: Final = (
    "tests/api_resources",  # needs a mock server of the API's description
    "tests/test_detect_breaking_changes.py",  # compares with the SDK's git history
)
CORE: Final = (
    "tests/test_client.py", "tests/test_streaming.py", "tests/test_response.py", "tests/test_middleware.py",
    "tests/test_tracing.py", "tests/test_open_telemetry.py", "tests/test_exceptions.py",
    "tests/test_header_case_sensitivity.py", "tests/lib/streaming", "tests/lib/_parse", "tests/lib/test_aws.py",
    "tests/lib/test_azure.py", "tests/lib/test_bedrock.py", "tests/lib/test_bedrock_mantle.py",
    "tests/lib/test_google_cloud.py", "tests/lib/test_vertex.py", "tests/lib/test_platform_resources.py",
    "tests/lib/test_refusal_fallback.py", "tests/lib/test_refusal_fallback_streaming.py",
)  # fmt: skip
"""Of the newest SDK: all that exercises what we patch."""
SPAN_TESTS: Final = ("tests/test_open_telemetry.py", "tests/test_tracing.py", "tests/lib/tools/test_open_telemetry.py")
MOST_RERUN: Final = 150
"""More tests than these do not differ by chance."""


class Explained(NamedTuple):
    """A test that must differ: a part of its name, in which modes, and why."""

    test: str
    modes: tuple[str, ...]
    reason: str


EXPLAINED: Final = (
    Explained(
        "::test_disabled_spans_call_nothing_of_opentelemetry[",
        ("auto", "off"),
        "It makes the functions of OpenTelemetry raise and asserts that the SDK calls none. We do call them. The calls "
        "still succeed: their failures are contained, and are not counted here.",
    ),
    Explained(
        "::test_false_keeps_a_span_that_the_sampler_dropped_current_for_the_requests[",
        ("auto",),
        "It asserts that no span is current in a call of a client whose own provider makes none. Then we open one.",
    ),
)
"""What differs because of a real provider alone needs no reason here: that is found out."""


class Result(NamedTuple):
    """What one run of the suite gave."""

    outcomes: dict[str, str]
    failures: list[dict[str, str]]
    totals: dict[str, int]
    seconds: float

    def passed(self) -> int:
        """How many tests passed."""
        return sum(told == "passed" for told in self.outcomes.values())


class Difference(NamedTuple):
    """A test whose outcome is not the bare one, and why that is right; without a reason it is not."""

    test: str
    bare: str
    ours: str
    reason: str | None


class Comparison(NamedTuple):
    """One version in one mode."""

    version: str
    mode: str
    bare: Result
    ours: Result
    differences: list[Difference]

    @property
    def wrong(self) -> int:
        """How many differences and contained failures nothing explains."""
        return sum(difference.reason is None for difference in self.differences) + len(self.ours.failures)


class Suite:
    """The test suite of one version of the SDK, and an environment for it."""

    def __init__(self, version: str, code: Path, *, core: bool) -> None:
        self.version = version
        self.code = code
        self.core = core
        self.home = CACHE / version
        self.source = self.home / f"anthropic-{version}"
        self.python = self.home / "venv" / "bin" / "python"

    def make(self) -> None:
        """Downloads and installs what is not there yet."""
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.source.exists():
            self._download()
        wanted = self._requirements()
        constraints = _constraints()
        stamp = self.home / "made-of.txt"
        made_of = hashlib.sha256("\n".join([*wanted, constraints]).encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == made_of:
            return
        stamp.unlink(missing_ok=True)
        shutil.rmtree(self.home / "venv", ignore_errors=True)
        for old in self.home.glob("bare-*.json"):
            old.unlink()
        (self.home / "constraints.txt").write_text(constraints)
        _call([UV, "venv", "--quiet", "--python", sys.executable, self.home / "venv"], cwd=self.home)
        install = [UV, "pip", "install", "--quiet", "--python", self.python, *wanted]
        _call([*install, "--constraint", self.home / "constraints.txt"], cwd=self.home)
        stamp.write_text(made_of)

    def _download(self) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "anthropic"]
        _call([*pip, "--dest", self.home, f"anthropic=={self.version}"], cwd=self.home)
        with tarfile.open(self.home / f"anthropic-{self.version}.tar.gz") as archive:
            archive.extractall(self.home, filter="data")

    def _requirements(self) -> list[str]:
        extras = EXTRAS.get(self.version, ALL_EXTRAS)
        wanted = ["--editable", str(ROOT), f"anthropic[{extras}]=={self.version}", *TOOLS]
        return [*wanted, "httpx2"] if int(self.version.partition(".")[0]) else wanted

    def bare(self, *, fresh: bool) -> Result:
        """The suite as it is. Kept: neither it nor its environment changes."""
        kept = self.home / f"bare-{'core' if self.core else 'all'}.json"
        if fresh or not kept.exists():
            kept.write_text(json.dumps(self.run("bare", self._selected())))
        return Result(*json.loads(kept.read_text()))

    def ours(self, mode: str) -> Result:
        """The suite with our instrumentation."""
        return self.run(mode, self._selected() if mode == "auto" else self._span_tests())

    @property
    def modes(self) -> tuple[str, ...]:
        """`off` only where the SDK has spans of its own."""
        return ("auto", "off") if self._span_tests() else ("auto",)

    def _selected(self) -> list[str]:
        return list(CORE) if self.core else [f"--ignore={path}" for path in NOT_RUN]

    def _span_tests(self) -> list[str]:
        offered = [path for path in SPAN_TESTS if not self.core or path in CORE]
        return [path for path in offered if (self.source / path).exists()]

    def run(self, mode: str, selected: list[str], workers: int = 2) -> Result:
        """Runs tests in a mode."""
        out = self.home / "out" / mode
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        command = [self.python, "-m", "pytest", "-q", "-n", str(workers), "-p", PLUGIN, "-p", "no:cacheprovider"]
        command += ["--timeout", "300", *selected]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=self.source, env=self._environment(mode, out), check=False, capture_output=True, text=True
        )
        (out / "output.txt").write_text(done.stdout + done.stderr)
        if not (out / "outcomes.json").exists():
            raise SystemExit(f"the suite of anthropic {self.version} did not run ({mode}):\n{done.stdout}{done.stderr}")
        outcomes = json.loads((out / "outcomes.json").read_text())
        return Result(outcomes, _failures(out), _totals(out), time.monotonic() - began)

    def _environment(self, mode: str, out: Path) -> dict[str, str]:
        ours = {"OTEL_CLAUDE_TRANSPARENCY_MODE": mode, "OTEL_CLAUDE_TRANSPARENCY_OUT": str(out)}
        return {**_clean(), **ours, "PYTHONPATH": str(self.code)}


def _snapshot(into: Path) -> None:
    """Copies our package and the plugin, so that all runs are of the same code while somebody edits it."""
    shutil.copytree(ROOT / "src", into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "scripts" / f"{PLUGIN}.py", into)


def _constraints() -> str:
    return "\n".join(pin for pin in pins() if not pin.startswith("anthropic==")) + "\n"


def _call(command: list[Any], cwd: Path) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, env=_clean())
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:4]))} … failed:\n{done.stdout}{done.stderr}")


def _clean() -> dict[str, str]:
    """The environment without what would configure the SDK, OpenTelemetry or pytest, or name another environment."""
    ours = ("ANTHROPIC_", "OTEL_", "AWS_", "GOOGLE_", "PYTEST_", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _failures(out: Path) -> list[dict[str, str]]:
    written = out / "failures.jsonl"
    return [json.loads(line) for line in written.read_text().splitlines()] if written.exists() else []


def _totals(out: Path) -> dict[str, int]:
    totals: dict[str, int] = {}
    for path in out.glob("totals-*.json"):
        for name, value in json.loads(path.read_text()).items():
            totals[name] = totals.get(name, 0) + value
    return totals


def compare(suite: Suite, mode: str, bare: Result) -> Comparison:
    """Runs the suite in a mode, and looks at each test whose outcome is not the bare one."""
    ours = suite.ours(mode)
    expected = bare.outcomes if mode == "auto" else _within(bare.outcomes, SPAN_TESTS)
    differing = _differing(expected, ours.outcomes)
    reasons = dict.fromkeys(differing) if len(differing) > MOST_RERUN else _reasons(suite, mode, differing)
    differences = [
        Difference(test, expected.get(test, "not there"), ours.outcomes.get(test, "not there"), reasons[test])
        for test in differing
    ]
    unexcused = [failure for failure in ours.failures if not _explanation(mode, failure["test"])]
    return Comparison(
        suite.version, mode, bare._replace(outcomes=expected), ours._replace(failures=unexcused), differences
    )


def _within(outcomes: dict[str, str], paths: tuple[str, ...]) -> dict[str, str]:
    return {test: told for test, told in outcomes.items() if test.partition("::")[0] in paths}


def _differing(some: dict[str, str], others: dict[str, str]) -> list[str]:
    return sorted(test for test in some.keys() | others.keys() if some.get(test) != others.get(test))


def _reasons(suite: Suite, mode: str, tests: list[str]) -> dict[str, str | None]:
    reasons = {test: _explanation(mode, test) for test in tests}
    left = [test for test, reason in reasons.items() if reason is None]
    if not left:
        return reasons
    again = {each: suite.run(each, left, workers=0).outcomes for each in ("bare", mode)}
    differing = _differing(again["bare"], again[mode])
    reasons.update((test, "flaky: alone, it is the same both ways") for test in left if test not in differing)
    if differing:
        controls = {each: suite.run(each, differing, workers=0).outcomes for each in ("providers", "metrics")}
        for test in differing:
            by_sdk = controls["providers"].get(test) == again[mode].get(test)
            if by_sdk and controls["metrics"].get(test) == again["bare"].get(test):
                reasons[test] = "the SDK's own: a provider alone does it, and ours without a tracer provider does not"
    return reasons


def _explanation(mode: str, test: str) -> str | None:
    return next((each.reason for each in EXPLAINED if mode in each.modes and each.test in test), None)


def unneeded(told: Comparison) -> set[str]:
    """What `EXPLAINED` has of tests that are the same in this comparison."""
    named = {each.test for each in EXPLAINED if told.mode in each.modes}
    there = {part for part in named if any(part in test for test in told.ours.outcomes)}
    return there - {part for part in named if any(part in each.test for each in told.differences)}


def show(comparisons: list[Comparison]) -> None:
    """Prints the table."""
    heads = ("anthropic", "spans", "bare passed", "ours passed", "of", "differ", "unexplained", "contained", "calls")
    print("\n" + "  ".join(heads))
    for told in comparisons:
        unexplained = sum(each.reason is None for each in told.differences)
        cells = (
            told.version, told.mode, told.bare.passed(), told.ours.passed(), len(told.ours.outcomes),
            len(told.differences), unexplained, len(told.ours.failures), told.ours.totals.get("calls", 0),
        )  # fmt: skip
        print("  ".join(str(cell).rjust(len(head)) for cell, head in zip(cells, heads, strict=True)))


def show_differences(told: Comparison) -> None:
    """Prints the tests that differ, by their reason."""
    state = f"{told.ours.passed()} of {len(told.ours.outcomes)} in {told.ours.seconds:.0f}s {told.ours.totals}"
    print(f"anthropic {told.version}, spans {told.mode}: {state}")
    reasons: dict[str, list[Difference]] = {}
    for each in told.differences:
        reasons.setdefault(each.reason or "UNEXPLAINED", []).append(each)
    for reason, differences in reasons.items():
        print(f"  {len(differences)} differ: {reason}")
        for each in differences:
            print(f"    {each.test}: bare {each.bare}, ours {each.ours}")
    show_failures(told)
    sys.stdout.flush()


def show_failures(told: Comparison) -> None:
    """Prints the contained failures: each kind once, with the tests in which it came."""
    kinds: dict[tuple[str, str], list[dict[str, str]]] = {}
    for failure in told.ours.failures:
        kinds.setdefault((failure["hop"], failure["traceback"].strip().rpartition("\n")[2]), []).append(failure)
    for (hop, _), failures in kinds.items():
        print(f"\n{told.version} {told.mode}: OUR CODE FAILED {len(failures)} times while it {hop}:")
        print(failures[0]["traceback"] + "in", "\n   ".join(sorted({failure["test"] for failure in failures})))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="The SDK's own test suite, bare and with our instrumentation on.")
    parser.add_argument("--core", action="store_true", help="only what exercises our patches, of the newest SDK")
    parser.add_argument("--version", action="append", help="this version of the SDK; may be given again")
    parser.add_argument("--fresh", action="store_true", help="run the bare suite although its result is known")
    return parser.parse_args()


def main() -> int:
    """Compares every version in every mode."""
    asked = arguments()
    versions = asked.version or ([NEWEST] if asked.core else VERSIONS)
    with tempfile.TemporaryDirectory() as code:
        _snapshot(Path(code))
        suites = [Suite(version, Path(code), core=asked.core) for version in versions]
        return verdict([told for suite in suites for told in compare_all(suite, fresh=asked.fresh)])


def compare_all(suite: Suite, *, fresh: bool) -> list[Comparison]:
    """Compares one version in every mode."""
    suite.make()
    bare = suite.bare(fresh=fresh)
    print(
        f"\nanthropic {suite.version}, bare: {bare.passed()} of {len(bare.outcomes)} in {bare.seconds:.0f}s", flush=True
    )
    comparisons: list[Comparison] = []
    for mode in suite.modes:
        comparisons.append(compare(suite, mode, bare))
        show_differences(comparisons[-1])
    return comparisons


def verdict(comparisons: list[Comparison]) -> int:
    """Prints what came of it all. 1 if something is wrong."""
    show(comparisons)
    wrong = sum(told.wrong for told in comparisons)
    for told in comparisons:
        if not told.ours.totals.get("calls"):
            wrong += 1
            print(f"anthropic {told.version}, spans {told.mode}: no call was measured, so this proves nothing")
    for needless in sorted({test for told in comparisons for test in unneeded(told)}):
        print(f"EXPLAINED names {needless}, which does not differ: take it out")
    print(f"\n{sum(told.ours.passed() for told in comparisons)} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
