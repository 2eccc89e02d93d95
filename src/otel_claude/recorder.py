"""Recorder: the sink of every call. Turns what a call tells into spans, postings and histograms. Knows no SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import time_ns
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Tracer

from . import conventions as c
from . import neighbours, span_parts, spans
from .bill import PICO, Bill, Spent, bill, bill_since, unpriced
from .call import Call
from .contain import contained, logger
from .instruments import Instruments
from .labels import Labels
from .postings import Posting, billed_parts, labels_of, last_model
from .pricing import PriceTable
from .record import Attempt, Caller, CallRecord
from .span_parts import describe, end, native, recording, set_status
from .tags import Tags
from .tracers import makes_spans
from .wire import Answer, Usage

_MOST_MODELS_TOLD: Final = 100


class Recorder:
    """Records calls with a tracer, the instruments of a meter provider, and a price table."""

    def __init__(
        self, tracer: Tracer | None, instruments: Instruments, prices: Callable[[], PriceTable], *, legacy: bool
    ) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._prices = prices
        self._histograms = instruments.histograms
        self._legacy = legacy
        self._models_told: set[str | None] = set()
        instruments.settle = self.settle
        self._late = instruments.late

    # A `Sink`, in the order in which a call tells it things. Nothing here raises, and what fails takes nothing else
    # with it: each step that stands by itself has its own `try`.

    def began(self, call: Call) -> None:
        try:
            call.context = context.get_current()
            self._open(call)
        except Exception:
            # A sampler or a span processor of the application's raised. The call is measured without a span.
            contained("opened a span")

    def _open(self, call: Call) -> None:
        if self._tracer is None or not makes_spans(self._tracer):
            return
        if other := neighbours.neighbour():
            neighbours.tell(other)
            return
        if call.has_native_span:
            return
        model = call.request.model
        span = self._tracer.start_span(
            f"{c.CHAT} {model}" if model else c.CHAT, kind=SpanKind.CLIENT, attributes=span_parts.asked(call)
        )
        call.span, call.owns_span = span, True
        call.context = trace.set_span_in_context(span, call.context)
        call.token = context.attach(call.context)

    def sending(self, call: Call) -> None:
        if call.span is None:
            try:
                span = trace.get_current_span()
                scope = getattr(span, "instrumentation_scope", None)
                if scope is not None and scope.name.startswith(c.NATIVE_SCOPE):
                    call.context = trace.set_span_in_context(span, call.context)
                    call.span = span if self._tracer is not None else None
            except Exception:
                contained("looked for the SDK's own span")

    def described(self, call: Call) -> None:
        if (span := native(call)) is not None:
            # What the SDK's own span has if it ends without a further word of ours, as that of a failed call does.
            describe(span, span_parts.DESCRIBED, call, unpriced(self._prices().name))

    def limited(self, call: Call, attempt: Attempt) -> None:
        if (span := native(call)) is not None:
            describe(span, span_parts.LIMITED, attempt)
        labels = self._instruments.labels.of(call.caller, call.request.model, None, call.workspace_id, ())
        try:
            self._instruments.limits.seen(labels, attempt.limits)
        except Exception:
            contained("kept the limits")

    def retried(self, attempt: Attempt) -> None:
        call = attempt.call
        if attempt.delay is not None:
            labels = self._instruments.labels.of(call.caller, call.request.model, None, call.workspace_id, call.tags)
            try:
                self._histograms[c.RETRY_DELAY.name].record(
                    attempt.delay, self._instruments.measured(labels), call.context
                )
            except Exception:
                contained(f"recorded {c.RETRY_DELAY.name}")
        try:
            if (span := recording(call.span)) is not None:
                span.add_event(c.ATTEMPT_EVENT, spans.of_attempt(attempt))
        except Exception:
            contained("told a span of an attempt")

    def known(self, call: Call) -> None:
        if (span := native(call)) is not None:
            answers = tuple(call.answers.values())
            last = answers[-1] if answers else _REFUSED
            if not last.complete and call.parts_told is None:
                # What is set cannot be taken back, and what `message_start` says may be replaced. Each end is seen
                # before the SDK's span ends, so a stream that is left early has its cost then.
                return
            call.bill = self._bill(call, answers, None if answers else "refused")
            describe(span, span_parts.KNOWN, last, call.bill, call.parts_told)
            call.parts_told = call.bill.parts

    def left(self, call: Call) -> None:
        if call.token is not None:
            try:
                context.detach(call.token)
            except Exception:
                contained("left a span")
            call.token = None

    def discarded(self, call: Call) -> None:
        if call.owns_span:
            end(call.span)

    def ended(self, record: CallRecord, *, finalizing: bool) -> None:
        if finalizing:
            # Recording a histogram, or ending a span, may wait for a lock that this very thread holds.
            self._late.append((record, time_ns()))
            # The SDK ends its own span right after this. Only that span's locks are taken, as the SDK does here too.
            if not record.owns_span and (span := recording(record.span)) is not None:
                describe(span, span_parts.NATIVE_ENDED, record, self._told(record))
            return
        self.settle()
        self._record(record, None)

    def result(self, record: CallRecord, since: float) -> None:
        """A result of a batch. It is no call: it has no span, and no histogram of calls has it."""
        try:
            told = bill_since(self._prices(), record, since)
        except Exception:
            contained("priced a result of a batch")
            told = unpriced(missing=record.missing)
        self._post(record, told)
        if told.reasons:
            self._tell(record, told)

    def batch_labels(self, caller: Caller, workspace: str | None, tags: Tags) -> Labels:
        """The attributes of what is measured of batches as such."""
        return self._instruments.labels.of(caller, None, None, workspace, tags, c.BATCH)

    def settle(self) -> None:
        """Records the calls that finalizers ended."""
        while self._late:
            try:
                record, ended_at = self._late.popleft()
            except IndexError:
                return  # Another thread settles too.
            self._record(record, ended_at)

    def _record(self, record: CallRecord, ended_at: int | None) -> None:
        told = self._told(record)
        labels = self._post(record, told)
        span = recording(record.span)
        if span is not None:
            if record.owns_span:
                set_status(span, record)
            describe(span, span_parts.ENDED if record.owns_span else span_parts.NATIVE_ENDED, record, told)
        self._measure(record, told, labels)
        if told.reasons:
            self._tell(record, told)
        if span is not None and record.owns_span:
            end(span, ended_at)

    def _told(self, record: CallRecord) -> Bill:
        return record.bill or self._bill(record, record.answers, record.missing)

    def _bill(self, call: Spent, answers: tuple[Answer, ...], missing: str | None = None) -> Bill:
        try:
            return bill(self._prices(), call, answers, missing)
        except Exception:
            contained("priced a call")
            return unpriced(missing=missing)

    def _post(self, record: CallRecord, told: Bill) -> Labels:
        """Posts a call or a result to the ledger. Returns its labels."""
        labels = labels_of(record, self._instruments.labels, last_model(record))
        try:
            self._instruments.ledger.post(Posting(record, told, labels))
        except Exception:
            contained("posted a call")
        return labels

    def _measure(self, record: CallRecord, told: Bill, labels: Labels) -> None:
        at = record.context
        try:
            for name, value, attributes in _measurements(
                record, told, labels, self._instruments.measured, legacy=self._legacy
            ):
                try:
                    self._histograms[name].record(value, attributes, at)
                except Exception:
                    contained(f"recorded {name}")
        except Exception:
            contained("measured a call")

    def _tell(self, record: CallRecord, told: Bill) -> None:
        """One line for each model without a price."""
        if "unknown_model" in told.reasons:
            try:
                self._warn(last_model(record), told)
            except Exception:
                contained("told of a model without a price")

    def _warn(self, model: str | None, told: Bill) -> None:
        if model not in self._models_told and len(self._models_told) < _MOST_MODELS_TOLD:
            self._models_told.add(model)
            logger.warning(
                "No price is known for the model %r, so its calls are counted in %s and not in %s. Upgrade otel-claude "
                "(its price table is of %s), or give the price in a file named by OTEL_CLAUDE_PRICES.",
                self._instruments.labels.value(c.RESPONSE_MODEL, model or ""),
                c.UNPRICED.name,
                c.COST.name,
                told.table,
            )


_REFUSED: Final = Answer(complete=True)
_NO_USAGE: Final = Usage()


Measurement = tuple[str, "int | float", Mapping[str, Any]]
"""A histogram's name, what it is told, and the attributes."""
Measured = Callable[[Labels], Mapping[str, Any]]
"""Gives the attributes of what a histogram records."""


def _measurements(
    record: CallRecord, told: Bill, labels: Labels, measured: Measured, *, legacy: bool
) -> Iterator[Measurement]:
    plain = attributes = measured(labels)
    if record.error_type is not None:
        attributes = measured(labels.also((c.ERROR_TYPE, record.error_type)))
    yield c.DURATION.name, record.duration, attributes
    if record.time_to_first_chunk is not None and record.request.stream:
        yield c.TIME_TO_FIRST_CHUNK.name, record.time_to_first_chunk, plain
    if record.answers and told.status != "unpriced":
        yield c.CALL_COST.name, told.total / PICO, plain
    if legacy:
        yield c.LEGACY_DURATION.name, record.duration, attributes
    # Last, as counting them may fail.
    tokens_in, tokens_out = _tokens(record)
    if tokens_in is not None:
        yield c.CALL_INPUT_TOKENS.name, tokens_in, attributes
    if tokens_out is not None:
        yield c.CALL_OUTPUT_TOKENS.name, tokens_out, attributes
    if legacy:
        for kind, tokens in (("input", tokens_in), ("output", tokens_out)):
            if tokens is not None:
                yield c.LEGACY_TOKEN_USAGE.name, tokens, {**attributes, c.LEGACY_TOKEN_TYPE: kind}


def _tokens(record: CallRecord) -> tuple[int | None, int | None]:
    """Total input and output of a call, as billed. What is not known of one answer is not known of all."""
    if not record.answers:
        # What the API refused, or what was never sent, used none; of what got no answer nothing is known.
        return (0, 0) if record.missing in ("refused", "not_sent") else (None, None)
    total: tuple[int | None, int | None] = (0, 0)
    for answer in record.answers:
        for part in billed_parts(answer.usage or _NO_USAGE):
            total = _sum(total[0], part.total_input), _sum(total[1], part.output if answer.complete else None)
    return total


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
