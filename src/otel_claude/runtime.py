"""What one `instrument()` sets up, whichever client library it is for: the recorder, and what it needs.

Imported only where a client library is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import Tracer

from . import pricing, semconv
from ._diagnostics import log_internal_error, logger
from .flush import FlushOnExit
from .settings import Settings
from .tags import Tags
from .tags import current as current_tags
from .telemetry.attributes import AttributeSets
from .telemetry.call import Call
from .telemetry.metrics import Instruments, instruments_of
from .telemetry.open_calls import release_open_calls
from .telemetry.recorder import Recorder
from .version import __version__


class Runtime:
    """The recorder of one `instrument()`, and its settings.

    Args:
        settings: What was configured.
        providers: The arguments of `instrument()`: `tracer_provider` and `meter_provider`, or none of them.
        complete_failed_call: As of `Recorder`.
    """

    active = True
    """Once it is not, a replacement that somebody kept passes through: those of a later `instrument()` act instead."""

    def __init__(
        self,
        settings: Settings,
        providers: dict[str, Any],
        complete_failed_call: Callable[[Recorder, Call, BaseException | None], None],
    ) -> None:
        self.settings = settings
        tracer = _tracer(providers.get("tracer_provider")) if settings.spans == "auto" else None
        self.instruments = _instruments(providers.get("meter_provider"), settings)
        if settings.legacy_metrics:
            self.instruments.add_legacy()
        self.recorder = Recorder(
            tracer,
            self.instruments,
            _price_table(settings.prices),
            legacy=settings.legacy_metrics,
            histogram_tags=settings.histogram_tags,
            complete_failed_call=complete_failed_call,
        )
        self.opens_spans = tracer is not None
        self.flush = FlushOnExit(settings, providers, traces=tracer is not None)

    def may_measure(self) -> bool:
        """Whether anything is measured now; sees to it then that it is exported when the process ends."""
        if not self.active or not is_instrumentation_enabled():
            return False
        self.flush.on_measure()
        return True

    def tags(self) -> Tags:
        """The tags that apply now. None where they cannot be read: they take no other number with them."""
        try:
            return current_tags(self.settings.baggage_tags)
        except Exception:
            log_internal_error("read the tags")
            return ()

    def stop(self) -> None:
        """Starts no further calls. Those that are open end with what is known; streams are seen to their end."""
        self.active = False
        self._release()

    def released(self) -> None:
        """The patches are removed: ends what was started meanwhile."""
        self._release()
        self.flush.stop()

    @staticmethod
    def _release() -> None:
        try:
            release_open_calls()
        except Exception:
            log_internal_error("release open calls")


def _tracer(provider: Any) -> Tracer | None:
    """None if there is none: calls are measured without a span then."""
    try:
        return trace.get_tracer(semconv.SCOPE, __version__, provider, semconv.SCHEMA_URL)
    except Exception:
        log_internal_error("get a tracer")  # The environment can name a provider that cannot be loaded.
        return None


def _instruments(provider: Any, settings: Settings) -> Instruments:
    """Those of the provider. If there is none, spans still get what is known: these keep nothing."""
    try:
        return instruments_of(
            provider,
            __version__,
            settings.tag_limit,
            tag_values=settings.tag_values,
            instance_id=settings.instance_id,
        )
    except Exception:
        log_internal_error("get a meter")  # As above.
        return Instruments(NoOpMeterProvider().get_meter(semconv.SCOPE, __version__), AttributeSets(settings.tag_limit))


def _price_table(path: str | None) -> Callable[[], pricing.PriceTable]:
    """Gives the price table, read on first use. A file of the user's with mistakes is ignored as a whole, loudly.

    What it gives never raises: without a table, all but the cost is measured.
    """

    @cache
    def table() -> pricing.PriceTable:
        if path is not None:
            try:
                return pricing.load(path)
            except pricing.PriceFileError as error:
                logger.error("OTEL_CLAUDE_PRICES is ignored, and the shipped prices are used: %s", error)
            except pricing.PriceTableError:
                pass  # It is merged over the shipped prices, of which the next step says that they are not there.
            except Exception:
                log_internal_error("read the file that OTEL_CLAUDE_PRICES names, so the shipped prices are used")
        try:
            return pricing.shipped()
        except Exception as error:
            logger.warning(
                "No call has a cost, and %s counts them as no_price_table: %s.", semconv.UNPRICED.name, error
            )
            return pricing.NO_PRICE_TABLE

    if path is not None:
        table()  # A mistake should show when the client library is imported, and not at the first call.
    return table
