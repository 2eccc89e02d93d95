"""The endpoints of the Admin API: reports, keys, workspaces, limits. Knows paths and credentials.

Errors are those of the official pages and of the SDK's error classes; where the text is not published, it is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otel_claude_demo.simulator import admin_query, reports
from otel_claude_demo.simulator.books import Key
from otel_claude_demo.simulator.delivery import Whole
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.failures import NOT_FOUND, Failure, Refused
from otel_claude_demo.simulator.jsons import Json, indented, moment
from otel_claude_demo.simulator.platforms import ANTHROPIC
from otel_claude_demo.simulator.request_context import RequestContext

ADMIN_KEY: Final = "sk-ant-admin"
ROOT: Final = "/v1/organizations"
_LARGEST: Final = 1000
_USUAL: Final = 20
_ANALYTICS_BETA: Final = "analytics-usage-cost-2026-08-24"
_SPEND_LIMITS_BETA: Final = "spend-limit-reads-2026-09-26"

_WRONG_KEY = Failure(401, "authentication_error", "invalid x-api-key")
_DENIED = Failure(403, "permission_error", "The API key lacks the scope the request needs.", "api_key_scope_missing")
_INDIVIDUAL = Failure(
    400,
    "invalid_request_error",
    "The Admin API is unavailable for individual accounts.",
    "organization_type_not_supported",
)
_NOT_ENABLED = Failure(
    400, "invalid_request_error", "Listing spend limits is not enabled.", "organization_type_not_supported"
)

Page = Callable[[Request], Json]


class AdminEndpoints:
    """The handlers of one simulated organization."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cursors = admin_query.Cursors()

    def routes(self) -> list[Route]:
        """All paths."""
        pages: dict[str, Page] = {
            "/analytics/cost": self._cost,
            "/analytics/usage": self._usage,
            "/usage_report/messages": self._usage_report,
            "/cost_report": self._cost_report,
            "/api_keys": self._keys,
            "/workspaces": self._workspaces,
            "/workspaces/{workspace}/rate_limits": self._workspace_limits,
            "/rate_limits": self._rate_limits,
            "/spend_limits": self._spend_limits,
        }
        return [Route(ROOT + path, self._handler(page)) for path, page in pages.items()]

    def _handler(self, page: Page) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            context = RequestContext(request, self.engine, ANTHROPIC)
            try:
                self._check(context)
                body = page(request)
            except Refused as refused:
                return context.refusal(refused.failure, {})
            headers = context.headers({"content-type": "application/json"})
            del headers["anthropic-workspace-id"]  # an admin credential belongs to none
            return Whole(200, headers, indented(body), self.engine.stopping, context.record)

        return handle

    def _check(self, context: RequestContext) -> None:
        """Who asks, whether it may, and what is to go wrong."""
        set_ = self.engine.organization_settings
        context.check_key()
        context.choose("", "")
        context.scenario.refuse(context.attempt)
        if not (context.secret or "").startswith(ADMIN_KEY):
            raise Refused(_WRONG_KEY)
        if set_.individual:
            raise Refused(_INDIVIDUAL)
        if any(context.request.url.path.endswith(end) for end in set_.denied):
            raise Refused(_DENIED)
        if set_.failures and (failure := set_.failures.pop(0)) is not None:
            raise Refused(failure)

    def _cost(self, request: Request) -> Json:
        def items() -> list[list[Json]]:
            query, split = admin_query.analytics(request.query_params, self.engine.clock(), cost=True)
            discount = self.engine.organization_settings.discount
            return [list(reports.cost_items(row, split, discount)) for row in self._rows(query)]

        return self._report(request, items)

    def _usage(self, request: Request) -> Json:
        def items() -> list[list[Json]]:
            query, _ = admin_query.analytics(request.query_params, self.engine.clock(), cost=False)
            return [[reports.usage_item(row)] for row in self._rows(query)]

        return self._report(request, items)

    def _report(self, request: Request, items: Callable[[], list[list[Json]]]) -> Json:
        """A page of an analytics report. What a row fans out into does not count towards `limit`."""
        self._needs_beta(request, _ANALYTICS_BETA)
        refreshed = {"data_refreshed_at": moment(self._as_of())}
        data, next_page, known = self._page(request, items, _USUAL, refreshed)
        flat = [item for row in data for item in row]
        return {"data": flat, "has_more": next_page is not None, "next_page": next_page, **known}

    def _usage_report(self, request: Request) -> Json:
        query, limit = admin_query.older(
            request.query_params, self.engine.clock(), {"1m": 1440, "1h": 168, "1d": 31}, {"1m": 60, "1h": 24, "1d": 7}
        )
        return self._buckets(request, query, limit, reports.usage_bucket)

    def _cost_report(self, request: Request) -> Json:
        query, limit = admin_query.older(request.query_params, self.engine.clock(), {"1d": 31}, {"1d": 7})
        described = "description" in query.groups
        named = [name for name in query.groups if name == "workspace_id"]
        by = ("model", "service_tier", "context_window", "inference_geo") if described else ()
        query = reports.ReportQuery(query.start, query.end, query.width, (*named, *by), query.filters)
        discount = self.engine.organization_settings.discount
        return self._buckets(
            request, query, limit, lambda at, _, rows: reports.cost_bucket(at, rows, discount, described=described)
        )

    def _buckets(
        self,
        request: Request,
        query: reports.ReportQuery,
        limit: int,
        bucket: Callable[[int, int, list[reports.Row]], Json],
    ) -> Json:
        width = query.width or reports.WIDTHS["1d"]

        def items() -> list[Json]:
            found: dict[int, list[reports.Row]] = {}
            for row in self._rows(query, default_workspace=None):
                found.setdefault(row[0][0], []).append(row)
            starts = range(int(query.start), int(query.end), width)
            return [bucket(at, width, found.get(at, [])) for at in starts]

        data, next_page, _ = self._page(request, items, limit, {})
        return {"data": list(data), "has_more": next_page is not None, "next_page": next_page}

    def _page(
        self, request: Request, items: Callable[[], Sequence[Any]], usual: int | None, known: Json
    ) -> tuple[Sequence[Any], str | None, Json]:
        query = request.query_params
        about = f"{request.url.path}?{[pair for pair in query.multi_items() if pair[0] != 'page']}"
        cursor = query.get("page")
        everything, known = self.cursors.page(cursor, about) if cursor else (items(), known)
        limit = admin_query.whole(query.get("limit"), usual or max(1, len(everything)), max(_LARGEST, usual or 0))
        limit = min(limit, self.engine.organization_settings.page_size)
        return everything[:limit], self.cursors.keep(everything[limit:], about, known), known

    def _rows(self, query: reports.ReportQuery, default_workspace: str | None = "") -> list[reports.Row]:
        """The rows of a report. The older ones have null for the default workspace."""
        inventory = self.engine.inventory

        def dimensions(key: Key) -> dict[str, str | None]:
            workspace: str | None = inventory.workspace_of(key.key_hint)
            if default_workspace is None and workspace == self.engine.workspace:
                workspace = None
            return {
                "api_key_id": inventory.key_id(key.key_hint),
                "workspace_id": workspace,
                "model": key.model,
                "service_tier": key.service_tier,
                "speed": key.speed,
                "inference_geo": key.inference_geo,
                "context_window": key.context_window,
                "product": key.product,
            }

        as_of = self._as_of()
        lines = [(key, line) for key, line in self.engine.served.books.lines() if key.minute <= as_of]
        return reports.rows(lines, query, dimensions)

    def _as_of(self) -> float:
        return self.engine.clock() - self.engine.organization_settings.lag

    def _keys(self, request: Request) -> Json:
        query = request.query_params
        rows = self.engine.inventory.keys(self.engine.served.books.hints())
        rows = [row for row in rows if query.get("status") in {None, row["status"]}]
        return self._ids(request, [row for row in rows if _in_workspace(row["scope"], query.get("workspace_id"))])

    def _workspaces(self, request: Request) -> Json:
        rows = self.engine.inventory.workspaces()
        default = request.query_params.get("include_default") == "true"
        return self._ids(request, rows if default else rows[1:])

    def _ids(self, request: Request, rows: list[Json]) -> Json:
        """A page by ids."""
        query = request.query_params
        limit = min(
            admin_query.whole(query.get("limit"), _USUAL, _LARGEST), self.engine.organization_settings.page_size
        )
        names = [row["id"] for row in rows]
        after = query.get("after_id")
        rest = rows[names.index(after) + 1 :] if after in names else rows
        found = rest[:limit]
        return {
            "data": found,
            "has_more": len(rest) > limit,
            "first_id": found[0]["id"] if found else None,
            "last_id": found[-1]["id"] if found else None,
        }

    def _rate_limits(self, request: Request) -> Json:
        rows = _of_group(request, self.engine.inventory.rate_limits())
        if (model := request.query_params.get("model")) is not None:
            rows = [row for row in rows if model in row["models"]]
            if not rows:
                raise Refused(NOT_FOUND)
        return self._cursor_page(request, rows, None)

    def _workspace_limits(self, request: Request) -> Json:
        workspace = request.path_params["workspace"]
        if workspace not in {row["id"] for row in self.engine.inventory.workspaces()}:
            raise Refused(NOT_FOUND)
        inherited = request.query_params.get("include_inherited") == "true"
        rows = self.engine.inventory.workspace_limits(workspace, inherited=inherited)
        return self._cursor_page(request, _of_group(request, rows), None)

    def _spend_limits(self, request: Request) -> Json:
        self._needs_beta(request, _SPEND_LIMITS_BETA)
        if self.engine.organization_settings.spend_limits is None:
            raise Refused(_NOT_ENABLED)
        rows = self.engine.inventory.spend_limits()
        kinds = admin_query.many(request.query_params, "scope_type")
        wanted = request.query_params.get("workspace_id")
        rows = [row for row in rows if not kinds or row["scope"]["type"] in kinds]
        return self._cursor_page(request, [row for row in rows if _in_workspace(row["scope"], wanted)], _USUAL)

    def _cursor_page(self, request: Request, rows: list[Json], usual: int | None) -> Json:
        data, next_page, _ = self._page(request, lambda: rows, usual, {})
        return {"data": list(data), "next_page": next_page}

    @staticmethod
    def _needs_beta(request: Request, beta: str) -> None:
        if beta not in request.headers.get("anthropic-beta", ""):
            raise Refused(Failure(400, "invalid_request_error", f"This endpoint needs the beta header {beta}."))


def _in_workspace(scope: Json, workspace: str | None) -> bool:
    return workspace is None or scope.get("workspace_id") == workspace


def _of_group(request: Request, rows: list[Json]) -> list[Json]:
    kind = request.query_params.get("group_type")
    return [row for row in rows if kind in {None, row["group"]["type"]}]
