"""Span parts: what a span is told, in parts that fail by themselves: one leaves all others, and nothing here raises.

`spans` knows what each part is made of. Here is which span is told what, and when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry.trace import Span, Status, StatusCode

from . import spans
from .bill import Bill
from .call import Call
from .contain import contained
from .record import Attempt, CallRecord
from .spans import Attributes
from .wire import Answer

_Parts = tuple[Callable[..., Attributes], ...]


def recording(span: Any) -> Span | None:
    """The span, if it takes attributes."""
    try:
        return span if span is not None and span.is_recording() else None
    except Exception:
        contained("asked a span whether it records")
        return None


def native(call: Call) -> Span | None:
    """The SDK's own span. It may end before the call does, so it is told at once what is known."""
    return None if call.owns_span else recording(call.span)


def asked(call: Call) -> Attributes:
    """What a span of ours starts with."""
    return _made((_request,), call)


def describe(span: Span, parts: _Parts, *told: Any) -> None:
    """Tells a span what these parts make of `told`."""
    attributes = _made(parts, *told)
    try:
        span.set_attributes(attributes)
    except Exception:
        contained("described a span")


def set_status(span: Span, record: CallRecord) -> None:
    """Of a span of ours."""
    try:
        if record.error_type is not None:
            span.set_status(Status(StatusCode.ERROR))
        elif not record.stopped:
            span.set_status(Status(StatusCode.OK))
    except Exception:
        contained("set the status of a span")


def end(span: Any, ended_at: int | None = None) -> None:
    """Ends a span of ours; `ended_at` is in nanoseconds since the epoch."""
    try:
        span.end(ended_at)
    except Exception:
        contained("ended a span")


def _made(parts: _Parts, *told: Any) -> Attributes:
    attributes: Attributes = {}
    for part in parts:
        try:
            attributes.update(part(*told))
        except Exception:
            contained(f"described the{part.__name__.replace('_', ' ')} on a span")
    return attributes


def _request(call: Call) -> Attributes:
    return spans.of_request(call)


def _shape(call: Call, _told: Bill) -> Attributes:
    return spans.of_call(call)


def _cost_so_far(_call: Call, told: Bill) -> Attributes:
    return spans.of_cost(told, final=False)


def _limits(attempt: Attempt) -> Attributes:
    return spans.of_limits((attempt,))


def _cost_of_answer(answer: Answer, told: Bill, before: tuple[int, ...] | None) -> Attributes:
    return spans.of_cost(told, final=answer.complete, before=before)


def _usage_of_answer(answer: Answer, _told: Bill, _before: tuple[int, ...] | None) -> Attributes:
    return spans.of_usage(answer.usage)


def _cost(_record: CallRecord, told: Bill) -> Attributes:
    return spans.of_cost(told, final=True)


def _usage(record: CallRecord, _told: Bill) -> Attributes:
    return spans.of_usage(record.answers[-1].usage if record.answers else None)


def _all_limits(record: CallRecord, _told: Bill) -> Attributes:
    return spans.of_limits(record.attempts)


def _call(record: CallRecord, _told: Bill) -> Attributes:
    return spans.of_call(record)


def _answer(record: CallRecord, _told: Bill) -> Attributes:
    return spans.of_answer(record)


DESCRIBED: Final[_Parts] = (_cost_so_far, _shape)
"""What the SDK's own span is told of a call and its bill before that is sent."""
LIMITED: Final[_Parts] = (_limits,)
"""The same, of an attempt whose headers came."""
KNOWN: Final[_Parts] = (_cost_of_answer, _usage_of_answer)
"""The same, of an answer, the bill so far, and the parts of the cost that the span has already."""
NATIVE_ENDED: Final[_Parts] = (_cost, _usage)
"""The same, of a record and its bill."""
ENDED: Final[_Parts] = (_cost, _usage, _all_limits, _call, _answer)
"""What a span of ours is told of them."""
