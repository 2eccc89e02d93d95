"""What is said of a failure of ours, so that the application never sees it; and whether a lock may be waited for.

Imports nothing of ours.
"""

from __future__ import annotations

import gc
import logging
import sys
import traceback
from threading import get_ident

logger = logging.getLogger("otel_claude")

_MAX_KINDS = 100
_logged: set[tuple[str, type[BaseException] | None]] = set()
collector: int | None = None
"""The thread that collects garbage. Python runs one collection at a time, and tells when it begins and ends."""


def log_internal_error(doing: str) -> None:
    """Logs the exception being handled, once per type and what was being done; its traceback at DEBUG.

    Used as `except Exception: log_internal_error("price a call")`, visible wherever a failure is contained. Neither
    line shows the exception's message, which could quote a body. Never raises.
    """
    kind, _, frames = sys.exc_info()
    if (doing, kind) in _logged or len(_logged) >= _MAX_KINDS:
        return
    _logged.add((doing, kind))
    name = kind.__name__ if kind else "an error"
    logger.warning(
        "otel-claude could not %s (%s). The application is not affected; some telemetry of this call is missing. "
        "Logged once: set the logger 'otel_claude' to DEBUG for the traceback.",
        doing,
        name,
    )
    # Formatting reads and parses the lines of code: not for a log that nobody keeps.
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("Traceback of %s:\n%s", name, "".join(traceback.format_tb(frames)))


def warn_once(text: str) -> None:
    """Logs a warning, once for each text."""
    if (text, None) not in _logged and len(_logged) < _MAX_KINDS:
        _logged.add((text, None))
        logger.warning("%s", text)


def in_garbage_collection() -> bool:
    """Whether this very thread collects garbage now: nothing may wait for a lock then.

    A collection can begin at any line, also at one that holds a lock of the metrics SDK, and closes the streams that it
    finds on the spot.
    """
    return collector is not None and collector == get_ident()


def _on_garbage_collection(phase: str, _info: dict[str, int]) -> None:
    global collector  # noqa: PLW0603 - one interpreter has one collector
    collector = get_ident() if phase == "start" else None


gc.callbacks.append(_on_garbage_collection)
