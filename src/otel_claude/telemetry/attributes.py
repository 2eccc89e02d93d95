"""Attribute sets of metrics: values are bounded, and equal sets are one object, so that no call hashes attributes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .. import semconv
from .._diagnostics import log_internal_error
from ..pricing import ANTHROPIC
from ..semconv import OTHER
from ..tags import Tags, is_value
from .call import ClientInfo

Value = str | int | bool
Attributes = dict[str, Value]
Pair = tuple[str, "Value | None"]

_MAX_VALUES: Final = 200
"""Distinct models, workspaces, keys, error types and so on, each."""
_MAX_DERIVED: Final = 256
"""Sets made from one by adding attributes, that are remembered."""
_MAX_KNOWN: Final = 1_000
"""Sets by what calls say, that are remembered. More than a process has at a time; what is forgotten is found again."""
_MAX_SETS: Final = 10_000
"""Sets that are kept, each as one object. More than a process can have of bounded values."""


class CardinalityLimiter:
    """The distinct values of each attribute seen in this process, up to `limit` of one attribute.

    `allowed`: all values of the attributes that have a list of them; those have no limit.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.allowed: dict[str, set[str]] = {}
        self.seen: dict[str, set[str]] = {}

    def bound(self, name: str, value: str) -> str:
        """`value` if the attribute `name` may have it, else `_other`. `name` must not come from outside."""
        seen = self.seen.get(name)
        if seen is None:
            seen = self.seen.setdefault(name, set())
        if value in seen or value == OTHER:
            return value
        allowed = self.allowed.get(name)
        fits = len(seen) < self.limit and is_value(value) if allowed is None else value in allowed
        if not fits:
            return OTHER
        seen.add(value)
        return value


class AttributeSet:
    """One set of attributes, and those made from it by adding some. Compared by identity: equal sets are one object."""

    __slots__ = ("_derived", "_sets", "attributes", "exported")

    def __init__(self, attributes: dict[str, Value], sets: AttributeSets) -> None:
        self.attributes = attributes
        """Shared: never changed."""
        self.exported = attributes
        """With the process's id, where that is needed: kept by `InstanceId`."""
        self._sets = sets
        self._derived: dict[tuple[Pair, ...], AttributeSet] = {}

    def plus(self, *pairs: Pair) -> AttributeSet:
        """This set with further attributes. What is None is left out; strings may come from outside."""
        found = self._derived.get(pairs)
        if found is None:
            found = self._sets.intern({**self.attributes, **self._sets.bounded(pairs)})
            if len(self._derived) >= _MAX_DERIVED:
                self._derived.clear()
            self._derived[pairs] = found
        return found


class AttributeSets:
    """Makes attribute sets of what calls say. Values from outside are bounded in length and number."""

    def __init__(self, tag_limit: int, tag_values: Tags = ()) -> None:
        self._values = CardinalityLimiter(_MAX_VALUES)
        self._tags = CardinalityLimiter(tag_limit)
        self.own_addresses: set[Value | None] = set()
        """As `server.address`: where clients of Anthropic's own platform send calls."""
        self._known: dict[Any, AttributeSet] = {}
        self._interned: dict[Any, AttributeSet] = {}
        self.limit_tags(tag_limit, tag_values)

    def of(
        self,
        client: ClientInfo,
        request_model: str | None,
        response_model: str | None = None,
        workspace_id: str | None = None,
        tags: Tags = (),
        operation: str = semconv.CHAT,
    ) -> AttributeSet:
        """The attributes that all metrics of a call have in common, or of a batch."""
        key = (client, request_model, response_model, workspace_id, tags, operation)
        found = self._known.get(key)
        if found is None:
            try:
                found = self.make(*key)
            except Exception:
                log_internal_error("make the attributes of a call")
                found = self.intern(
                    {semconv.OPERATION_NAME: operation, semconv.PROVIDER_NAME: client.provider or OTHER}
                )
            self._keep(key, found)
        return found

    def make(
        self,
        client: ClientInfo,
        request_model: str | None,
        response_model: str | None,
        workspace_id: str | None,
        tags: Tags,
        operation: str = semconv.CHAT,
    ) -> AttributeSet:
        """The same, for who remembers it. Bounded values are few: calls of ever new models have one set."""
        varying = self.bounded(
            (
                (semconv.REQUEST_MODEL, request_model),
                (semconv.RESPONSE_MODEL, response_model),
                (semconv.WORKSPACE_ID, workspace_id),
            )
        )
        for name, value in tags:
            varying[semconv.TAG_PREFIX + name] = self._tags.bound(name, value)
        key = (client, operation, *varying.items())
        found = self._known.get(key)
        if found is None:
            constant = self.bounded(
                (
                    (semconv.OPERATION_NAME, operation),
                    (semconv.PROVIDER_NAME, client.provider),
                    (semconv.CLIENT_LIBRARY, client.library),
                    (semconv.SERVER_ADDRESS, client.server_address),
                    (semconv.SERVER_PORT, client.server_port),
                    (semconv.API_KEY_HINT, client.api_key_hint),
                )
            )
            if client.platform == ANTHROPIC:
                self.own_addresses.add(constant.get(semconv.SERVER_ADDRESS))
            found = self.intern(constant | varying)
            self._keep(key, found)
        return found

    def _keep(self, key: Any, found: AttributeSet) -> None:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[key] = found

    def limit_tags(self, limit: int, values: Tags = ()) -> None:
        """Another limit, and other lists of values, from now on. What was seen stays seen: its series are there."""
        allowed: dict[str, set[str]] = {}
        for key, value in values:
            allowed.setdefault(key, set()).add(value)
        if (limit, allowed) != (self._tags.limit, self._tags.allowed):
            self._tags.limit, self._tags.allowed = limit, allowed
            self._known.clear()

    def tag_values(self) -> list[tuple[AttributeSet, int]]:
        """How many distinct values each tag has, by the attributes that name its key."""
        seen = self._tags.seen
        return [(self.intern({semconv.TAG_KEY: key}), len(seen[key])) for key in tuple(seen)] if seen else []

    def intern(self, attributes: dict[str, Value]) -> AttributeSet:
        """The one object of these attributes."""
        key = frozenset(attributes.items())
        found = self._interned.get(key)
        if found is None:
            if len(self._interned) >= _MAX_SETS:
                self._interned.clear()
            # Another thread may have made it meanwhile: one series must not be two objects.
            found = self._interned.setdefault(key, AttributeSet(attributes, self))
        return found

    def bounded(self, pairs: Iterable[Pair]) -> dict[str, Value]:
        """Attributes of pairs. What is None is left out; strings may come from outside."""
        bound = self._values.bound
        return {
            name: bound(name, value) if isinstance(value, str) else value for name, value in pairs if value is not None
        }

    def bound(self, name: str, value: str) -> str:
        """One value from outside, as an attribute may have it."""
        return self._values.bound(name, value)
