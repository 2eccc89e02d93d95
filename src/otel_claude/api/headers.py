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


_Pair = tuple[bytes, bytes]
_Place = tuple[str, str, int]
"""The name of a limit, which field of it, and the place of the header that has it."""
_Getter = Callable[[tuple[Any, ...]], "tuple[Any, ...]"]


class HeaderLayout:
    """Which headers of a list say what. A server sends few lists. Compared by identity."""

    __slots__ = ("fields", "read_counts", "read_ids", "read_shares", "read_times")

    def __init__(self, ids: list[int], headers: list[_Place]) -> None:
        counts, shares, times = (
            [header for header in headers if header[1] in kind] for kind in (_COUNTS, ("utilization",), ("reset",))
        )
        self.fields = tuple((name, field) for name, field, _ in (*counts, *shares, *times))
        """What `ResponseHeaders.values` are, in their order."""
        self.read_ids: Callable[[tuple[Any, ...]], tuple[bytes | None, ...]] = itemgetter(*ids)
        self.read_counts, self.read_shares, self.read_times = map(_getter, (counts, shares, times))


def _getter(headers: list[_Place]) -> _Getter | None:
    """Reads the values at these places, in C. None if there are none."""
    places = [place for _, _, place in headers]
    if len(places) == 1:
        return lambda values: (values[places[0]],)  # `itemgetter` gives no tuple of one
    return itemgetter(*places) if places else None


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
_layouts: dict[bytes, HeaderLayout] = {}
"""By the names of the headers, each with a line break: no name has one, and one string is found faster than many."""
_NO_HEADER: Final = (b"", None)
"""Stands behind the headers, for each id that they do not have."""
_limit_names: set[str] = set()


class _TooLongError(ValueError):
    """A value is too long for what is made of it to be remembered by it."""


def parse_headers(raw: Iterable[_Pair]) -> ResponseHeaders:
    """The `ResponseHeaders` of raw header pairs. What is no number, or no time, is None. Hot path."""
    names, found = zip(*raw, _NO_HEADER, strict=False)
    try:
        layout = _layouts.get(b"\n".join(names)) or _layout(names)
        request_id, organization_id, workspace_id = layout.read_ids(found)
        values: tuple[Any, ...] = ()
        understood = True
        if layout.read_counts is not None:
            counts = layout.read_counts(found)
            try:
                values = tuple(map(int, counts))
                # `int` alone takes signs, blanks and underscores too.
                understood = b"".join(counts).isdigit() and max(values) <= _MAX_COUNT
            except ValueError:
                understood = False
            if not understood:
                values = tuple(map(_count, counts))
        if layout.read_shares is not None:
            values += tuple(map(_share, layout.read_shares(found)))
            if None in values:
                understood = False
        if layout.read_times is not None:
            times = tuple(map(_time, layout.read_times(found)))
            if None in times:
                understood = False
            values += times
        return _new_headers(
            (
                layout,
                values,
                understood,
                # As `as_text`: it is another one each time.
                text
                if request_id is not None
                and 0 < len(request_id) <= MAX_TEXT
                and (text := request_id.decode("latin-1")).isprintable()
                else None,
                None if organization_id is None else _account(organization_id),
                None if workspace_id is None else _account(workspace_id),
            )
        )
    except _TooLongError:
        return parse_headers(
            [(name, value if len(value) <= MAX_TEXT else b"") for name, value in zip(names[:-1], found, strict=False)]
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
    layout = HeaderLayout(
        ids, [(name, field, place) for name, fields in limits.items() for field, place in fields.items()]
    )
    joined = b"\n".join(names)
    if len(joined) <= _MAX_NAMES_SIZE and joined.count(b"\n") == len(names) - 1:
        if len(_layouts) >= _MAX_LAYOUTS:
            _layouts.clear()
        _layouts[joined] = layout
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
    """Seconds since the epoch, of RFC 3339 or of such seconds as the `unified` family sends."""
    if len(raw) > MAX_TEXT:
        raise _TooLongError
    if len(raw) > _MAX_VALUE:
        return None
    if raw.isdigit():
        return float(raw) if len(raw) <= _MAX_DIGITS else None
    return as_time(raw.decode("latin-1"))
