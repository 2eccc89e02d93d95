"""When the models that this process uses retire on Anthropic's own platform, for their gauge.

Which are in use is read from what was counted, so that no call does anything for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.metrics import CallbackOptions, Observation

from .. import semconv
from .._diagnostics import log_internal_error
from ..pricing import ANTHROPIC, NO_PRICE_TABLE, PriceTable
from ..pricing.types import DAY
from .attributes import AttributeSet, AttributeSets
from .counters import Counters
from .instance_id import InstanceId

_USED: Final = ((semconv.CALLS.name, semconv.REQUEST_MODEL), (semconv.BATCH_RESULTS.name, semconv.RESPONSE_MODEL))
"""What counts uses of models, and where it names them. No result of a batch says which model was asked for."""


class Retirements:
    """The retirement of each model in use.

    Attributes:
        prices: gives the price table, whose dates win.
        of_library: gives the days that the client library has in a list of its own, by model.
    """

    def __init__(self, counters: Counters, sets: AttributeSets, instance_id: InstanceId) -> None:
        self.prices: Callable[[], PriceTable] = lambda: NO_PRICE_TABLE
        self.of_library: Callable[[], Mapping[str, int]] = dict
        self._counters = counters
        self._sets = sets
        self._instance_id = instance_id
        self.clear()

    def clear(self) -> None:
        """In a forked child: it has used nothing yet."""
        self._seen: Any = None
        self._found: list[tuple[AttributeSet, int]] = []

    def observe(self, _options: CallbackOptions) -> Sequence[Observation]:
        """The time of each. Never raises."""
        try:
            used = [self._counters.sets_of(metric) for metric, _ in _USED]
            # Sets are added and never taken away.
            seen = (self.prices, self.of_library, *map(len, used))
            if seen != self._seen:
                self._found, self._seen = self._find(), seen
            if not self._found:
                return ()
            attributes_of = self._instance_id.resolve()
            return [Observation(day * DAY, attributes_of(attributes)) for attributes, day in self._found]
        except Exception:
            log_internal_error(f"observe {semconv.RETIREMENT.name}")  # OpenTelemetry would log that at each one.
            return ()

    def _find(self) -> list[tuple[AttributeSet, int]]:
        models: dict[str, None] = {}
        for metric, name in _USED:
            for each in tuple(self._counters.sets_of(metric)):
                model = each.attributes.get(name)
                if isinstance(model, str) and each.attributes.get(semconv.SERVER_ADDRESS) in self._sets.own_addresses:
                    models[model] = None
        if not models:
            return []  # The price table is read for a call, and not for a collection.
        table, of_library = self.prices(), self.of_library()
        days = {model: of_library.get(model) if (day := table.retires(model)) is None else day for model in models}
        return [
            (self._sets.intern({semconv.PROVIDER_NAME: ANTHROPIC.name, semconv.REQUEST_MODEL: model}), day)
            for model, day in days.items()
            if day is not None
        ]
