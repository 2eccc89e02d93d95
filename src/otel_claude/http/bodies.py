"""The bytes of a body on their way to an application that reads them itself.

`results()` of a batch gives a `JSONLDecoder`, which reads bytes and passes by every function that decodes JSON (0.40.0
to 2.12.0), and so does an application that reads a raw response. All of them come through the content decoder of the
response (`httpx` and `httpx2` alike), behind which nothing is compressed any more. So that is where they are seen, and
nothing that the application holds is another than it was. What it does not read is not read.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Final, Protocol

import wrapt

from .._diagnostics import log_internal_error
from ..api.errors import parse_error
from ..api.json import as_object
from ..telemetry.call import Attempt
from ..telemetry.recorder import Recorder

MAX_SIZE: Final = 32 * 1024 * 1024
"""Bytes of one message, or of one line of a stream, that are kept at most. A message has a few megabytes at most."""
_OK: Final = 200
_FIRST_CHUNK: Final = b'"content_block_delta"'


class ByteReader(Protocol):
    """What sees the bytes of a body as they are read."""

    def read(self, piece: bytes) -> None:
        """The next bytes of the body."""

    def end(self) -> None:
        """The body was read to its end."""


class BodyReading(Protocol):
    """What learns how reading a body ended."""

    def end(self, how: str, error: BaseException | None = None) -> None:
        """`how`: `read` to its end, `closed` before, or `failed` with `error`."""


def observe_bytes(response: Any, reader: ByteReader) -> None:
    """Has `reader` see what is read of a response's body, which was not read yet."""
    # It is made once, when the body is first read.
    response._decoder = _Decoder(response._get_content_decoder(), reader)  # noqa: SLF001 - the seam


class _Decoder:
    """Stands for the content decoder of a response, and passes on what that gives: bytes in httpx, else pieces."""

    def __init__(self, decoder: Any, reader: ByteReader) -> None:
        self._decoder = decoder
        self._reader = reader

    def decode(self, data: bytes) -> Any:
        decoded = self._decoder.decode(data)
        if not isinstance(decoded, bytes):
            return self._seen(decoded)
        self._show(decoded)
        return decoded

    def flush(self) -> Any:
        decoded = self._decoder.flush()
        if not isinstance(decoded, bytes):
            return self._seen(decoded, last=True)
        self._show(decoded)
        self._reader.end()
        return decoded

    def _seen(self, pieces: Any, *, last: bool = False) -> Iterator[bytes]:
        for piece in pieces:
            self._show(piece)
            yield piece
        if last:
            self._reader.end()

    def _show(self, piece: bytes) -> None:
        try:
            self._reader.read(piece)
        except Exception:
            log_internal_error("read a raw body")


class MessageReader:
    """Keeps the bytes of a whole body, up to `MAX_SIZE`."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self.saw_any = False

    def read(self, piece: bytes) -> None:
        """The next bytes of the body."""
        self.saw_any = True
        self._size += len(piece)
        if self._size <= MAX_SIZE:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def end(self) -> None:
        """Nothing is to be done: the body itself said so before."""

    def on_decoded(self) -> None:
        """The SDK decoded something of the body. Of a message that is the same once more."""

    @property
    def is_too_long(self) -> bool:
        """Whether there were more bytes than are kept."""
        return self._size > MAX_SIZE

    def take(self) -> bytes:
        """All that is kept, which begins anew."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        return b"".join(pieces)

    def message(self) -> Any:
        """What was read, as JSON. None if it is none, or not all of it."""
        return _decoded(self.take())


class EventReader(MessageReader):
    """Reads the events of a stream as they come: those that say something of its call."""

    def __init__(self, recorder: Recorder, attempt: Attempt) -> None:
        super().__init__()
        self._recorder = recorder
        self._attempt = attempt

    def read(self, piece: bytes) -> None:
        """The next bytes of the body."""
        self.saw_any = True
        self._read_events(piece)

    def _read_events(self, piece: bytes) -> None:
        for line in piece.splitlines(keepends=True):
            super().read(line)
            if line.endswith((b"\n", b"\r")):
                self._read_line(self.take())

    def _read_line(self, line: bytes) -> None:
        call = self._attempt.call
        first_chunk = call.time_to_first_chunk is None and _FIRST_CHUNK in line  # in no piece as a whole
        if not line.startswith(b"data:") or not (first_chunk or b'"message_' in line or b'"error"' in line):
            return
        event = as_object(_decoded(line.removeprefix(b"data:")))
        if "error" not in event or event.get("type", "error") != "error":
            self._recorder.on_response_data(self._attempt, event)
        elif not call.ended:
            error = parse_error(_OK, event, retry_after=False)
            self._attempt.fail_in_stream(error.error_type or "client_error", error.blocked)
            self._recorder.end_call(call, error_type=self._attempt.error_type)


class DelayedEventReader(EventReader):
    """Reads a piece when the next one comes, or when nothing more does.

    If the SDK decodes the events, as `parse()` has it do, it says what the application saw of them, and nothing is read
    here.
    """

    def __init__(self, recorder: Recorder, attempt: Attempt) -> None:
        super().__init__(recorder, attempt)
        self._last_piece = b""
        self._decoded_by_sdk = False

    def read(self, piece: bytes) -> None:
        """The next bytes of the body."""
        self.saw_any = True
        if not self._decoded_by_sdk:
            if self._attempt.call.time_to_first_chunk is None and _FIRST_CHUNK in piece:
                self._recorder.on_response_data(self._attempt, {"type": "content_block_delta"})
            before, self._last_piece = self._last_piece, piece
            self._read_events(before)

    def end(self) -> None:
        """Nothing more is read."""
        last, self._last_piece = self._last_piece, b""
        self._read_events(last)

    def on_decoded(self) -> None:
        """The SDK decodes the events."""
        self._decoded_by_sdk = True
        self._last_piece = b""


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def content_type(response: Any) -> str:
    """The type that a response says its body has. Stand-ins of tests say none."""
    headers: Any = getattr(response, "headers", None) or {}
    return headers.get("content-type", "").lower()


_Proxy: Any = wrapt.ObjectProxy


class ResponseBody(_Proxy):
    """Stands for the `stream` of a response of httpx or httpx2, and says how reading it ended.

    A transparent proxy: it passes `isinstance`, so it works for the bodies of httpx and of httpx2 and imports neither.
    It keeps nothing of what it passes on.
    """

    def __init__(self, body: Any, reading: BodyReading) -> None:
        super().__init__(body)  # pyright: ignore[reportUnknownMemberType] - wrapt has no types before 2.0
        # wrapt keeps attributes with this prefix on the proxy; any other would land on the body.
        self._self_reading = reading

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.__wrapped__
        except Exception as error:
            self._self_reading.end("failed", error)
            raise
        self._self_reading.end("read")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Any = self.__wrapped__.__aiter__()
        try:
            async for chunk in chunks:
                yield chunk
        except Exception as error:
            self._self_reading.end("failed", error)
            raise
        finally:
            # In the task that read it. Otherwise the event loop closes a body read in part, in a task of its own.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        self._self_reading.end("read")

    def close(self) -> None:
        """As the body's own."""
        self._self_reading.end("closed")
        self.__wrapped__.close()

    async def aclose(self) -> None:
        """As the body's own."""
        self._self_reading.end("closed")
        await self.__wrapped__.aclose()
