"""Asks worker processes questions, and gives up on those that do not answer."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .environments import ROOT, environment
from .variants import WITHOUT_CONTENT

if TYPE_CHECKING:
    from typing_extensions import Self  # part of typing from Python 3.11 on

_PATIENCE = 300.0
"""Seconds that one answer may take. The longest, ten thousand calls, takes ten on an idle machine."""


class NoAnswerError(Exception):
    """A worker ended, or failed, or took too long; the message says what it wrote."""


class Asked:
    """One worker process."""

    def __init__(self, variant: str, python: Path, project: Path) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", variant],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**environment(project), **WITHOUT_CONTENT},
        )

    def ask(self, do: str, **question: Any) -> dict[str, Any]:
        """Its answer.

        Raises:
            NoAnswerError: There is none.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        impatient = Timer(_PATIENCE, self._process.kill)
        impatient.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **question}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            impatient.cancel()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise NoAnswerError(f"it ended with {self._process.returncode}: {self._errors.read()[-2000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise NoAnswerError(answer["error"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            # What could not be written to a process that has ended cannot be written now either.
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
