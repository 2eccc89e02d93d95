"""Tagging: which tags apply in a context, as a stack of layers: one for each `with tags(...)` that is open.

The end of a block takes its own layer away, wherever it lies, and restores no older state: blocks inside generators end
in another order than they began, or in another context, or never. Knows contexts and nothing of Claude.
"""

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, NamedTuple

Tags = tuple[tuple[str, str], ...]
"""Pairs of key and value, sorted by key."""

_DEEPEST: Final = 1_000
"""Layers of one context. Abandoned async generators leave theirs; what lies deeper can no longer be taken away."""


class TagScope(NamedTuple):
    """The tags of one block, over the layers of the blocks around it. `tags` is all of them together."""

    parent: "TagScope | None"
    owner: object
    """Compared by identity."""
    own: Tags
    tags: Tags
    depth: int


top: Final[ContextVar[TagScope | None]] = ContextVar("otel_claude_tags", default=None)
"""The innermost layer of a context."""


def push(parent: TagScope | None, owner: object, own: Tags) -> TagScope:
    """A layer of `owner` over another."""
    if parent is None:
        return TagScope(None, owner, own, own, 1)
    if parent.depth >= _DEEPEST:
        parent = TagScope(None, None, parent.tags, parent.tags, 1)
    return TagScope(parent, owner, own, merged(parent.tags, own), parent.depth + 1)


def merged(outer: Tags, inner: Tags) -> Tags:
    """Both; of a key that both have, the inner value."""
    return tuple(sorted({**dict(outer), **dict(inner)}.items()))


def pop_scope(owner: object) -> None:
    """The innermost layer of `owner` ends. If it began in another context, nothing is to be done in this one."""
    innermost = layer = top.get()
    while layer is not None and layer.owner is not owner:
        layer = layer.parent
    if layer is not None:
        top.set(_moved(innermost, layer, layer.parent))


class GeneratorScope:
    """The layers of a generator's body: they apply while it takes a step, and are kept for it in between.

    Entered around each step. Beneath them lie those of who asks for the step, which may be another each time.
    """

    __slots__ = ("_inside", "_outside", "_token")

    def __init__(self, owner: object, own: Tags) -> None:
        self._outside: TagScope | None = None
        self._inside: TagScope | None = push(None, owner, own)

    def __enter__(self) -> None:
        outside = top.get()
        if outside is not self._outside:
            self._inside = _moved(self._inside, self._outside, outside)
            self._outside = outside
        self._token: Token[TagScope | None] = top.set(self._inside)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._inside = top.get()
        try:
            top.reset(self._token)
        except ValueError:
            # A step that waits can be thrown away in another context, which has no layer of ours.
            return


def _moved(layer: TagScope | None, end: TagScope | None, onto: TagScope | None) -> TagScope | None:
    """The layers from `layer` down to `end`, which is left out, laid over others."""
    layers: list[TagScope] = []
    while layer is not None and layer is not end:
        layers.append(layer)
        layer = layer.parent
    for each in reversed(layers):
        onto = push(onto, each.owner, each.own)
    return onto
