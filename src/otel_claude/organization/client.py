"""Reader: asks the Admin API through the anthropic SDK, and gives whole lists or a Problem, never a part.

The only module here that knows the SDK (2.12.0 and later: older ones have no `organization`). Reads one credential,
ANTHROPIC_ADMIN_KEY's; no other is ever sent. ANTHROPIC_BASE_URL and proxies are the SDK's own.
"""

from __future__ import annotations

import os
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import anthropic

from .. import redact
from ..api.json import as_object
from ..version import __version__
from . import models
from .errors import ADMIN_KEY, NORMAL_KEY, VARIABLE, Moved, Problem, incomplete, refused, unreachable, unreadable
from .models import Json, Key, RateLimit, SpendLimit
from .reports import Range, Report, Totals, cost_with_speed, total, usage_with_speed

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

_KEY: Final = re.compile(r"[!-~]+")
"""What a header can hold, without spaces."""
_NUMBER: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_PAGE: Final = 1000
_MAX_PAGES: Final = 1000
_MAX_WAIT: Final = 60
"""Seconds before another attempt at one request."""
_MAX_RETRY_AFTER: Final = 86_400.0
_FRESH: Final = timedelta(minutes=5)
"""How late the reports are, by their documentation, where a response does not say it."""
_ATTEMPTS: Final = 3
"""How often a report that changed while it was read is read anew."""


class Reader:
    """Reads everything that an admin credential may see."""

    def __init__(self, key: str | None = None, *, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        """`key` or ANTHROPIC_ADMIN_KEY; `tls` in place of the SDK's; `options` are those of `anthropic.Anthropic`."""
        given = (key or os.environ.get(VARIABLE, "")).strip()
        if not given:
            raise Problem("no_key", f"{VARIABLE} is not set, nor {VARIABLE}_FILE. {ADMIN_KEY}")
        if not _KEY.fullmatch(given):
            # An HTTP library refuses to send it, and quotes it when it says so.
            wrong = "a character that no key has: a space, a line break, one that is not ASCII"
            raise Problem("wrong_key", f"{VARIABLE} holds {wrong}. Copy it again.")
        self._normal_key = given.startswith(NORMAL_KEY)
        self._secrets = (given, *redact.secrets_of(os.environ))
        headers = {"User-Agent": f"otel-claude/{__version__}"}
        usual: dict[str, Any] = {"timeout": 60.0, "max_retries": 2, "middleware": [_refuse_long_waits]}
        made: dict[str, Any] = {**usual, **options, "default_headers": headers}
        try:
            if "http_client" not in options:
                # A redirect would take the key to another host: HTTP libraries hold back `Authorization` alone.
                verify = True if tls is None else tls
                made["http_client"] = anthropic.DefaultHttpxClient(follow_redirects=False, verify=verify)
            # A credential that is given is the only one that the SDK looks at.
            self._client = anthropic.Anthropic(api_key=given, **made)
        except Exception as error:
            # Addresses of proxies and of the API, and headers of the user's: the message may quote any of them.
            raise Problem(
                "unreachable",
                "The Admin API cannot be asked: an address or a header in ANTHROPIC_BASE_URL, ANTHROPIC_CUSTOM_HEADERS "
                f"or a proxy's variable is not accepted ({type(error).__name__}).",
            ) from None

    def report(self, requested: Range) -> Report:
        """Cost and usage of a range, with their speed."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._report(requested)
            except Moved:
                continue
        return self._report(requested)

    def totals(self, requested: Range) -> Totals:
        """The list and billed amounts of a range as the API adds them up itself, for a check of the rows."""
        return total(models.parse_costs(self._cost_rows(requested, group_by=["cost_type", "token_type"])[0]))

    def key_requests(self, requested: Range) -> dict[str, int]:
        """Requests by the key's id. Keys without any are not in it."""
        counts: Counter[str] = Counter()
        for use in models.parse_usage(self._usage_rows(requested, group_by=["api_key_id"])[0]):
            if use.dimensions.key_id is not None and use.requests is not None:
                counts[use.dimensions.key_id] += use.requests
        return counts

    def api_keys(self) -> list[Key]:
        """All API keys, also those that are archived."""
        return self._list("API keys", models.parse_key, lambda: self._client.organization.api_keys.list(limit=_PAGE))

    def workspaces(self) -> dict[str, str]:
        """The names of all workspaces that are not archived, the default one too, by their ids."""
        ask = partial(self._client.organization.workspaces.list, limit=_PAGE, include_default=True)
        return dict(self._list("workspaces", models.parse_workspace, ask))

    def rate_limits(self, workspaces: Iterable[str]) -> list[RateLimit]:
        """The organization's limits, and what is set for one of the workspaces alone."""
        organization = self._client.organization
        asks = [organization.rate_limits.list]
        asks += [partial(organization.workspaces.rate_limits.list, workspace) for workspace in workspaces]
        groups = (self._list("rate limits", models.parse_rate_limits, ask) for ask in asks)
        return [limit for listed in groups for group in listed for limit in group]

    def spend_limits(self) -> list[SpendLimit]:
        """The caps in dollars. An early access preview in November 2026: most organizations have no list of them."""
        limits = self._client.beta.organization.spend_limits
        found = self._list("spend limits", models.parse_spend_limit, lambda: limits.list(limit=100))
        return [limit for limit in found if limit is not None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _report(self, requested: Range) -> Report:
        # Fast first: what comes in between is then standard, and not less than nothing.
        fast_cost, _ = self._cost_rows(requested, speeds=["fast"])
        cost, cost_as_of = self._cost_rows(requested)
        fast_usage, _ = self._usage_rows(requested, speeds=["fast"])
        usage, usage_as_of = self._usage_rows(requested)
        return Report(
            requested,
            cost_with_speed(models.parse_costs(cost), models.parse_costs(fast_cost)),
            usage_with_speed(models.parse_usage(usage), models.parse_usage(fast_usage)),
            min(cost_as_of, usage_as_of),
        )

    def _cost_rows(self, requested: Range, **more: Any) -> tuple[list[Json], datetime]:
        given = {**requested.parameters(cost=True), **more}
        return self._rows("cost report", lambda: self._client.beta.organization.analytics.cost.list(**given))

    def _usage_rows(self, requested: Range, **more: Any) -> tuple[list[Json], datetime]:
        given = {**requested.parameters(cost=False), **more}
        return self._rows("usage report", lambda: self._client.beta.organization.analytics.usage.list(**given))

    def _list(self, part: str, parse: Callable[[Json], T], first: Callable[[], Any]) -> list[T]:
        return models.parse_rows(parse, self._rows(part, first)[0], part)

    def _rows(self, part: str, first: Callable[[], Any]) -> tuple[list[Json], datetime]:
        """The rows of all pages, and when the API last refreshed them."""
        try:
            return self._pages(part, first)
        except Problem:
            raise
        except Exception as error:
            # Without the documented form the SDK fails in a form that is not documented either.
            raise unreadable(part, type(error).__name__) from None

    def _pages(self, part: str, first: Callable[[], Any]) -> tuple[list[Json], datetime]:
        rows: list[Mapping[str, Any]] = []
        page: Any = self._requested(part, first)
        as_of = getattr(page, "data_refreshed_at", None) or datetime.now(timezone.utc) - _FRESH
        if not isinstance(as_of, datetime) or as_of.tzinfo is None:
            raise unreadable(part, "data_refreshed_at is no time")
        for pages in count(1):
            data = cast("list[Any] | None", getattr(page, "data", None))
            if data is None:
                raise unreadable(part, "an answer has no data")
            # Its warnings would go to the terminal, with what they are about.
            rows += [item.to_dict(mode="json", warnings=False) for item in data]
            has_more = getattr(page, "has_more", None)
            if page.next_page_info() is None or has_more is False:
                if has_more:
                    raise incomplete(part, pages)
                break
            if pages == _MAX_PAGES:
                raise unreadable(part, f"there are more than {_MAX_PAGES} pages")
            try:
                page = self._requested(part, page.get_next_page)
            except Problem as problem:
                raise incomplete(part, pages, problem) from problem
        return rows, as_of.astimezone(timezone.utc)

    def _requested(self, part: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except anthropic.APIStatusError as error:
            raise refused(
                part,
                error.status_code,
                getattr(error, "error_code", None),
                self._message(error),
                normal_key=self._normal_key,
                retry_after=_retry_after(error),
            ) from None
        except anthropic.APITimeoutError:
            raise unreachable(part, "it took too long") from None
        except anthropic.APIConnectionError as error:
            raise unreachable(part, redact.reason(error.__cause__ or error)) from None
        except anthropic.APIError as error:
            raise unreadable(part, type(error).__name__) from None

    def _message(self, error: anthropic.APIStatusError) -> str:
        """The API's own words, on one line. They may repeat what it was sent."""
        message = as_object(as_object(error.body).get("error")).get("message")
        if not isinstance(message, str):
            return "without a reason"
        return redact.text(" ".join(message.split()), *self._secrets)[:200]


def _refuse_long_waits(request: Any, call_next: Callable[[Any], Any]) -> Any:
    """A middleware of the SDK's, which would sleep as long as a response says. Who asked decides that."""
    response = call_next(request)
    limits = {"retry-after": _MAX_WAIT, "retry-after-ms": _MAX_WAIT * 1000}
    waits = ((response.headers.get(name, "0"), limit) for name, limit in limits.items())
    if not all(_NUMBER.fullmatch(wait) and float(wait) <= limit for wait, limit in waits):
        response.headers["x-should-retry"] = "false"
    return response


def _retry_after(error: anthropic.APIStatusError) -> float | None:
    given = error.response.headers.get("retry-after", "")
    return min(float(given), _MAX_RETRY_AFTER) if _NUMBER.fullmatch(given) else None
