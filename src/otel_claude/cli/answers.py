"""Answers: reads stored answers of the API, in whatever form they were stored. Knows no prices and no terminal.

A message's JSON, a JSON list or JSON lines of messages, the results of a batch, a stored SSE stream, or its events as
JSON lines. Which of them it is, is seen from the first lines. Lines and events are read one by one: what is kept of
them does not grow with the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, Final, cast

from ..api.json import Json, as_object
from ..api.response import Response, merge_message_delta, parse_message, parse_message_start

_IGNORED: Final = ("ping", "content_block_start", "content_block_delta", "content_block_stop")
_UNBILLED: Final = ("errored", "canceled", "expired")
"""Results of a batch that cost nothing (batch page of the API's documentation)."""
_EVENT_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
"""What the lines of an event stream begin with."""
MAX_SIZE: Final = 1 << 30
"""Bytes of a line, or of a document that has to be read as a whole."""
_PIECE: Final = 1 << 22
"""Bytes after which it is said how far the reading is."""
_MAX_REPORTED: Final = 10
_MAX_SHOWN: Final = 60

_CONTINUED: Final = (b"[", b",", b":")
"""What a line ends with after which a document can go on with an object."""

_decode_object: Final = json.JSONDecoder().raw_decode
"""What `json.loads` does, without its calls around it: it takes three quarters of the time (Python 3.11)."""

_Numbered = Iterable[tuple[int, bytes]]
_Documents = Iterator[tuple[int, Any]]
"""Each with its number, or that of the line it ends at."""


class BadInputError(Exception):
    """What was given is nothing that can be priced. The text says why, and where."""


class Answers:
    """The answers in a file.

    Args:
        file: Read from where it is, once.
        strict: Whether one document that cannot be read ends the reading.
        on_read: Called with the bytes read so far, every few megabytes.

    Attributes:
        form: How they are stored.
        free: How many there were that cost nothing, by why.
        unread: How many documents could not be read.
        mistakes: Where the first of those are, and what is wrong with them.

    Raises:
        BadInputError: It is in no form that is known.
    """

    def __init__(
        self, file: BinaryIO, *, strict: bool = False, on_read: Callable[[int], None] = lambda _size: None
    ) -> None:
        self.free: Counter[str] = Counter()
        self.unread = 0
        self.mistakes: list[str] = []
        self._strict = strict
        self._streaming: Response | None = None
        self._decode = _decoded
        lines = _Lines(file, on_read)
        first = lines.peek()
        if not first:
            raise BadInputError("it is empty")
        if first.startswith(_EVENT_FIELDS):
            self._read_events(lines)
        elif _are_json_lines(first, lines):
            self._read_lines(lines)
        else:
            self._read_whole(lines)

    def _read_events(self, lines: _Numbered) -> None:
        self.form, self._place = "an event stream", "the event that ends at line {}"
        self._documents: _Documents = _events(lines)

    def _read_lines(self, lines: _Numbered) -> None:
        self.form, self._place = "JSON lines", "line {}"
        self._documents = ((number, line) for number, line in lines if line.strip())

    def _read_whole(self, lines: _Lines) -> None:
        raw = lines.whole()
        try:
            whole: Any = json.loads(raw.decode())
        except UnicodeDecodeError:
            raise BadInputError("it is no UTF-8 text") from None
        except RecursionError:
            raise BadInputError("its JSON is nested too deeply") from None
        except ValueError as error:
            rows = raw.split(b"\n")
            filled = [row for row in rows if row.strip()]
            if any(row.startswith((b"data:", b"event:")) for row in rows):
                self._read_events(enumerate(rows, 1))
            elif len(filled) > 1 and _is_object(filled[1]):
                self._read_lines(enumerate(rows, 1))
            else:
                raise BadInputError(f"it is neither JSON, nor JSON lines, nor an event stream: {error}") from None
            return
        self._decode = _as_it_is
        if isinstance(whole, list):
            self.form, self._place = "a JSON list", "item {}"
            self._documents = enumerate(cast("list[Any]", whole), 1)
        else:
            self.form, self._place = "JSON", "it"
            self._documents = iter([(1, whole)])

    def read(self, add: Callable[[Response], None]) -> None:
        """Gives each answer to `add`, once all of it is known.

        Raises:
            BadInputError: There is no answer, or one that cannot be read, and that is not accepted.
        """
        found = 0

        def count(answer: Response) -> None:
            nonlocal found
            found += 1
            add(answer)

        decode = self._decode
        for number, document in self._documents:
            try:
                self._take(decode(document), count)
            except BadInputError as error:
                mistake = f"{self._place.format(number)} {error}"
                if self._strict:
                    raise BadInputError(mistake) from None
                self.unread += 1
                if self.unread <= _MAX_REPORTED:
                    self.mistakes.append(mistake)
        self._end_stream(count)
        if not found and not self.free:
            first = self.mistakes[0] if self.mistakes else f"it is {self.form}, but there is no message in it"
            raise BadInputError(first)

    def _take(self, document: object, add: Callable[[Response], None]) -> None:
        """A message, an event, a line of a batch's results, or an error.

        Events belong to the message that started last.
        """
        said = as_object(document)
        kind = said.get("type")
        result = as_object(said.get("result"))
        streaming = self._streaming
        if kind == "message_start":
            self._end_stream(add)
            self._streaming = parse_message_start(said)
        elif streaming is not None and kind == "message_delta":
            self._streaming = merge_message_delta(streaming, said)
        elif streaming is not None and kind == "message_stop":
            self._streaming = streaming._replace(complete=True)  # Some gateways give no stop reason.
        elif streaming is not None and kind in _IGNORED:
            return
        elif kind == "error":
            # In a stream it leaves the answer incomplete; alone it is a refusal, which costs nothing.
            if streaming is None:
                self.free["refused"] += 1
        elif result or "custom_id" in said:
            self._take_result(result, add)
        elif "usage" in said or kind == "message":
            self._take_message(said, add)
        elif streaming is None:
            raise BadInputError(f"has no usage, so it is no message of the API{_instead(said)}")

    def _take_result(self, result: Json, add: Callable[[Response], None]) -> None:
        kind = result.get("type")
        if kind == "succeeded":
            self._take_message(as_object(result.get("message")), add)
        elif kind in _UNBILLED:
            self.free[str(kind)] += 1
        else:
            shown = _cut(repr(kind)) if kind is None or isinstance(kind, str) else "which is no text"
            raise BadInputError(f"is a batch's result of an unknown type, {shown}")

    def _take_message(self, message: Json, add: Callable[[Response], None]) -> None:
        if not isinstance(message.get("usage"), dict):
            raise BadInputError(f"has no usage, so what it cost cannot be said{_instead(message)}")
        self._end_stream(add)
        add(parse_message(message))

    def _end_stream(self, add: Callable[[Response], None]) -> None:
        streaming, self._streaming = self._streaming, None
        if streaming is not None:
            add(streaming)


def next_line(file: BinaryIO) -> bytes:
    """The next line of a file; nothing at its end. Raises BadInputError where a line has no end."""
    line = file.readline(MAX_SIZE + 1)
    if len(line) > MAX_SIZE:
        raise BadInputError(f"it has a line of more than {MAX_SIZE:,} bytes")
    return line


class _Lines:
    """The lines of a file with their numbers, of which the first can be looked at before.

    Only line feeds end them: JSON strings may contain U+2028 and others at which `splitlines` would split.
    """

    def __init__(self, file: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._file = file
        self._on_read = on_read
        self._ahead: list[bytes] = []

    def _next(self) -> bytes:
        return next_line(self._file)

    def peek(self) -> bytes:
        """The next line that is not blank, without white space around it. Nothing if there is none."""
        while line := self._next():
            if not self._ahead:
                line = line.removeprefix(b"\xef\xbb\xbf")  # a byte order mark
            self._ahead.append(line)
            if shown := line.strip():
                return shown
        return b""

    def whole(self) -> bytes:
        """All that is left."""
        rest = self._file.read(MAX_SIZE + 1)
        if len(rest) > MAX_SIZE:
            raise BadInputError(f"it has more than {MAX_SIZE:,} bytes")
        return b"".join((*self._ahead, rest))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        size, said = 0, _PIECE
        for number, line in enumerate(chain(self._ahead, iter(self._next, b"")), 1):
            size += len(line)
            if size >= said:
                said = size + _PIECE
                self._on_read(size)
            yield number, line


def _are_json_lines(first: bytes, lines: _Lines) -> bool:
    """Whether there are more lines than the first, and they are objects. Of these, the first can be what is wrong."""
    if _is_object(first):
        return bool(lines.peek())
    return not first.endswith(_CONTINUED) and _is_object(lines.peek())


def _events(lines: _Numbered) -> _Documents:
    """The data of a stream's events. An event ends at an empty line, and can have several lines of data."""
    data: list[bytes] = []
    number = 0
    for number, raw in lines:
        line = raw.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line.removeprefix(b"data:").removeprefix(b" "))
        elif not line and data:
            yield number, b"\n".join(data)
            data = []
    # A stream that was cut in the middle of an event ends with half of one.
    if data and _is_object(b"\n".join(data)):
        yield number, b"\n".join(data)


def _decoded(raw: bytes) -> Any:
    try:
        text = raw.decode().rstrip("\r\n")
        if text.startswith("{"):
            document, end = _decode_object(text)
            if end == len(text):
                return document
        return json.loads(text)
    except UnicodeDecodeError:
        raise BadInputError("is no UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise BadInputError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except ValueError:
        raise BadInputError("is not JSON: a number in it has too many digits") from None
    except RecursionError:
        raise BadInputError("is nested too deeply") from None


def _as_it_is(document: Any) -> Any:
    return document


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(_decoded(raw), dict)
    except BadInputError:
        return False


def _instead(said: Json) -> str:
    if not said:
        return " (it is no JSON object)"
    names = ", ".join(_cut(repr(name)[1:-1]) for name in list(said)[:5])
    return f" (it has: {names})"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
