"""Labels: the attributes of a call's metrics, bounded, and made once for each distinct set.

The same labels are the same object, and know the ledger's cells that are posted to together: no attributes are hashed
for a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from . import conventions as c
from .bounds import Bounds
from .contain import contained
from .ledger import Cell, Value
from .record import Caller
from .tags import Tags

_MOST_VALUES: Final = 200
"""Distinct models, workspaces, keys, error types and so on, each."""
_MOST_MADE: Final = 256
"""Sets made from one by adding attributes, that are remembered."""
_MOST_KNOWN: Final = 1_000
"""Sets as calls say them, that are remembered. More than a process has at a time; what is forgotten is found again."""
_MOST_SETS: Final = 10_000
"""Sets that are kept, each as one object. More than a process can have of bounded values, as good as always."""


Pair = tuple[str, "str | int | None"]
_Given = tuple[Caller, "str | None", "str | None", "str | None", Tags, str]
"""What a call says of itself: the arguments of `Labeller.of`."""


class Group:
    """Sums that are posted to together: each one's metric, and the attributes that it has beside the common ones."""

    def __init__(self, *sums: tuple[str, tuple[Pair, ...]]) -> None:
        self.sums = sums


class Labels:
    """One set of attributes, and those made from it by adding some."""

    __slots__ = ("_cells", "_marked", "_more", "_values", "attributes")

    def __init__(self, attributes: dict[str, Value], values: Bounds) -> None:
        self.attributes = attributes
        self._values = values
        self._more: dict[Any, Labels] = {}
        self._cells: dict[Any, tuple[Cell, ...]] = {}
        self._marked: dict[str, Value] = {}

    def marked(self, instance: str) -> dict[str, Value]:
        """The attributes, with the id of this process. One object as long as the id stays."""
        found = self._marked
        if found.get(c.INSTANCE_ID) != instance:
            # Not bounded: it is ours, and a child of many forks has another one than all before it.
            found = self._marked = {**self.attributes, c.INSTANCE_ID: instance}
        return found

    def also(self, *pairs: Pair) -> Labels:
        """These labels with further ones. What is None is left out; strings may come from outside."""
        found = self._more.get(pairs)
        if found is None:
            found = Labels(self._with(pairs), self._values)
            if len(self._more) >= _MOST_MADE:
                self._more.clear()
            self._more[pairs] = found
        return found

    def cells(self, group: Group, *pairs: Pair) -> tuple[Cell, ...]:
        """The cells of a group's sums with these labels and further ones, as in `also`."""
        found = self._cells.get((group, pairs))
        if found is None:
            found = tuple(Cell(metric, self._with((*pairs, *own))) for metric, own in group.sums)
            if len(self._cells) >= _MOST_MADE:
                self._cells.clear()
            self._cells[group, pairs] = found
        return found

    def _with(self, pairs: tuple[Pair, ...]) -> dict[str, Value]:
        return {**self.attributes, **bounded(self._values, pairs)}


class Labeller:
    """Makes labels of what calls say of themselves. Values from outside are bounded in length and number."""

    def __init__(self, tag_limit: int) -> None:
        self.tag_limit = tag_limit
        self._values = Bounds(_MOST_VALUES)
        self._tags = Bounds(tag_limit)
        self._known: dict[Any, Labels] = {}
        self._made: dict[Any, Labels] = {}

    def of(
        self,
        caller: Caller,
        request_model: str | None,
        response_model: str | None,
        workspace: str | None,
        tags: Tags,
        operation: str = c.CHAT,
    ) -> Labels:
        """The common attributes of a call's metrics, or of a batch's."""
        given = (caller, request_model, response_model, workspace, tags, operation)
        try:
            return self._known.get(given) or self._within(given)
        except Exception:
            contained("made labels")
            return self._least(operation, caller.provider)

    def limit_tags(self, limit: int) -> None:
        """Another limit from now on. What was seen stays seen: its series are there."""
        if limit != self.tag_limit:
            self.tag_limit = self._tags.limit = limit
            self._known.clear()

    def value(self, kind: str, value: str) -> str:
        """A single value from outside, as a label."""
        return self._values.label(kind, value)

    def _within(self, given: _Given) -> Labels:
        """The labels of what is said for the first time, or is beyond a limit and so shares those of `_other`."""
        caller, request_model, response_model, workspace, tags, operation = given
        within = (
            caller,
            request_model and self._values.label(c.REQUEST_MODEL, request_model),
            response_model and self._values.label(c.RESPONSE_MODEL, response_model),
            workspace and self._values.label(c.WORKSPACE_ID, workspace),
            tuple([(key, self._tags.label(key, value)) for key, value in tags]),
            operation,
        )
        if within != given:
            return self.of(*within)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found = self._known[given] = self._one(given)
        return found

    def _least(self, operation: str, provider: str) -> Labels:
        """Labels that nothing from outside is in: numbers are worth more than what tells them apart."""
        attributes: dict[str, Value] = {c.OPERATION_NAME: operation, c.PROVIDER_NAME: provider}
        # Limits compare labels by identity.
        return self._made.setdefault(tuple(attributes.items()), Labels(attributes, self._values))

    def _one(self, given: _Given) -> Labels:
        """The one object of these labels: callers can differ in what is none."""
        caller, request_model, response_model, workspace, tags, operation = given
        attributes = bounded(
            self._values,
            (
                (c.OPERATION_NAME, operation),
                (c.PROVIDER_NAME, caller.provider),
                (c.REQUEST_MODEL, request_model),
                (c.RESPONSE_MODEL, response_model),
                (c.SERVER_ADDRESS, caller.server_address),
                (c.SERVER_PORT, caller.server_port),
                (c.WORKSPACE_ID, workspace),
                (c.API_KEY_HINT, caller.api_key_hint),
            ),
        )
        for key, value in tags:
            attributes[c.TAG_PREFIX + key] = value
        key = tuple(attributes.items())
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= _MOST_SETS:
                self._made.clear()
            # Another thread may have made them meanwhile: limits of two objects would be two series of the same name.
            found = self._made.setdefault(key, Labels(attributes, self._values))
        return found


def bounded(values: Bounds, pairs: Iterable[Pair]) -> dict[str, Value]:
    """Attributes of pairs. What is None is left out; strings may come from outside."""
    return {
        name: _value(values, name, value) if isinstance(value, str) else value
        for name, value in pairs
        if value is not None
    }


def _value(values: Bounds, name: str, value: str) -> str:
    try:
        return values.label(name, value)
    except Exception:
        contained("made a label")
        return c.OTHER
