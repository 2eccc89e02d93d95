"""Reader: asks the Admin API through the anthropic SDK, and gives whole lists or a Problem, never a part.

The only module here that knows the SDK (2.12.0 and later: older ones have no `organization`). Reads one credential,
ANTHROPIC_ADMIN_KEY; no other is ever sent. ANTHROPIC_BASE_URL and proxies are the SDK's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

import anthropic

from .. import redact
from ..version import __version__
from . import parse, reports
from .errors import (
    NORMAL_KEY,
    VARIABLE,
    Moved,
    Problem,
    incomplete,
    misconfigured,
    no_key,
    no_key_at_all,
    refused,
    unreachable,
    unreadable,
)
from .models import Key, RateLimit, SpendLimit, Workspace
from .reports import Range, Report

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
_Rows: TypeAlias = "tuple[list[Mapping[str, Any]], datetime]"
"""The rows of all pages, and when the API last refreshed them."""

_KEY: Final = re.compile(r"[!-~]+")
"""What a header can hold, without spaces."""
_PAGE: Final = 1000
_TIMEOUT: Final = 60.0
_RETRIES: Final = 2
_FRESH: Final = timedelta(minutes=5)
"""How late the reports are, by their documentation, where an answer does not say it."""
_ATTEMPTS: Final = 3
"""How often a report that changed while it was read is read anew."""


class Reader:
    """Reads everything that an admin credential may see."""

    def __init__(self, key: str | None = None, **options: Any) -> None:
        """`key` or ANTHROPIC_ADMIN_KEY; `options` are those of `anthropic.Anthropic`."""
        given = (key or os.environ.get(VARIABLE, "")).strip()
        if not given:
            raise no_key()
        if not _KEY.fullmatch(given):
            # An HTTP library refuses to send it, and quotes it when it says so.
            raise no_key_at_all()
        self._normal_key = given.startswith(NORMAL_KEY)
        given_options: dict[str, Any] = {"timeout": _TIMEOUT, "max_retries": _RETRIES} | options
        given_options["default_headers"] = {"User-Agent": f"otel-claude/{__version__}"}
        self._secrets = (given, *redact.secrets_of(os.environ))
        try:
            if "http_client" not in options:
                # A redirect would take the key to another host: HTTP libraries hold back `Authorization` alone.
                given_options["http_client"] = anthropic.DefaultHttpxClient(follow_redirects=False)
            # A credential that is given is the only one that the SDK looks at.
            self._client = anthropic.Anthropic(api_key=given, **given_options)
        except Exception as error:
            # Addresses of proxies and of the API, and headers of the user's: the message may quote any of them.
            raise misconfigured(type(error).__name__) from None

    def report(self, requested: Range) -> Report:
        """Cost and usage of a range, with their speed."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._report(requested)
            except Moved:
                continue
        return self._report(requested)

    def totals(self, requested: Range) -> reports.Totals:
        """The list and billed amounts of a range as the API adds them up itself, for a check of the rows."""
        given: dict[str, Any] = {**requested.requested(fast=False, cost=True), "group_by": ["cost_type", "token_type"]}
        rows, _ = self._rows("cost report", lambda: self._client.beta.organization.analytics.cost.list(**given))
        return reports.total(parse.costs(rows))

    def key_requests(self, requested: Range) -> dict[str, int]:
        """Requests by the key's id. Keys without any are not in it."""
        given: dict[str, Any] = {**requested.requested(fast=False, cost=False), "group_by": ["api_key_id"]}
        rows, _ = self._rows("usage report", lambda: self._client.beta.organization.analytics.usage.list(**given))
        counts: dict[str, int] = {}
        for use in parse.uses(rows):
            if use.dimensions.key_id is not None and use.requests is not None:
                counts[use.dimensions.key_id] = counts.get(use.dimensions.key_id, 0) + use.requests
        return counts

    def api_keys(self) -> list[Key]:
        """All API keys, also those that are archived."""
        return parse.keys(self._rows("API keys", lambda: self._client.organization.api_keys.list(limit=_PAGE))[0])

    def workspaces(self) -> list[Workspace]:
        """All workspaces that are not archived, the default one too."""
        rows, _ = self._rows(
            "workspaces", lambda: self._client.organization.workspaces.list(limit=_PAGE, include_default=True)
        )
        return parse.workspaces(rows)

    def rate_limits(self, workspaces: list[Workspace]) -> list[RateLimit]:
        """The organization's limits, and what is set for a workspace alone."""
        organization = self._client.organization
        found = parse.rate_limits(self._rows("rate limits", organization.rate_limits.list)[0])
        for workspace in workspaces:

            def own(of: str = workspace.id) -> Any:
                return organization.workspaces.rate_limits.list(of)

            found += parse.rate_limits(self._rows("rate limits", own)[0])
        return found

    def spend_limits(self) -> list[SpendLimit]:
        """The caps in dollars. An early access preview in November 2026: most organizations have no list of them."""
        rows, _ = self._rows("spend limits", lambda: self._client.beta.organization.spend_limits.list(limit=100))
        return parse.spend_limits(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _report(self, requested: Range) -> Report:
        analytics = self._client.beta.organization.analytics

        def cost_rows(*, fast: bool) -> _Rows:
            return self._rows("cost report", lambda: analytics.cost.list(**requested.requested(fast=fast, cost=True)))

        def use_rows(*, fast: bool) -> _Rows:
            return self._rows(
                "usage report", lambda: analytics.usage.list(**requested.requested(fast=fast, cost=False))
            )

        # Fast first: what comes in between is then standard, and not less than nothing.
        fast_cost, cost = cost_rows(fast=True), cost_rows(fast=False)
        fast_use, use = use_rows(fast=True), use_rows(fast=False)
        return Report(
            requested,
            reports.cost_with_speed(parse.costs(cost[0]), parse.costs(fast_cost[0])),
            reports.use_with_speed(parse.uses(use[0]), parse.uses(fast_use[0])),
            min(cost[1], use[1]),
        )

    def _rows(self, part: str, first: Callable[[], Any]) -> _Rows:
        """All pages, followed to the end."""
        rows: list[Mapping[str, Any]] = []
        page: Any = self._requested(part, first)
        as_of = getattr(page, "data_refreshed_at", None) or datetime.now(timezone.utc) - _FRESH
        pages = 1
        while True:
            data = cast("list[Any] | None", getattr(page, "data", None))
            if data is None:
                raise unreadable(part, "an answer has no data")
            rows += [item.to_dict(mode="json") for item in data]
            if page.next_page_info() is None or getattr(page, "has_more", True) is False:
                break
            try:
                page = self._requested(part, page.get_next_page)
            except Problem as problem:
                raise incomplete(part, pages, problem) from problem
            pages += 1
        if getattr(page, "has_more", False):
            raise incomplete(part, pages)
        return rows, as_of

    def _requested(self, part: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except anthropic.APIStatusError as error:
            raise refused(
                part,
                error.status_code,
                getattr(error, "error_code", None),
                _said(error, self._secrets),
                normal_key=self._normal_key,
                retry_after=_retry_after(error),
            ) from None
        except anthropic.APITimeoutError:
            raise unreachable(part, "it took too long") from None
        except anthropic.APIConnectionError as error:
            raise unreachable(part, redact.reason(error.__cause__ or error)) from None
        except anthropic.APIError as error:
            raise unreadable(part, type(error).__name__) from None


def _said(error: anthropic.APIStatusError, secrets: Sequence[str]) -> str:
    """The API's own words, on one line. They may repeat what it was sent."""
    body: Any = error.body
    if isinstance(body, dict):
        inner: Any = cast("dict[str, Any]", body).get("error")
        message: Any = cast("dict[str, Any]", inner).get("message") if isinstance(inner, dict) else None
        if isinstance(message, str):
            return redact.text(" ".join(message.split()), *secrets)[:200]
    return "without a reason"


def _retry_after(error: anthropic.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
