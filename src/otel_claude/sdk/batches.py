"""The SDK's requests about batches, and the bytes of their results on their way to the application."""

from __future__ import annotations

import re
from typing import Any, Final

from ..api.json import as_object, as_text
from ..http.bodies import observe_bytes
from ..runtime import Runtime
from ..telemetry.batches import ResultsReader, update_batches
from ..telemetry.call import FIRST_ERROR_STATUS
from ..telemetry.increments import BatchOwner
from .client import known_of, requester
from .responses import body_of, workspace_of

_PATH: Final = re.compile(r"/messages/batches(?:/([^/]+))?(?:/(results|cancel))?$")
_RESULTS: Final = "results"
_DECODERS: Final = ("JSONLDecoder", "AsyncJSONLDecoder")
"""What only results are decoded by, in every version: a gateway can give another URL for them."""
_BATCH_ID: Final = "anthropic.message.batch.id"
"""Since 1.14.0 the SDK says it for its own span."""


def on_response(runtime: Runtime, client: Any, kwargs: dict[str, Any]) -> None:
    """A request that is no call got a response. It may be about batches."""
    options, response = kwargs["options"], kwargs["response"]
    path = _PATH.search(options.url.partition("?")[0].rstrip("/"))
    decodes = getattr(getattr(kwargs["cast_to"], "__origin__", None), "__name__", None) in _DECODERS
    if response.status_code >= FIRST_ERROR_STATUS or not (path or decodes) or not runtime.may_measure():
        return
    owner = BatchOwner(requester(runtime, client, options, known_of(client)), workspace_of(response), runtime.tags())
    batches = runtime.instruments.batches
    if not decodes and not (path and path[2] == _RESULTS and options.method.lower() == "get"):
        if response.is_closed:
            update_batches(batches, body_of(response), owner, runtime.instruments.sets)
        return
    batch_id = (
        path[1]
        if path and path[2] == _RESULTS
        else as_text(as_object(getattr(options, "span_attributes", None)).get(_BATCH_ID))
    ) or options.url.partition("?")[0]
    if not batches.deduplicator.is_closed(batch_id):
        _watch_body(response, ResultsReader(batches, batch_id, owner, runtime.recorder.record_batch_result))


def _watch_body(response: Any, reader: ResultsReader) -> None:
    content: bytes | None = getattr(response, "_content", None)
    if content is not None:
        # A transport, or a middleware, has read it already.
        reader.read(content)
        reader.end()
        return
    observe_bytes(response, reader)
