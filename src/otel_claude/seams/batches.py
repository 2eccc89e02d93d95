"""Batches: the SDK's requests about them, and the bytes of their results on their way to the application.

`results()` gives a `JSONLDecoder`, which reads bytes and passes by every function that decodes JSON (0.40.0 to 2.12.0),
and an application may read the bytes itself. All of them come through the content decoder of the response (`httpx` and
`httpx2` alike), behind which nothing is compressed any more. So that is where they are seen, and nothing that the
application holds is another than it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..batches import Reader, Reading
from ..contain import contained
from ..wire import head
from ..wire.json import fields, text
from .errors import FIRST_ERROR
from .exchange import body_of

_PATH: Final = re.compile(r"/messages/batches(?:/([^/]+))?(?:/(results|cancel))?$")
_RESULTS: Final = "results"
_DECODERS: Final = ("JSONLDecoder", "AsyncJSONLDecoder")
"""What only results are decoded by, in every version: a gateway can give another URL for them."""
_BATCH_ID: Final = "anthropic.message.batch.id"
"""Since 1.14.0 the SDK says it for its own span."""


def answered(watch: Callable[[Any, Any], Reader | None], client: Any, kwargs: dict[str, Any]) -> None:
    """A request that is no call was answered. It may be about batches."""
    options, response = kwargs["options"], kwargs["response"]
    path = _PATH.search(options.url.partition("?")[0].rstrip("/"))
    decodes = getattr(getattr(kwargs["cast_to"], "__origin__", None), "__name__", None) in _DECODERS
    if response.status_code >= FIRST_ERROR or not (path or decodes):
        return
    reader = watch(client, options)
    if reader is None:
        return
    try:
        workspace = head(response.headers.raw).workspace_id
    except Exception:
        contained("read the headers of a response")
        workspace = None
    if not decodes and not (path and path[2] == _RESULTS and options.method.lower() == "get"):
        if response.is_closed:
            reader.told(body_of(response), workspace)
        return
    batch_id = (
        path[1]
        if path and path[2] == _RESULTS
        else text(fields(getattr(options, "span_attributes", None)).get(_BATCH_ID))
    )
    reading = reader.results(batch_id or options.url.partition("?")[0], workspace)
    if reading is not None:
        _watch_body(response, reading)


def _watch_body(response: Any, reading: Reading) -> None:
    content: bytes | None = getattr(response, "_content", None)
    if content is not None:
        # A transport, or a middleware, has read it already.
        reading.read(content)
        reading.ended()
        return
    # It is made once, when the body is first read.
    response._decoder = _Decoder(response._get_content_decoder(), reading)  # noqa: SLF001 - the seam


class _Decoder:
    """Stands for the content decoder of a response, and passes on what that gives: bytes in httpx, else pieces."""

    def __init__(self, decoder: Any, reading: Reading) -> None:
        self._decoder = decoder
        self._reading = reading

    def decode(self, data: bytes) -> Any:
        decoded = self._decoder.decode(data)
        if not isinstance(decoded, bytes):
            return self._seen(decoded)
        self._reading.read(decoded)
        return decoded

    def flush(self) -> Any:
        decoded = self._decoder.flush()
        if not isinstance(decoded, bytes):
            return self._seen(decoded, last=True)
        self._reading.read(decoded)
        self._reading.ended()
        return decoded

    def _seen(self, pieces: Any, *, last: bool = False) -> Iterator[bytes]:
        for piece in pieces:
            self._reading.read(piece)
            yield piece
        if last:
            self._reading.ended()
