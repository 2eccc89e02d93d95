"""What one `instrument()` sets up, whichever client library it is for: the recorder, and what it needs.

Imported only where a client library is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from . import pricing, semconv
from ._diagnostics import log_internal_error, logger
from .settings import Settings
from .tags import Tags
from .tags import current as current_tags
from .telemetry import recorder
from .telemetry.metrics import instruments_of
from .telemetry.recorder import Recorder
from .version import __version__


class Runtime:
    """The recorder of one `instrument()`, and its settings.

    Args:
        settings: What was configured.
        providers: The arguments of `instrument()`: `tracer_provider` and `meter_provider`, or none of them.
        never_sent: Whether an exception of the client library says that a request cannot have reached the API.
    """

    active = True
    """Once it is not, a replacement that somebody kept passes through: those of a later `instrument()` act instead."""

    def __init__(
        self, settings: Settings, providers: dict[str, Any], never_sent: Callable[[BaseException], bool]
    ) -> None:
        self.settings = settings
        tracer = None
        if settings.spans == "auto":
            tracer = trace.get_tracer(semconv.SCOPE, __version__, providers.get("tracer_provider"))
        self.instruments = instruments_of(
            providers.get("meter_provider"), __version__, settings.tag_limit, instance_id=settings.instance_id
        )
        if settings.legacy_metrics:
            self.instruments.add_legacy()
        self.recorder = Recorder(
            tracer,
            self.instruments,
            _price_table(settings.prices),
            legacy=settings.legacy_metrics,
            histogram_tags=settings.histogram_tags,
            never_sent=never_sent,
        )
        self.opens_spans = tracer is not None

    def may_measure(self) -> bool:
        """Whether anything is measured now."""
        return self.active and is_instrumentation_enabled()

    def tags(self) -> Tags:
        """The tags that apply now."""
        return current_tags(self.settings.baggage_tags)

    def stop(self) -> None:
        """Starts no further calls. Those that are open end with what is known; streams are seen to their end."""
        self.active = False
        self._release()

    def released(self) -> None:
        """The patches are removed: ends what was started meanwhile."""
        self._release()

    @staticmethod
    def _release() -> None:
        try:
            recorder.release_open_calls()
        except Exception:
            log_internal_error("release open calls")


def _price_table(path: str | None) -> Callable[[], pricing.PriceTable]:
    """Gives the price table, read on first use. A file of the user's with mistakes is ignored as a whole, loudly."""

    @cache
    def table() -> pricing.PriceTable:
        if path is not None:
            try:
                return pricing.load(path)
            except pricing.PriceFileError as error:
                logger.error("OTEL_CLAUDE_PRICES is ignored, and the shipped prices are used: %s", error)
        return pricing.shipped()

    if path is not None:
        table()  # A mistake should show when the client library is imported, and not at the first call.
    return table
