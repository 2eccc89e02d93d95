"""The endpoints that answer with a message, on all three platforms, and those that only inform.

Knows paths and bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response

from otel_claude_demo.simulator.catalog import MODELS, resolved
from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.converse import CONVERSE, messages_request
from otel_claude_demo.simulator.delivery import Delivered, Delivery, Nothing, Step, Stream, Whole
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.events import events
from otel_claude_demo.simulator.failures import Failure, Refused, unknown_model
from otel_claude_demo.simulator.faults import faulty_usage
from otel_claude_demo.simulator.jsons import Json, indented
from otel_claude_demo.simulator.messages_request import MessagesRequest, parse_request
from otel_claude_demo.simulator.platforms import ANTHROPIC, BEDROCK, VERTEX
from otel_claude_demo.simulator.prompt import prompt_tokens
from otel_claude_demo.simulator.request_context import RequestContext
from otel_claude_demo.simulator.scenarios import split_model

TOO_MANY = 429
_COUNT_TOKENS = "count-tokens"


class Endpoints:
    """The handlers of one simulated API."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def messages(self, request: Request) -> Response:
        """POST /v1/messages."""

        def handle(context: RequestContext, body: Json) -> Response:
            return self._answer(context, body.get("model"), body, stream=body.get("stream") is True)

        return await self._handled(RequestContext(request, self.engine, ANTHROPIC), handle)

    async def bedrock(self, request: Request) -> Response:
        """POST /model/{model}/invoke and …/invoke-with-response-stream."""

        def handle(context: RequestContext, body: Json) -> Response:
            stream = request.url.path.endswith("-with-response-stream")
            return self._answer(context, request.path_params["model"], body, stream=stream)

        return await self._handled(RequestContext(request, self.engine, BEDROCK), handle)

    async def converse(self, request: Request) -> Response:
        """POST /model/{model}/converse and …/converse-stream."""

        def handle(context: RequestContext, body: Json) -> Response:
            stream = request.url.path.endswith("-stream")
            return self._answer(context, request.path_params["model"], messages_request(body), stream=stream)

        return await self._handled(RequestContext(request, self.engine, CONVERSE), handle)

    async def vertex(self, request: Request) -> Response:
        """POST …/publishers/anthropic/models/{model}:rawPredict and :streamRawPredict."""
        model, _, verb = request.path_params["target"].rpartition(":")

        def handle(context: RequestContext, body: Json) -> Response:
            if model == _COUNT_TOKENS:
                return self._count(context, body)
            return self._answer(context, model, body, stream=verb == "streamRawPredict")

        return await self._handled(RequestContext(request, self.engine, VERTEX), handle)

    async def count_tokens(self, request: Request) -> Response:
        """POST /v1/messages/count_tokens."""
        return await self._handled(RequestContext(request, self.engine, ANTHROPIC), self._count)

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        context = RequestContext(request, self.engine, ANTHROPIC)
        rows = [model.json() for model in MODELS]
        page = {"data": rows, "has_more": False, "first_id": rows[0]["id"], "last_id": rows[-1]["id"]}
        return self._informs(context, page)

    async def model(self, request: Request) -> Response:
        """GET /v1/models/{model}."""
        context = RequestContext(request, self.engine, ANTHROPIC)
        wanted = request.path_params["model"]
        for model in MODELS:
            if resolved(wanted) == model.id:
                return self._informs(context, model.json())
        return context.refusal(unknown_model(wanted), {})

    async def _handled(self, context: RequestContext, handle: Callable[[RequestContext, Json], Response]) -> Response:
        try:
            context.check_key()
            return handle(context, await context.body())
        except Refused as refused:
            return context.refusal(refused.failure, {})

    def _answer(self, context: RequestContext, model: object, body: Json, *, stream: bool) -> Response:
        wish: MessagesRequest | None = None
        context.stream = stream
        try:
            name, suffix = split_model(model) if isinstance(model, str) else ("", "")
            context.choose(name, suffix)
            whole = self.engine.threads.whole(body)
            wish = parse_request(name, whole, stream=stream, beta=_is_beta(context.request, body))
            context.scenario.refuse(context.attempt)
            answer = self.engine.answer(wish, context.scenario, prefix=context.platform.message_prefix)
            self.engine.threads.responded(body, whole, answer)
        except Refused as refused:
            return context.refusal(refused.failure, self._limit_headers(context, wish, refused.failure))
        return self._delivery(context, wish, answer)

    def _delivery(self, context: RequestContext, wish: MessagesRequest, answer: Answer) -> Delivery:
        def report(delivered: Delivered) -> None:
            context.record(delivered, answer=answer)

        if context.scenario.fails("hang", context.attempt):
            return Nothing(self.engine.stopping, report)
        delay = context.scenario.seconds("latency")
        delay = self.engine.first_byte_after(answer) if delay is None else delay
        limits = self._limit_headers(context, wish, None)
        lost = context.scenario.fails("disconnect", context.attempt)
        if wish.stream and not lost:
            kind = {"content-type": context.platform.stream_type, "cache-control": "no-cache"}
            headers = context.headers({**limits, **kind})
            return Stream(headers, self._steps(context, answer), self.engine.stopping, report, delay=delay)
        usage = faulty_usage(answer.meter.final(), context.scenario)
        return Whole(
            200,
            context.headers({**limits, **context.platform.answer_headers(answer)}),
            context.platform.answer_body(answer, usage),
            self.engine.stopping,
            report,
            delay=delay + answer.meter.counts.output * self.engine.seconds_per_token(answer),
            keeps=0.0 if lost else 0.5 if "cut" in context.scenario else 1.0,
            usage=usage.get("usage"),
        )

    def _steps(self, context: RequestContext, answer: Answer) -> Iterator[Step]:
        slow = context.scenario.seconds("slow") or 0.0
        pace = self.engine.seconds_per_token(answer)
        for event in events(answer, context.scenario):
            payload = b"" if event.breaks else context.platform.event(event, answer)
            yield Step(event, payload, slow + event.tokens * pace)

    def _limit_headers(
        self, context: RequestContext, wish: MessagesRequest | None, failure: Failure | None
    ) -> dict[str, str]:
        if wish is None or not context.platform.reports_limits:
            return {}
        # Refusals other than of a limit were recorded without these headers.
        limited = failure is None or failure.status == TOO_MANY
        return self.engine.limit_headers(wish, context.scenario, failure) if limited else {}

    def _count(self, context: RequestContext, body: Json) -> Response:
        name, suffix = split_model(str(body.get("model") or ""))
        context.choose(name, suffix)
        parse_request(name, body, counting=True)
        context.scenario.refuse(context.attempt)
        return self._informs(context, {"input_tokens": prompt_tokens(body)})

    def _informs(self, context: RequestContext, body: Json) -> Response:
        headers = context.headers({"content-type": "application/json"})
        return Whole(200, headers, indented(body), self.engine.stopping, context.record)


def _is_beta(request: Request, body: Json) -> bool:
    requested_by_url = request.query_params.get("beta") == "true"
    return requested_by_url or "anthropic-beta" in request.headers or "anthropic_beta" in body
