"""The calls that have started and not ended, and what becomes of them when nothing more will be seen of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from .call import Call

open_calls: Final[dict[Call, tuple[Callable[..., None], Callable[[Call], None]]]] = {}
"""Each with what ends it, and what forgets it. Removing one is atomic, which makes an end happen once."""


def end_open_calls() -> None:
    """Ends every call that is still open, with what is known: the process is about to exit."""
    for call, (end, _) in list(open_calls.items()):
        end(call, cancelled=True)


def release_open_calls() -> None:
    """Ends or forgets the calls of which nothing more will be seen: the patches are about to be removed.

    A stream that is being read is seen to its end. What got no response yet is forgotten: it may well succeed.
    """
    for call, (end, forget) in list(open_calls.items()):
        last = call.attempts[-1] if call.attempts else None
        if call.responses or (last is not None and last.http_response is not None):
            continue
        if last is not None and last.outcome == "success":
            end(call, cancelled=True)
        else:
            forget(call)


def forget_open_calls() -> None:
    """Forgets every open call: this is a forked child, and they are its parent's."""
    open_calls.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_open_calls)
