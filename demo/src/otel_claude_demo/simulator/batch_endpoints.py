"""The endpoints of message batches. Knows paths and bodies."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from otel_claude_demo.simulator.batches import Batch, Batches
from otel_claude_demo.simulator.delivery import Whole
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.failures import Refused, invalid
from otel_claude_demo.simulator.jsons import Json, indented
from otel_claude_demo.simulator.platforms import ANTHROPIC
from otel_claude_demo.simulator.request_context import RequestContext
from otel_claude_demo.simulator.served import key_hint

DEFAULT_PAGE, LARGEST_PAGE = 20, 1000


class BatchEndpoints:
    """The handlers of one simulated API."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.batches = Batches(engine)

    async def create(self, request: Request) -> Response:
        """POST /v1/messages/batches."""
        context = RequestContext(request, self.engine, ANTHROPIC)
        try:
            context.check_key()
            context.choose("", "")
            body = await context.body()
            context.scenario.refuse(context.attempt)
            delay = context.scenario.seconds("batch_delay") or 0.0
            batch = self.batches.create(body, delay, key_hint(context.secret))
        except Refused as refused:
            return context.refusal(refused.failure, {})
        return self._says(context, batch.json(str(request.base_url)))

    async def retrieve(self, request: Request) -> Response:
        """GET /v1/messages/batches/{id}."""
        return self._of_batch(request, lambda batch: batch.json(str(request.base_url)))

    async def cancel(self, request: Request) -> Response:
        """POST /v1/messages/batches/{id}/cancel."""
        return self._of_batch(request, lambda batch: self.batches.cancel(batch).json(str(request.base_url)))

    async def delete(self, request: Request) -> Response:
        """DELETE /v1/messages/batches/{id}."""

        def delete(batch: Batch) -> Json:
            self.batches.delete(batch)
            return {"id": batch.id, "type": "message_batch_deleted"}

        return self._of_batch(request, delete)

    async def results(self, request: Request) -> Response:
        """GET /v1/messages/batches/{id}/results."""

        def lines(batch: Batch) -> bytes:
            if batch.ended is None:
                raise invalid(f"Message Batch {batch.id} has no available results.")
            return "".join(f"{line}\n" for line in batch.lines).encode()

        return self._of_batch(request, lines)

    async def page(self, request: Request) -> Response:
        """GET /v1/messages/batches."""
        context = RequestContext(request, self.engine, ANTHROPIC)
        query = request.query_params
        try:
            context.check_key()
            limit = _page_size(query.get("limit", str(DEFAULT_PAGE)))
        except Refused as refused:
            return context.refusal(refused.failure, {})
        found, more = self.batches.page(limit, query.get("after_id"), query.get("before_id"))
        return self._says(
            context,
            {
                "data": [batch.json(str(request.base_url)) for batch in found],
                "has_more": more,
                "first_id": found[0].id if found else None,
                "last_id": found[-1].id if found else None,
            },
        )

    def _of_batch(self, request: Request, say: Callable[[Batch], Json | bytes]) -> Response:
        context = RequestContext(request, self.engine, ANTHROPIC)
        try:
            context.check_key()
            return self._says(context, say(self.batches.get(request.path_params["batch"])))
        except Refused as refused:
            return context.refusal(refused.failure, {})

    def _says(self, context: RequestContext, body: Json | bytes) -> Response:
        lines = isinstance(body, bytes)
        headers = context.headers({"content-type": "application/x-jsonl" if lines else "application/json"})
        payload = body if isinstance(body, bytes) else indented(body)
        return Whole(200, headers, payload, self.engine.stopping, context.record)


def _page_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
        raise invalid(f"limit: Input should be between 1 and {LARGEST_PAGE}")
    return int(text)
