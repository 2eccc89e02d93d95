"""Containment: what every hop does with a failure of ours, so that the application never sees it.

Used as `except Exception: contained("where")`, visible at each hop. Imports nothing of ours.
"""

from __future__ import annotations

import logging
import sys
import traceback

logger = logging.getLogger("otel_claude")

_MOST_KINDS = 100
_told: set[tuple[str, type[BaseException] | None]] = set()


def contained(hop: str) -> None:
    """Logs the exception being handled, once per hop and type; its traceback at DEBUG.

    Neither shows the exception's message, which could quote a body. Never raises.
    """
    kind, _, frames = sys.exc_info()
    if (hop, kind) in _told or len(_told) >= _MOST_KINDS:
        return
    _told.add((hop, kind))
    name = kind.__name__ if kind else "an error"
    logger.warning(
        "otel-claude failed while it %s (%s). The application is not affected; some telemetry of this call is missing. "
        "Logged once: set the logger 'otel_claude' to DEBUG for the traceback.",
        hop,
        name,
    )
    # Formatting reads and parses the lines of code: not for a log that nobody keeps.
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("Traceback of %s:\n%s", name, "".join(traceback.format_tb(frames)))
