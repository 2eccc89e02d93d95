"""The application: which path goes to which handler. Knows Starlette's routes and errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otel_claude_demo.simulator.admin_endpoints import AdminEndpoints
from otel_claude_demo.simulator.batch_endpoints import BatchEndpoints
from otel_claude_demo.simulator.endpoints import Endpoints
from otel_claude_demo.simulator.engine import Engine, Pace
from otel_claude_demo.simulator.failures import NOT_ALLOWED, NOT_FOUND
from otel_claude_demo.simulator.limits import Limits
from otel_claude_demo.simulator.organization import Organization
from otel_claude_demo.simulator.platforms import ANTHROPIC, SIMULATED
from otel_claude_demo.simulator.request_context import RequestContext
from otel_claude_demo.simulator.scenarios import SCENARIOS
from otel_claude_demo.simulator.served import ServedLog
from otel_claude_demo.simulator.session_endpoints import SessionEndpoints

_METHOD_NOT_ALLOWED = 405
_BATCHES = "/v1/messages/batches"
_VERTEX = "/projects/{project}/locations/{location}/publishers/anthropic/models/{target}"


def create_app(
    *,
    seed: int = 0,
    clock: Callable[[], float] = time.time,
    limits: Limits | None = None,
    pace: Pace | None = None,
    scenario: str = "",
    organization: Organization | None = None,
) -> Starlette:
    """A simulated API, also for use in process (`httpx2.ASGITransport`).

    Args:
        seed: Decides every text, count and id.
        clock: Gives the time in seconds, for the cache, the limits, batches and records.
        limits: The rate limits per minute.
        pace: How fast answers come; at once by default.
        scenario: Scenarios played for every request; see `scenarios.SCENARIOS`.
        organization: What the Admin API shows beside what was served.
    """
    engine = Engine(
        seed=seed,
        clock=clock,
        limits=limits or Limits(),
        pace=pace or Pace(),
        scenario=scenario,
        organization=organization or Organization(),
    )
    messages, batches = Endpoints(engine), BatchEndpoints(engine)

    async def refuse(request: Request, error: Exception) -> Response:
        allowed = isinstance(error, HTTPException) and error.status_code != _METHOD_NOT_ALLOWED
        return RequestContext(request, engine, ANTHROPIC).refusal(NOT_FOUND if allowed else NOT_ALLOWED, {})

    async def totals(_: Request) -> Response:
        sums = [asdict(total) for total in engine.served.totals()]
        return JSONResponse({"requests": len(engine.served), "totals": sums}, headers=SIMULATED)

    async def scenarios(_: Request) -> Response:
        return JSONResponse({name: row.does for name, row in SCENARIOS.items()}, headers=SIMULATED)

    def post(path: str, handler: Any) -> Route:
        return Route(path, handler, methods=["POST"])

    app = Starlette(
        routes=[
            post("/v1/messages", messages.messages),
            post("/v1/messages/count_tokens", messages.count_tokens),
            post(_BATCHES, batches.create),
            Route(_BATCHES, batches.page),
            Route(_BATCHES + "/{batch}", batches.retrieve),
            Route(_BATCHES + "/{batch}", batches.delete, methods=["DELETE"]),
            post(_BATCHES + "/{batch}/cancel", batches.cancel),
            Route(_BATCHES + "/{batch}/results", batches.results),
            Route("/v1/models", messages.models),
            Route("/v1/models/{model}", messages.model),
            *AdminEndpoints(engine).routes(),
            *SessionEndpoints(engine).routes(),
            post("/model/{model:path}/invoke", messages.bedrock),
            post("/model/{model:path}/invoke-with-response-stream", messages.bedrock),
            post("/model/{model:path}/converse", messages.converse),
            post("/model/{model:path}/converse-stream", messages.converse),
            post(_VERTEX, messages.vertex),
            post("/v1" + _VERTEX, messages.vertex),
            Route("/simulator/served", totals),
            Route("/simulator/scenarios", scenarios),
        ],
        exception_handlers={HTTPException: refuse},
    )
    app.state.engine = engine
    return app


def engine_of(app: Starlette) -> Engine:
    """The state behind an application."""
    engine: Engine = app.state.engine
    return engine


def served_by(app: Starlette) -> ServedLog:
    """What an application served."""
    return engine_of(app).served
