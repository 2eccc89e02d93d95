"""Labels: the attributes that every metric of a call has, bounded, made once for each distinct set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from . import conventions as c
from .bounds import Bounds
from .call import Caller
from .ledger import Key, Value
from .tags import Tags

_MOST_VALUES: Final = 200
"""Distinct models, workspaces, keys and so on, each."""
_MOST_KNOWN: Final = 4_000


class Labels(NamedTuple):
    """The same attributes as pairs, for the ledger, and as a mapping, for instruments."""

    key: Key
    attributes: Mapping[str, Value]


class Labeller:
    """Makes labels of what calls say of themselves. Values from outside are bounded in length and number."""

    def __init__(self, tag_limit: int) -> None:
        self._values = Bounds(_MOST_VALUES)
        self._tags = Bounds(tag_limit)
        self._known: dict[Any, Labels] = {}

    def of(
        self, caller: Caller, request_model: str | None, response_model: str | None, workspace: str | None, tags: Tags
    ) -> Labels:
        """The common attributes of a call's metrics."""
        given = (caller, request_model, response_model, workspace, tags)
        known = self._known.get(given)
        if known is None:
            known = self._make(*given)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[given] = known
        return known

    def value(self, kind: str, value: str) -> str:
        """A single value from outside, as a label."""
        return self._values.label(kind, value)

    def _make(
        self, caller: Caller, request_model: str | None, response_model: str | None, workspace: str | None, tags: Tags
    ) -> Labels:
        attributes: dict[str, Value] = {c.OPERATION_NAME: c.CHAT, c.PROVIDER_NAME: caller.provider}
        if caller.server_port is not None:
            attributes[c.SERVER_PORT] = caller.server_port
        for name, value in (
            (c.REQUEST_MODEL, request_model),
            (c.RESPONSE_MODEL, response_model),
            (c.SERVER_ADDRESS, caller.server_address),
            (c.WORKSPACE_ID, workspace),
            (c.API_KEY_HINT, caller.api_key_hint),
        ):
            if value is not None:
                attributes[name] = self._values.label(name, value)
        for key, value in tags:
            attributes[c.TAG_PREFIX + key] = self._tags.label(key, value)
        return Labels(tuple(attributes.items()), attributes)
