"""Recorder: the sink of every call. Turns what a call tells into spans, postings and histograms. Knows no SDK."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from . import conventions as c
from . import neighbours, spans
from .bill import PICO, Bill, bill, bill_since
from .call import Call
from .contain import contained, logger
from .instruments import Instruments
from .labels import Labels
from .postings import Posting, billed_parts, labels_of, last_model
from .pricing import PriceTable
from .record import Attempt, Caller, CallRecord
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

    # A `Sink`, in the order in which a call tells it things.

    def began(self, call: Call) -> None:
        call.context = context.get_current()
        if self._tracer is None or not makes_spans(self._tracer):
            return
        if other := neighbours.neighbour():
            neighbours.tell(other)
            return
        if call.has_native_span:
            return
        model = call.request.model
        span = self._tracer.start_span(
            f"{c.CHAT} {model}" if model else c.CHAT, kind=SpanKind.CLIENT, attributes=spans.of_request(call)
        )
        call.span, call.owns_span = span, True
        call.context = trace.set_span_in_context(span, call.context)
        call.token = context.attach(call.context)

    def sending(self, call: Call) -> None:
        if call.span is None:
            span = trace.get_current_span()
            scope = getattr(span, "instrumentation_scope", None)
            if scope is not None and scope.name.startswith(c.NATIVE_SCOPE):
                call.context = trace.set_span_in_context(span, call.context)
                call.span = span if self._tracer is not None else None

    def described(self, call: Call) -> None:
        if (span := _native(call)) is not None:
            # What the SDK's own span has if it ends without a further word of ours, as that of a failed call does.
            unknown = {c.COST_STATUS: "unpriced", c.PRICE_TABLE: self._prices().name}
            span.set_attributes({**unknown, **spans.of_call(call)})

    def limited(self, call: Call, attempt: Attempt) -> None:
        if (span := _native(call)) is not None:
            span.set_attributes(spans.of_limits((attempt,)))
        labels = self._instruments.labels.of(call.caller, call.request.model, None, call.workspace_id, ())
        self._instruments.limits.seen(labels, attempt.limits)

    def retried(self, attempt: Attempt) -> None:
        call = attempt.call
        if attempt.delay is not None:
            labels = self._instruments.labels.of(call.caller, call.request.model, None, call.workspace_id, call.tags)
            self._histograms[c.RETRY_DELAY.name].record(attempt.delay, labels.attributes, call.context)
        if (span := _recording(call.span)) is not None:
            span.add_event(c.ATTEMPT_EVENT, spans.of_attempt(attempt))

    def known(self, call: Call) -> None:
        if (span := _native(call)) is not None:
            answers = tuple(call.answers.values())
            last = answers[-1] if answers else _REFUSED
            if not last.complete and call.parts_told is None:
                # What is set cannot be taken back, and what `message_start` says may be replaced. Each end is seen
                # before the SDK's span ends, so a stream that is left early has its cost then.
                return
            call.bill = bill(self._prices(), call, answers)
            attributes = spans.of_cost(call.bill, final=last.complete, before=call.parts_told)
            call.parts_told = call.bill.parts
            spans.add_usage(attributes, last.usage)
            span.set_attributes(attributes)

    def left(self, call: Call) -> None:
        if call.token is not None:
            context.detach(call.token)
            call.token = None

    def discarded(self, call: Call) -> None:
        if call.owns_span:
            call.span.end()

    def ended(self, record: CallRecord, *, finalizing: bool) -> None:
        if finalizing:
            # Recording a histogram, or ending a span, may wait for a lock that this very thread holds.
            self._late.append((record, time_ns()))
            # The SDK ends its own span right after this. Only that span's locks are taken, as the SDK does here too.
            if not record.owns_span and (span := _recording(record.span)) is not None:
                _describe(span, record, record.bill or bill(self._prices(), record, record.answers, record.missing))
            return
        self.settle()
        self._record(record, None)

    def result(self, record: CallRecord, since: float) -> None:
        """A result of a batch. It is no call: it has no span, and no histogram of calls has it."""
        told = bill_since(self._prices(), record, since)
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
        span = _recording(record.span)
        try:
            told = record.bill or bill(self._prices(), record, record.answers, record.missing)
            labels = self._post(record, told)
            if span is not None:
                _describe(span, record, told)
            self._measure(record, told, labels)
            if told.reasons:
                self._tell(record, told)
        except Exception:
            contained("recorded a call")
        try:
            if span is not None and record.owns_span:
                span.end(ended_at)
        except Exception:
            contained("ended a span")

    def _post(self, record: CallRecord, told: Bill) -> Labels:
        """Posts a call or a result to the ledger. Returns its labels."""
        labels = labels_of(record, self._instruments.labels, last_model(record))
        self._instruments.ledger.post(Posting(record, told, labels))
        return labels

    def _measure(self, record: CallRecord, told: Bill, labels: Labels) -> None:
        histograms, at = self._histograms, record.context
        plain, attributes = labels.attributes, labels.attributes
        if record.error_type is not None:
            attributes = labels.also((c.ERROR_TYPE, record.error_type)).attributes
        histograms[c.DURATION.name].record(record.duration, attributes, at)
        if record.time_to_first_chunk is not None and record.request.stream:
            histograms[c.TIME_TO_FIRST_CHUNK.name].record(record.time_to_first_chunk, plain, at)
        tokens_in, tokens_out = _tokens(record)
        if tokens_in is not None:
            histograms[c.CALL_INPUT_TOKENS.name].record(tokens_in, attributes, at)
        if tokens_out is not None:
            histograms[c.CALL_OUTPUT_TOKENS.name].record(tokens_out, attributes, at)
        if record.answers and told.status != "unpriced":
            histograms[c.CALL_COST.name].record(told.total / PICO, plain, at)
        if self._legacy:
            histograms[c.LEGACY_DURATION.name].record(record.duration, attributes, at)
            for kind, tokens in (("input", tokens_in), ("output", tokens_out)):
                if tokens is not None:
                    histograms[c.LEGACY_TOKEN_USAGE.name].record(tokens, {**attributes, c.LEGACY_TOKEN_TYPE: kind}, at)

    def _tell(self, record: CallRecord, told: Bill) -> None:
        """One line for each model without a price."""
        model = last_model(record)
        if "unknown_model" not in told.reasons or model in self._models_told:
            return
        if len(self._models_told) < _MOST_MODELS_TOLD:
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


def _recording(span: Any) -> Span | None:
    return span if span is not None and span.is_recording() else None


def _native(call: Call) -> Span | None:
    """The SDK's own span. It may end before the call does, so it is told at once what is known."""
    return None if call.owns_span else _recording(call.span)


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


def _describe(span: Span, record: CallRecord, told: Bill) -> None:
    usage = record.answers[-1].usage if record.answers else None
    attributes = spans.of_cost(told, final=True)
    spans.add_usage(attributes, usage)
    if not record.owns_span:
        span.set_attributes(attributes)
        return
    if record.error_type is not None:
        span.set_status(Status(StatusCode.ERROR))
    elif not record.stopped:
        span.set_status(Status(StatusCode.OK))
    limits = spans.of_limits(record.attempts)
    span.set_attributes({**attributes, **limits, **spans.of_call(record), **spans.of_answer(record)})
