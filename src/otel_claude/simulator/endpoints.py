"""The endpoints that answer with a message, on all three wires, and those that only inform. Knows paths and bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response

from otel_claude.simulator.asked import Asked, asked
from otel_claude.simulator.catalog import MODELS, resolved
from otel_claude.simulator.compose import Answer
from otel_claude.simulator.delivery import Delivered, Delivery, Nothing, Step, Stream, Whole
from otel_claude.simulator.engine import Engine
from otel_claude.simulator.events import events
from otel_claude.simulator.failures import Failure, Refused, unknown_model
from otel_claude.simulator.jsons import Json, indented
from otel_claude.simulator.prompt import prompt_tokens
from otel_claude.simulator.scenarios import split_model
from otel_claude.simulator.tampering import tampered
from otel_claude.simulator.visit import Visit
from otel_claude.simulator.wires import ANTHROPIC, BEDROCK, VERTEX

TOO_MANY = 429
_COUNT_TOKENS = "count-tokens"


class Endpoints:
    """The handlers of one simulated API."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def messages(self, request: Request) -> Response:
        """POST /v1/messages."""

        def handle(visit: Visit, body: Json) -> Response:
            return self._answer(visit, body.get("model"), body, stream=body.get("stream") is True)

        return await self._handled(Visit(request, self.engine, ANTHROPIC), handle)

    async def bedrock(self, request: Request) -> Response:
        """POST /model/{model}/invoke and …/invoke-with-response-stream."""

        def handle(visit: Visit, body: Json) -> Response:
            stream = request.url.path.endswith("-with-response-stream")
            return self._answer(visit, request.path_params["model"], body, stream=stream)

        return await self._handled(Visit(request, self.engine, BEDROCK), handle)

    async def vertex(self, request: Request) -> Response:
        """POST …/publishers/anthropic/models/{model}:rawPredict and :streamRawPredict."""
        model, _, verb = request.path_params["target"].rpartition(":")

        def handle(visit: Visit, body: Json) -> Response:
            if model == _COUNT_TOKENS:
                return self._count(visit, body)
            return self._answer(visit, model, body, stream=verb == "streamRawPredict")

        return await self._handled(Visit(request, self.engine, VERTEX), handle)

    async def count_tokens(self, request: Request) -> Response:
        """POST /v1/messages/count_tokens."""
        return await self._handled(Visit(request, self.engine, ANTHROPIC), self._count)

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        visit = Visit(request, self.engine, ANTHROPIC)
        rows = [model.json() for model in MODELS]
        page = {"data": rows, "has_more": False, "first_id": rows[0]["id"], "last_id": rows[-1]["id"]}
        return self._informs(visit, page)

    async def model(self, request: Request) -> Response:
        """GET /v1/models/{model}."""
        visit = Visit(request, self.engine, ANTHROPIC)
        wanted = request.path_params["model"]
        for model in MODELS:
            if resolved(wanted) == model.id:
                return self._informs(visit, model.json())
        return visit.refusal(unknown_model(wanted), {})

    async def _handled(self, visit: Visit, handle: Callable[[Visit, Json], Response]) -> Response:
        try:
            visit.check_key()
            return handle(visit, await visit.body())
        except Refused as refused:
            return visit.refusal(refused.failure, {})

    def _answer(self, visit: Visit, model: object, body: Json, *, stream: bool) -> Response:
        wish: Asked | None = None
        visit.stream = stream
        try:
            name, suffix = split_model(model) if isinstance(model, str) else ("", "")
            visit.choose(name, suffix)
            whole = self.engine.threads.whole(body)
            wish = asked(name, whole, stream=stream, beta=_is_beta(visit.request, body))
            visit.play.refuse(visit.attempt)
            answer = self.engine.answer(wish, visit.play, prefix=visit.wire.message_prefix)
            self.engine.threads.answered(body, whole, answer)
        except Refused as refused:
            return visit.refusal(refused.failure, self._limit_headers(visit, wish, refused.failure))
        return self._delivery(visit, wish, answer)

    def _delivery(self, visit: Visit, wish: Asked, answer: Answer) -> Delivery:
        def report(delivered: Delivered) -> None:
            visit.record(delivered, answer=answer)

        if visit.play.fails("hang", visit.attempt):
            return Nothing(self.engine.stopping, report)
        delay = visit.play.seconds("latency")
        delay = self.engine.first_byte_after(answer) if delay is None else delay
        limits = self._limit_headers(visit, wish, None)
        lost = visit.play.fails("disconnect", visit.attempt)
        if wish.stream and not lost:
            kind = {"content-type": visit.wire.stream_type, "cache-control": "no-cache"}
            headers = visit.headers({**limits, **kind})
            return Stream(headers, self._steps(visit, answer), self.engine.stopping, report, delay=delay)
        usage = tampered(answer.meter.final(), visit.play)
        return Whole(
            200,
            visit.headers({**limits, **visit.wire.answer_headers(answer)}),
            indented(answer.message(usage)),
            self.engine.stopping,
            report,
            delay=delay + answer.meter.counts.output * self.engine.seconds_per_token(answer),
            keeps=0.0 if lost else 0.5 if "cut" in visit.play else 1.0,
            usage=usage.get("usage"),
        )

    def _steps(self, visit: Visit, answer: Answer) -> Iterator[Step]:
        slow = visit.play.seconds("slow") or 0.0
        pace = self.engine.seconds_per_token(answer)
        for event in events(answer, visit.play):
            payload = b"" if event.breaks else visit.wire.event(event, answer)
            yield Step(event, payload, slow + event.tokens * pace)

    def _limit_headers(self, visit: Visit, wish: Asked | None, failure: Failure | None) -> dict[str, str]:
        if wish is None or not visit.wire.reports_limits:
            return {}
        # Refusals other than of a limit were recorded without these headers.
        limited = failure is None or failure.status == TOO_MANY
        return self.engine.limit_headers(wish, visit.play, failure) if limited else {}

    def _count(self, visit: Visit, body: Json) -> Response:
        name, suffix = split_model(str(body.get("model") or ""))
        visit.choose(name, suffix)
        asked(name, body, counting=True)
        visit.play.refuse(visit.attempt)
        return self._informs(visit, {"input_tokens": prompt_tokens(body)})

    def _informs(self, visit: Visit, body: Json) -> Response:
        headers = visit.headers({"content-type": "application/json"})
        return Whole(200, headers, indented(body), self.engine.stopping, visit.record)


def _is_beta(request: Request, body: Json) -> bool:
    asked_by_url = request.query_params.get("beta") == "true"
    return asked_by_url or "anthropic-beta" in request.headers or "anthropic_beta" in body
