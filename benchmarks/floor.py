"""The floor: the OpenTelemetry calls that the design leaves on the hot path, and nothing else, where ours makes them.

What they are is learnt from ours, in another process: it makes one call with ours on and one without, and takes the
histogram records, with their attributes, and the attributes on the SDK's own span that are the difference. Then a seam
makes just those: `set_attributes` once, each record once with the span's context, and one lock-free append for the
ledger. What ours does beside it (reading headers and bodies, prices, the ledger's sums, containment) is above it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from opentelemetry import metrics, trace

from .telemetry import Telemetry

Work = dict[str, Any]
"""What one call makes: `attributes` of its span, and `records`: lists of name, unit, bounds, value, attributes."""
_MARK: Final = "benchmarks.floor"


def learn(telemetry: Telemetry, calls: dict[str, Callable[[], Any]], switch: Callable[[], None]) -> dict[str, Work]:
    """What ours, which `switch` switches on, makes of each of `calls`; by the body or event that tells its usage.

    Raises:
        RuntimeError: It makes nothing.
    """
    native = {kind: telemetry.span_of(call) for kind, call in calls.items()}
    switch()
    learnt: dict[str, Work] = {}
    for kind, call in calls.items():
        enriched, records = telemetry.span_of(call), telemetry.records_of(call)
        attributes = {name: value for name, value in enriched.items() if name not in native[kind]}
        if not attributes or not records:
            raise RuntimeError(f"nothing is learnt of {kind}: {attributes}, {records}")
        learnt[kind] = {"attributes": attributes, "records": records}
    return learnt


def install(learnt: dict[str, Work]) -> None:
    """Puts the seam in, for good."""
    base: Any = import_module("anthropic._base_client")
    meter = metrics.get_meter(_MARK)
    for owner in (base.SyncAPIClient, base.AsyncAPIClient):
        _replace(owner, "_process_response", _marking)
    work = {kind: (told["attributes"], [_record(meter, *r) for r in told["records"]]) for kind, told in learnt.items()}
    _replace(base.BaseClient, "_process_response_data", lambda original: _making(original, work))


def _replace(owner: Any, name: str, replacement: Callable[[Any], Any]) -> None:
    setattr(owner, name, replacement(owner.__dict__[name]))


def _record(
    meter: metrics.Meter, name: str, unit: str, bounds: list[float], value: float, attributes: dict[str, Any]
) -> tuple[Any, float, dict[str, Any]]:
    return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=bounds).record, value, attributes


def _marking(original: Any) -> Any:
    """Keeps the SDK's own span, which is not current while a stream is read."""

    def process_response(client: Any, *, response: Any, **kwargs: Any) -> Any:
        response.extensions[_MARK] = trace.get_current_span()
        return original(client, response=response, **kwargs)

    return process_response


def _making(original: Any, work_of: dict[str, tuple[dict[str, Any], list[Any]]]) -> Any:
    post = deque[Any](maxlen=64).append

    def process_response_data(client: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        work = work_of.get(data["type"])
        if work is not None:
            attributes, records = work
            span = response.extensions[_MARK]
            span.set_attributes(attributes)
            context = trace.set_span_in_context(span)
            for record, value, labels in records:
                record(value, labels, context)
            post(work)
        return original(client, data=data, cast_to=cast_to, response=response)

    return process_response_data
