"""`otel-claude run`: a program under auto-instrumentation, with the summary at its end. Replaces itself by the program.

Sets the environment that `opentelemetry-instrument` would, and the exporters; then there is nothing between the
program and its exit code, signals, input and output. Only Python programs are measured, and what they start.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, NoReturn
from zipimport import zipimporter

from ..summary import JSON, PROCESS_GROUP
from .arguments import Argument, Option
from .output import fail, say

EXPORTER: Final = "claude_summary"
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126
_SAMPLING_MILLISECONDS: Final = "10000"
"""How often rate limits are looked at, if nobody else is there who pays for each look."""
_STARTUP: Final = Path(__file__).absolute().parents[1] / "_startup"
"""A folder with the `sitecustomize` that starts OpenTelemetry."""
_PROBE: Final = "import sys; sys.path.insert(0, sys.argv[1]); from otel_claude_needs import missing; print(*missing())"


def command(
    program: Annotated[list[str], Argument(metavar="PROGRAM", help="The program and its arguments.")],
    json_file: Annotated[
        Path | None, Option("--json", metavar="FILE", help="Also write the summary to FILE, as JSON.")
    ] = None,
) -> None:
    """Run a program, and print what its calls to Claude cost when it ends.

    Works with any Python program: `otel-claude run python app.py`, `otel-claude run gunicorn app:app`. The summary goes
    to stderr; the exit code, signals, input and output are the program's own. Exporters that you configured with
    OTEL_* variables go on as usual.

    There is one summary, also of a program with worker processes. A process that is killed (SIGKILL) or leaves by
    os._exit is not in it, nor is a Python that ignores its environment (python -I).

    Exit code: the program's; 126 if it cannot be executed, 127 if there is none, 2 for bad usage.
    """
    if find_spec("opentelemetry.sdk") is None or not entry_points(group="opentelemetry_configurator"):
        fail("`otel-claude run` needs OpenTelemetry's SDK and distribution: pip install 'otel-claude[otlp]'")
    if json_file is not None:
        _check_writable(json_file)
    path = _find(program[0])
    for warning in warnings_of(os.environ):
        say(warning)
    environment = environment_for(os.environ, str(_STARTUP), json_file)
    if absent := _missing(path, environment):
        python = interpreter_of(path)
        say(
            f"{python} does not have {', '.join(absent)}, so nothing will be measured. Install it there: "
            f"{python} -m pip install 'otel-claude[otlp]', or use {sys.executable}."
        )
        # As if we were not there: what is set for the summary would fail there.
        environment = dict(os.environ)
    _become(path, program, environment)


def environment_for(given: Mapping[str, str], startup_folder: str, json_file: Path | None = None) -> dict[str, str]:
    """The environment of the program: auto-instrumentation, and our exporter before the user's own."""
    made = dict(given)
    # Python runs the `sitecustomize` of the first folder that has one, in this process and in those it starts.
    paths = [path for path in made.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", startup_folder)]
    # From an archive this package is on the path of nobody else.
    loader = __spec__.loader if __spec__ is not None else None
    if isinstance(loader, zipimporter) and (archive := str(Path(loader.archive).absolute())) not in paths:
        paths.append(archive)
    made["PYTHONPATH"] = os.pathsep.join([startup_folder, *paths])
    for name in ("TRACES", "METRICS", "LOGS"):
        variable = f"OTEL_{name}_EXPORTER"
        if not made.get(variable, "").strip():
            # Without an endpoint the distribution would look for a collector here, and log that there is none.
            endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT")
            made[variable] = "otlp" if any(made.get(each, "").strip() for each in endpoints) else "none"
    exporters = _names(made["OTEL_METRICS_EXPORTER"])
    others = [name for name in exporters if name not in (EXPORTER, "none")]
    made["OTEL_METRICS_EXPORTER"] = ",".join([EXPORTER, *others])
    if not others:
        made.setdefault("OTEL_METRIC_EXPORT_INTERVAL", _SAMPLING_MILLISECONDS)
    # A program that runs another one this way is not in its process group.
    made.pop(PROCESS_GROUP, None)
    if json_file is not None:
        # The program may change its folder.
        made[JSON] = str(json_file.absolute())
    return made


def warnings_of(given: Mapping[str, str]) -> list[str]:
    """What in the environment keeps the program from being measured."""
    found: list[str] = []
    if given.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        found.append("OTEL_SDK_DISABLED is true, so nothing is measured. Unset it: `unset OTEL_SDK_DISABLED`.")
    if {"otel_claude", "*"} & set(_names(given.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", ""))):
        found.append("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names otel_claude (or *), so nothing is measured.")
    if given.get("OTEL_CONFIG_FILE", "").strip():
        found.append(
            "OTEL_CONFIG_FILE is set, and OpenTelemetry then takes its exporters from that file alone: no summary "
            "will be printed. Unset it: `unset OTEL_CONFIG_FILE`."
        )
    return found


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _check_writable(file: Path) -> None:
    """A program may run for hours: what cannot be written should show before."""
    folder = file.absolute().parent
    if not folder.is_dir():
        fail(f"--json {file}: there is no folder {folder}")
    if file.is_dir() or not os.access(folder, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        fail(f"--json {file}: cannot be written")
    if file.exists() and not file.is_file():
        # Putting a file in the place of a pipe or a device would destroy it.
        fail(f"--json {file}: is no regular file")


def _find(name: str) -> str:
    if path := shutil.which(name):
        return path
    file = Path(name)
    if file.suffix == ".py" and file.is_file():
        return fail(f"{name} is not executable. Did you mean: otel-claude run python {name}", _NOT_EXECUTABLE)
    if os.sep in name and file.exists():
        return fail(f"{name}: is not an executable file", _NOT_EXECUTABLE)
    return fail(f"{name}: command not found", _NOT_FOUND)


def _missing(path: str, environment: Mapping[str, str]) -> list[str]:
    """What the Python of a program needs to be measured and does not have: often it is not the one that runs this."""
    interpreter = interpreter_of(path)
    if interpreter is None or Path(interpreter).parent == Path(sys.executable).parent:
        return []
    probed = {**environment, "PYTHONPATH": environment["PYTHONPATH"].partition(os.pathsep)[2]}
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the user is about to run
            [interpreter, "-c", _PROBE, str(_STARTUP)],
            check=False, capture_output=True, timeout=10, env=probed, text=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return ["otel-claude"] if done.returncode else done.stdout.split()


def interpreter_of(path: str) -> str | None:
    """The Python that a program is, or that its first line names. None if it is neither."""
    if re.fullmatch(r"python[\d.]*", Path(path).name):
        return path
    try:
        # A pipe would be waited for, and what is in it is the program's.
        with Path(path if Path(path).is_file() else os.devnull).open("rb") as file:
            first = file.readline(256)
    except OSError:
        return None
    words = first[2:].decode(errors="replace").split() if first.startswith(b"#!") else []
    if words and Path(words[0]).name == "env":
        words = [shutil.which(word) or "" for word in words[1:2]]
    return words[0] if words and re.fullmatch(r"python[\d.]*", Path(words[0]).name) else None


def _become(path: str, program: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            # Python ignores these, and a program would inherit that.
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(path, list(program), dict(environment))  # noqa: S606 - what the user asked for
    except OSError as error:
        fail(f"{program[0]}: {error.strerror}", _NOT_EXECUTABLE)
