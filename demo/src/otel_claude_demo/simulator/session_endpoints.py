"""The endpoints of Managed Agents: agents, sessions, and events to sessions. Knows paths and bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otel_claude_demo.simulator.delivery import Whole
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.failures import Refused
from otel_claude_demo.simulator.jsons import Json, indented, moment
from otel_claude_demo.simulator.platforms import ANTHROPIC
from otel_claude_demo.simulator.request_context import RequestContext
from otel_claude_demo.simulator.sessions import Sessions

_SESSIONS: Final = "/v1/sessions"
_ONE: Final = _SESSIONS + "/{session}"

Say = Callable[[Request, Json], Json]


class SessionEndpoints:
    """The handlers of one simulated API."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = Sessions(engine)

    def routes(self) -> list[Route]:
        """All paths. A page has every session."""
        return [
            Route("/v1/agents", self._handler(self._employ), methods=["POST"]),
            Route(_SESSIONS, self._handler(self._create), methods=["POST"]),
            Route(_SESSIONS, self._handler(self._page)),
            Route(_ONE, self._handler(lambda request, _: self._session(request).json())),
            Route(_ONE + "/events", self._handler(self._send), methods=["POST"]),
        ]

    def _handler(self, say: Say) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            context = RequestContext(request, self.engine, ANTHROPIC)
            try:
                context.check_key()
                body = say(request, await context.body() if request.method == "POST" else {})
            except Refused as refused:
                return context.refusal(refused.failure, {})
            headers = context.headers({"content-type": "application/json"})
            return Whole(200, headers, indented(body), self.engine.stopping, context.record)

        return handle

    def _employ(self, _: Request, body: Json) -> Json:
        agent = self.sessions.employ(body)
        made = moment(agent.created)
        return {**agent.json(), "metadata": {}, "created_at": made, "updated_at": made, "archived_at": None}

    def _create(self, _: Request, body: Json) -> Json:
        return self.sessions.create(body).json()

    def _page(self, _: Request, __: Json) -> Json:
        return {"data": [session.json() for session in self.sessions.all()], "next_page": None, "prev_page": None}

    def _session(self, request: Request) -> Any:
        return self.sessions.get(request.path_params["session"])

    def _send(self, request: Request, body: Json) -> Json:
        return {"data": self.sessions.send(self._session(request), body)}
