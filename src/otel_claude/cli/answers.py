"""Answers: reads stored answers of the API, in whatever form they were stored. Knows no prices and no terminal.

A message's JSON, a JSON list or JSON lines of messages, the results of a batch, a stored SSE stream, or its events as
JSON lines. Which of them it is, is seen from the text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ..api.json import Json, as_object
from ..api.response import Response, merge_message_delta, parse_message, parse_message_start

_IGNORED: Final = ("ping", "content_block_start", "content_block_delta", "content_block_stop")
_UNBILLED: Final = ("errored", "canceled", "expired")
"""Results of a batch that cost nothing (batch page of the API's documentation)."""


class BadInputError(Exception):
    """What was given is nothing that can be priced. The text says why, and where."""


class Stored(NamedTuple):
    """What was found: the answers that may cost something, and how many there were that cost nothing, by why."""

    form: str
    answers: list[Response]
    free: dict[str, int]


def read(text: str) -> Stored:
    """The answers in a text."""
    if not text.strip():
        raise BadInputError("it is empty")
    form, documents = _documents(text)
    fold = _Fold()
    for place, document in documents:
        fold.take(document, place)
    if not fold.answers and not fold.free:
        raise BadInputError(f"it is {form}, but there is no message in it")
    return Stored(form, fold.answers, fold.free)


_Places = Iterator[tuple[str, Any]]


def _documents(text: str) -> tuple[str, _Places]:
    try:
        whole = json.loads(text)
    except ValueError as error:
        lines = [line for line in _split(text) if line.strip()]
        if any(line.startswith(("data:", "event:")) for line in lines):
            return "an event stream", _events(text)
        if len(lines) > 1 and lines[0].lstrip().startswith("{") and _is_json(lines[0]):
            numbered = enumerate(_split(text), 1)
            return "JSON lines", (_decoded(line, f"line {number}") for number, line in numbered if line.strip())
        raise BadInputError(f"it is neither JSON, nor JSON lines, nor an event stream: {error}") from None
    except RecursionError:
        raise BadInputError("its JSON is nested too deeply") from None
    if isinstance(whole, list):
        return "a JSON list", ((f"item {number}", item) for number, item in enumerate(whole, 1))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return "JSON", iter([("it", whole)])


def _split(text: str) -> list[str]:
    """Lines that line feeds end: `splitlines` would also split at U+2028 and others, which JSON strings may contain."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _events(text: str) -> _Places:
    """The data of a stream's events. An event ends at an empty line, and can have several lines of data."""
    data: list[str] = []
    lines = [*_split(text), ""]
    for number, line in enumerate(lines, 1):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            # A stream that was cut in the middle of an event ends with half of one.
            if number == len(lines) and not _is_json("\n".join(data)):
                return
            yield _decoded("\n".join(data), f"the event that ends at line {number}")
            data = []


def _decoded(text: str, place: str) -> tuple[str, Any]:
    try:
        return place, json.loads(text)
    except ValueError as error:
        raise BadInputError(f"{place} is not JSON: {error}") from None


class _Fold:
    """Takes documents one by one. Events belong to the message that started last."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.free: Counter[str] = Counter()
        self._streaming = False

    def take(self, document: object, place: str) -> None:
        """A message, an event, a line of a batch's results, or an error."""
        said = as_object(document)
        kind = said.get("type")
        result = as_object(said.get("result"))
        if kind == "message_start":
            self._streaming = True
            self.answers.append(parse_message_start(said))
        elif kind == "message_delta" and self._streaming:
            self.answers[-1] = merge_message_delta(self.answers[-1], said)
        elif kind == "message_stop" and self._streaming:
            self.answers[-1] = self.answers[-1]._replace(complete=True)
        elif kind in _IGNORED and self._streaming:
            return
        elif kind == "error":
            # In a stream it leaves the answer incomplete; alone it is a refusal, which costs nothing.
            if not self._streaming:
                self.free["refused"] += 1
        elif "custom_id" in said or result:
            self._take_result(result, place)
        elif "usage" in said or kind == "message":
            self._take_message(said, place)
        elif not self._streaming:
            raise BadInputError(f"{place} has no usage, so it is no message of the API{_instead(said)}")

    def _take_result(self, result: Json, place: str) -> None:
        kind = result.get("type")
        if kind == "succeeded":
            self._take_message(as_object(result.get("message")), place)
        elif kind in _UNBILLED:
            self.free[str(kind)] += 1
        else:
            raise BadInputError(f"{place} is a batch's result of an unknown type, {kind!r}")

    def _take_message(self, message: Json, place: str) -> None:
        if not isinstance(message.get("usage"), dict):
            raise BadInputError(f"{place} has no usage, so what it cost cannot be said{_instead(message)}")
        self._streaming = False
        self.answers.append(parse_message(message))


def _instead(said: Json) -> str:
    if not said:
        return " (it is no JSON object)"
    names = ", ".join(list(said)[:5])
    return f" (it has: {names})"
