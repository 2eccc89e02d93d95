"""Golden files: one shape of call each, with what the API replies and the whole telemetry that the call leaves behind.

Knows files and JSON. It knows neither the SDK nor us, so that no redesign of either can change what a file means.
"""

import json
from collections import Counter
from difflib import ndiff
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "golden"
FILES = sorted(FOLDER.glob("*.json"))
_WIDTH = 180
_MOST_LINES = 40
"""Of the changed lines, how many the summary of an update shows."""


def load(path: Path) -> dict[str, Any]:
    """A file as it is."""
    return json.loads(path.read_text(encoding="utf-8"))


def exactly(value: Any) -> str:
    """What is compared: 1, 1.0 and true differ."""
    return json.dumps(value)


def render(value: Any, indent: int = 0) -> str:
    """JSON in which what fits on a line stands on one: a point of a metric, an event of a stream."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or (indent and len(line) + indent <= _WIDTH):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        inner = [f"{json.dumps(name, ensure_ascii=False)}: {render(item, indent + 1)}" for name, item in value.items()]
    else:
        inner = [render(item, indent + 1) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(pad + item for item in inner) + f"\n{' ' * indent}{closing}"


class Golden:
    """All files of one run of the tests, and what `--update-golden` changed in them.

    Sync and async, and for all but the spans native and our own tracing, must leave the same behind: with `update`, the
    first that runs writes a part, and the others must agree with it.
    """

    def __init__(self, *, update: bool) -> None:
        self.update = update
        self.before: dict[Path, list[str]] = {}
        self.after: dict[Path, list[str]] = {}
        self._written: set[tuple[Path, str]] = set()

    def check(self, path: Path, case: dict[str, Any], part: str, found: Any) -> None:
        """Compares one part of a file's telemetry, or writes it. `case` is the file as it was loaded."""
        telemetry = case.setdefault("telemetry", {})
        if self.update and (path, part) not in self._written:
            self._written.add((path, part))
            telemetry[part] = found
            case["telemetry"] = dict(sorted(telemetry.items(), key=_place))
            self._write(path, case)
            return
        assert part in telemetry, f"{path.name} has no {part}: write it with --update-golden, and read what it wrote"
        if exactly(found) != exactly(telemetry[part]):
            # As lines, so that what pytest shows is the few that differ.
            assert render(found).splitlines() == render(telemetry[part]).splitlines(), f"{path.name}: {part} changed"

    def _write(self, path: Path, case: dict[str, Any]) -> None:
        old, new = path.read_text(encoding="utf-8"), render(case) + "\n"
        self.before.setdefault(path, old.splitlines())
        self.after[path] = new.splitlines()
        if new != old:
            path.write_text(new, encoding="utf-8")

    def summary(self) -> list[str]:
        """What was rewritten: each file, and each line with the number of files in which it changed."""
        files: list[str] = []
        changed: Counter[str] = Counter()
        for path, before in sorted(self.before.items()):
            differing = [line for line in ndiff(before, self.after[path]) if line[0] in "+-"]
            if differing:
                added = sum(line[0] == "+" for line in differing)
                files.append(f"{path.name}: {added} lines added, {len(differing) - added} removed")
                changed.update(dict.fromkeys((f"{line[0]} {line[1:].strip()}" for line in differing), 1))
        if not files:
            return ["Nothing changed."]
        most = [f"{count:4} files  {line[:_WIDTH]}" for line, count in changed.most_common(_MOST_LINES)]
        return [*files, "", *most, f"{len(changed)} different lines in {len(files)} files."]


_PARTS = ("requests", "warnings", "native", "ours", "metrics")


def _place(item: tuple[str, Any]) -> int:
    return _PARTS.index(item[0])
