"""Asks worker processes questions, and gives up on those that do not answer; and how a worker answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
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

    def __init__(self, variant: str, python: Path, project: Path, module: str = "benchmarks.worker") -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [python, "-m", module, variant],
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


def answer_questions(make: Callable[[str], Any]) -> None:
    """Answers until there are no more questions, by what `make` makes of the name of a variant."""
    # What libraries print must not come between answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker: Any = None
    for line in sys.stdin:
        try:
            worker = worker or make(sys.argv[1])
            asked = json.loads(line)
            answer = getattr(worker, asked.pop("do"))(**asked)
        except Exception:  # noqa: BLE001 - whatever a variant does is its own, and is told
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=out, flush=True)
