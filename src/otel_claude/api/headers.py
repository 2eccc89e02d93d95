"""What a response's headers say: who was served, and each rate limit, of whatever family and name.

Source: Anthropic's rate-limit page (August 2026); the `unified` headers of subscriptions are undocumented. Read once
for every attempt: which headers there are is worked out once for each set of names, and values are read in C.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from .json import MAX_TEXT, as_text, as_time

_LIMIT: Final = re.compile(
    rb"anthropic-(ratelimit|priority|fast)-([a-z0-9-]{1,60})-(limit|remaining|reset|utilization)", re.IGNORECASE
)
_COUNTS: Final = ("limit", "remaining")
_IDS: Final = ("request-id", "anthropic-organization-id", "anthropic-workspace-id")
_MAX_LIMITS: Final = 32
"""Limits read of one response. The API sends at most a dozen."""
_MAX_LIMIT_NAMES: Final = 100
"""Names of limits that are known in the process: they become attributes' values, and names of span attributes."""
_MAX_LAYOUTS: Final = 64
"""Sets of header names remembered in the process: they come from outside."""
_MAX_NAMES_SIZE: Final = 8_192
"""Bytes of a set of header names that is remembered. Those of the API are shorter."""
_MAX_VALUE: Final = 64
"""Bytes of a limit's value. Numbers and times are shorter, and times are remembered."""
_MAX_DIGITS: Final = 18
_MAX_COUNT: Final = 10**_MAX_DIGITS - 1
"""What OTLP's 64-bit integers hold."""


class RateLimit(NamedTuple):
    """One rate limit. `reset` is when it is full again, in seconds since the epoch; `utilization` is 0 to 1."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    utilization: float | None = None
    reset: float | None = None


_Header = tuple[bytes, ...]
"""The name first, and the value last."""
_Place = tuple[str, str, int]
"""The name of a limit, which field of it, and the place of the header that has it."""


class HeaderLayout:
    """Which headers of a list say what. A server sends few lists. Compared by identity."""

    __slots__ = ("counts_end", "fields", "read", "shares_end")

    def __init__(self, ids: list[int], headers: list[_Place]) -> None:
        counts, shares, times = (
            [header for header in headers if header[1] in kind] for kind in (_COUNTS, ("utilization",), ("reset",))
        )
        limits = [*counts, *shares, *times]
        self.fields = tuple((name, field) for name, field, _ in limits)
        """What `ResponseHeaders.values` are, in their order."""
        self.counts_end, self.shares_end = len(counts), len(counts) + len(shares)
        """Which of them are counts, shares and times."""
        self.read = itemgetter(*(place for _, _, place in limits), *ids)
        """Gives the headers that `fields` name, and those of the three `_IDS`."""


class ResponseHeaders(NamedTuple):
    """The ids and the limits in a response's headers. Every header is optional off the first-party API.

    `values` are those of `layout.fields`: numbers, shares and times (seconds since the epoch). None: not understood.
    `understood` says that there is no None among them.
    """

    layout: HeaderLayout
    values: tuple[Any, ...] = ()
    understood: bool = True
    request_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None


_new_headers: Callable[[tuple[Any, ...]], ResponseHeaders] = partial(tuple[Any, ...].__new__, ResponseHeaders)
_layouts: dict[tuple[bytes, ...], HeaderLayout] = {}
"""By the names of the headers."""
_NAME: Final = itemgetter(0)
_VALUE: Final = {2: itemgetter(1), 3: itemgetter(2)}
"""Of a header, by how long it is. CPython reads a place that is counted from the end in a slower way."""
_NO_HEADER: Final = (b"", b"", b"")
"""Stands behind the headers, for each id that they do not have."""
_limit_names: set[str] = set()
_SECONDS_AT: Final = len("2026-11-22T12:00:")
_SECONDS: Final = {b"%02dZ" % second: second for second in range(60)}
_minutes: dict[bytes, float] = {}
"""When minutes began, in seconds since the epoch, by what comes before the seconds of a time in RFC 3339."""
_MAX_MINUTES: Final = 64


class _TooLongError(ValueError):
    """A value is too long for what is made of it to be remembered by it."""


def parse_headers(raw: Iterable[_Header]) -> ResponseHeaders:
    """The `ResponseHeaders` of raw headers. What is no number, or no time, is None. Hot path.

    `raw`: of each header its name and its value, or with something between them as httpx keeps them.
    """
    headers = [*raw, _NO_HEADER]
    names = tuple(map(_NAME, headers))
    layout = _layouts.get(names) or _layout(names)
    try:
        *limits, request_id, organization_id, workspace_id = map(_VALUE[len(headers[0])], layout.read(headers))
        values: tuple[Any, ...] = ()
        if counts := limits[: layout.counts_end]:
            try:
                values = tuple(map(int, counts))
                # `int` alone takes signs, blanks and underscores too.
                plain = b"".join(counts).isdigit() and max(values) <= _MAX_COUNT
            except ValueError:
                plain = False
            if not plain:
                values = tuple(map(_count, counts))
        if shares := limits[layout.counts_end : layout.shares_end]:
            values += tuple(map(_share, shares))
        values += tuple(map(_time, limits[layout.shares_end :]))
        return _new_headers(
            (
                layout,
                values,
                None not in values,
                # As `as_text`: it is another one each time.
                text
                if 0 < len(request_id) <= MAX_TEXT and (text := request_id.decode("latin-1")).isprintable()
                else None,
                _account(organization_id),
                _account(workspace_id),
            )
        )
    except _TooLongError:
        return parse_headers(
            [(header[0], header[-1] if len(header[-1]) <= MAX_TEXT else b"") for header in headers[:-1]]
        )


def rate_limits(layout: HeaderLayout, values: tuple[Any, ...]) -> tuple[RateLimit, ...]:
    """The limits in the values of a layout, in the order in which the headers name them."""
    found: dict[str, dict[str, Any]] = {}
    for (name, field), value in zip(layout.fields, values, strict=True):
        if value is not None:
            found.setdefault(name, {})[field] = value
    limits: list[RateLimit] = []
    for name, parts in found.items():
        limit, remaining = parts.get("limit"), parts.get("remaining")
        if "utilization" not in parts and limit and remaining is not None:
            # More than the limit can remain: the two are not read at one moment.
            parts["utilization"] = max(0.0, 1 - remaining / limit)
        limits.append(RateLimit(name, **parts))
    return tuple(limits)


def _layout(names: tuple[bytes, ...]) -> HeaderLayout:
    """`anthropic-fast-input-tokens-limit` is the field `limit` of the limit `fast_input_tokens`."""
    ids = [len(names) - 1] * len(_IDS)
    limits: dict[str, dict[str, int]] = {}
    for place, key in enumerate(names):
        if (lowered := key.lower().decode("latin-1")) in _IDS:
            ids[_IDS.index(lowered)] = place
        elif match := _LIMIT.fullmatch(key):
            family, name, field = (part.decode("ascii").lower() for part in match.groups())
            name = (name if family == "ratelimit" else f"{family}_{name}").replace("-", "_")
            if name in limits or (len(limits) < _MAX_LIMITS and _is_known(name)):
                limits.setdefault(name, {})[field] = place
    found = [(name, field, place) for name, fields in limits.items() for field, place in fields.items()]
    layout = HeaderLayout(ids, found)
    if sum(map(len, names)) <= _MAX_NAMES_SIZE:
        if len(_layouts) >= _MAX_LAYOUTS:
            _layouts.clear()
        _layouts[names] = layout
    return layout


def _is_known(name: str) -> bool:
    if name not in _limit_names and len(_limit_names) < _MAX_LIMIT_NAMES:
        _limit_names.add(name)
    return name in _limit_names


@lru_cache(maxsize=64)
def _account(raw: bytes) -> str | None:
    """The id of an organization or a workspace: a process sees few."""
    if len(raw) > MAX_TEXT:
        raise _TooLongError
    return as_text(raw.decode("latin-1"))


def _count(raw: bytes) -> int | None:
    return int(raw) if raw.isdigit() and len(raw) <= _MAX_DIGITS else None


def _share(raw: bytes) -> float | None:
    # An underscore is Python's own notation of numbers, and nobody else's.
    if len(raw) > _MAX_VALUE or b"_" in raw:
        return None
    try:
        value = float(raw)
    except ValueError:
        return None
    # A limit that is overrun is full: reported as more than 1, as those of subscriptions may be.
    return min(value, 1.0) if 0 <= value < math.inf else None


@lru_cache(maxsize=64)
def _time(raw: bytes) -> float | None:
    """Seconds since the epoch, of RFC 3339 or of such seconds as the `unified` family sends. Hot path.

    Each response has times of its own. Those of one minute differ in their seconds alone.
    """
    try:
        return _minutes[raw[:_SECONDS_AT]] + _SECONDS[raw[_SECONDS_AT:]]
    except KeyError:
        pass  # it is the first of its minute, or is written in another way
    if len(raw) > MAX_TEXT:
        raise _TooLongError
    if len(raw) > _MAX_VALUE:
        return None
    if raw.isdigit():
        return float(raw) if len(raw) <= _MAX_DIGITS else None
    time = as_time(raw.decode("latin-1"))
    if time is not None and (seconds := _SECONDS.get(raw[_SECONDS_AT:])) is not None:
        if len(_minutes) >= _MAX_MINUTES:
            _minutes.clear()
        _minutes[raw[:_SECONDS_AT]] = time - seconds
    return time
