"""The floor: the OpenTelemetry calls that the design leaves on the hot path, and nothing else, where ours makes them.

What they are is learnt from ours: the histogram records that it makes of one call, with their attributes, and those
attributes on the SDK's own span that are not there without it. Then a patch makes just those: `set_attributes` once,
each record once with the span's context, and one lock-free append for the counters. What ours does beside it (reading
headers and bodies, prices, the counters' sums, containment) is above the floor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from importlib import import_module
from statistics import median
from time import thread_time_ns
from typing import Any, Final

from opentelemetry import metrics, trace

Work = dict[str, Any]
"""What one call makes: `attributes` of its span, and `records`: lists of name, unit, bounds, value, attributes."""
CALLS: Final = {"message": "create", "message_delta": "stream"}
"""The shapes of call that have a floor, of `measures.TIMES`, by what tells their usage."""
_MARK: Final = "benchmarks.floor"
_BLOCKS: Final = 20
_CALLS: Final = 500


def learnt(native: Work, ours: Work) -> Work:
    """What ours makes of a call beyond native tracing, of what each of them tells of one.

    Raises:
        ValueError: It makes nothing.
    """
    attributes = {name: value for name, value in ours["attributes"].items() if name not in native["attributes"]}
    if not attributes or not ours["records"] or native["records"]:
        raise ValueError(f"from {native} and {ours} no floor is learnt")
    return {"attributes": attributes, "records": ours["records"]}


def install(work: dict[str, Work]) -> None:
    """Installs the patch, for good. `work` is by the `type` of the body, or of the event, that has the usage."""
    base: Any = import_module("anthropic._base_client")
    meter = metrics.get_meter(_MARK)
    for owner in (base.SyncAPIClient, base.AsyncAPIClient):
        _replace(owner, "_process_response", _marking)
    made = {kind: (told["attributes"], [_record(meter, *r) for r in told["records"]]) for kind, told in work.items()}
    _replace(base.BaseClient, "_process_response_data", lambda original: _making(original, made))


def parts(work: Work) -> dict[str, float]:
    """Nanoseconds of CPU time of each call of the floor, over and over: with everything in the processor's caches."""
    meter, posts = metrics.get_meter(_MARK), deque[Any](maxlen=64)
    records = [_record(meter, *told) for told in work["records"]]
    tracer, attributes = trace.get_tracer(_MARK), work["attributes"]
    with tracer.start_as_current_span("floor") as span:
        context = trace.set_span_in_context(span)
        found = {
            f"`set_attributes` of {len(attributes)}": _took(lambda: span.set_attributes(attributes)),
            "`set_span_in_context`": _took(lambda: trace.set_span_in_context(span)),
            "append for the counters": _took(lambda: posts.append(work)),
        }
        for (name, *_), (record, value, labels) in zip(work["records"], records, strict=True):
            found[f"`record` of `{name}`"] = _took(partial(record, value, labels, context))
    return found


def _took(call: Callable[[], Any]) -> float:
    took: list[float] = []
    for _ in range(_BLOCKS):
        began = thread_time_ns()
        for _ in range(_CALLS):
            call()
        took.append((thread_time_ns() - began) / _CALLS)
    return median(took)


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
