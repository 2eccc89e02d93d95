"""Writes the telemetry of calls: spans, histograms, counter increments, rate limits. It alone acts on a `Call`.

Patches of client libraries call it, in this order: `on_start`, `on_attempt`, `on_headers`, `on_response_data`,
`on_retry`, `end_call`. Knows no client library.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from operator import methodcaller
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import NoOpTracer, Tracer

from .. import _diagnostics, semconv
from .._diagnostics import log_internal_error
from ..api.batches import BatchResult
from ..api.headers import parse_headers
from ..api.request import measure_request
from ..api.response import Response, merge_message_delta, parse_message, parse_message_start
from ..pricing import CallCost, PriceTable, not_priced, price_batch_result, price_call, to_usd
from . import conflicts, span_attributes
from .attributes import Attributes
from .batches import TimeRange
from .call import NATIVE_SCOPES, Attempt, Call
from .counters import MAX_PENDING
from .increments import BatchOwner, call_increments, result_increments, tokens_of
from .metrics import Instruments
from .open_calls import open_calls
from .own_span import close_span, end_span, open_span
from .series import CallSeries, SeriesKey
from .unknown_models import warn_of_unknown_model

_SPAN_KEY: Final[str | None] = getattr(trace, "_SPAN_KEY", None)
_span_in: Callable[[Any], Any] = trace.get_current_span if _SPAN_KEY is None else methodcaller("get", _SPAN_KEY)
"""The span of a context: `get_current_span` runs six functions to look where opentelemetry-api 1.30 to 1.45 has it."""
_DAY: Final = 86_400
_OK: Final = 200
_MAX_SERIES: Final = 1_000
"""Kinds of calls that are remembered. More than a process has at a time; what is forgotten is made again."""


class Recorder:
    """Records calls with a tracer, the instruments of a meter provider, and a price table.

    Args:
        tracer: For spans of ours. None: spans are neither opened nor enriched.
        instruments: Those of one meter provider.
        prices: Gives the price table, which is read when it is first needed.
        legacy: Whether the metrics' names of before September 2026 are recorded too.
        histogram_tags: Whether tags are attributes of histograms too.
        complete_failed_call: Adds what the client library's patches know of a call that ends without a response.
    """

    def __init__(
        self,
        tracer: Tracer | None,
        instruments: Instruments,
        prices: Callable[[], PriceTable],
        *,
        legacy: bool = False,
        histogram_tags: bool = False,
        complete_failed_call: Callable[[Recorder, Call, BaseException | None], None],
    ) -> None:
        self.tracer = tracer
        self.instruments = instruments
        self.prices = instruments.retirements.prices = prices
        self._legacy = legacy
        self._histogram_tags = histogram_tags
        self._complete_failed_call = complete_failed_call
        self._series: dict[Any, CallSeries] = {}
        self._end, self._forget = self.end_call, self.forget
        record_of = instruments.record_of
        self._duration = record_of(semconv.DURATION)
        self._first_chunk = record_of(semconv.TIME_TO_FIRST_CHUNK)
        self._input_tokens = record_of(semconv.CALL_INPUT_TOKENS)
        self._output_tokens = record_of(semconv.CALL_OUTPUT_TOKENS)
        self._cost = record_of(semconv.CALL_COST)
        self._retry_delay = record_of(semconv.RETRY_DELAY)

    # What fails takes nothing else with it: each step that stands by itself has its own `try`, which costs nothing.

    def on_start(self, call: Call) -> None:
        """The method was called: opens and enters a span of ours, unless the call has another one."""
        open_calls[call] = self._end, self._forget
        try:
            if not call.expects_native_span:
                call.context = context.get_current()
                if self.tracer is not None and can_record(self.tracer):
                    open_span(self.tracer, call)
        except Exception:
            # A sampler or a span processor of the application's raised. The call is measured without a span.
            log_internal_error("open a span")

    def on_attempt(self, call: Call, body: object) -> Attempt:
        """A request was built and is about to be sent: the library's own span is current, if there is one."""
        attempt = Attempt(call, len(call.attempts))
        call.attempts.append(attempt)
        call.cost = None
        if attempt.number == 0:
            try:
                if call.expects_native_span:
                    self._adopt_native_span(call)
            except Exception:
                log_internal_error("find the client library's span")
            try:
                call.size = measure_request(body, breakpoints=call.span is not None)
            except Exception:
                log_internal_error("measure a request")
        return attempt

    def _adopt_native_span(self, call: Call) -> None:
        call.context = context.get_current()
        if self.tracer is None:
            return
        span = _span_in(call.context)
        scope = getattr(span, "instrumentation_scope", None)
        if (
            scope is not None
            and scope.name.startswith(call.native_scopes)
            and span.is_recording()
            and type(span.end) is not partial
        ):
            # A span whose `end` was replaced before belongs to a call around this one, and this one has no span.
            # The library ends its span when it likes: before an exception reaches us, or when a stream is dropped.
            # So what we know is written just before, once, whatever ends it. A span that wraps another may pass on
            # what is assigned to it, so it is put where the span itself is looked up.
            end = partial(self._end_native_span, call, span)
            try:
                # Not by `span.__dict__`: CPython would make that dictionary, and use it ever after.
                object.__setattr__(span, "end", end)
            except TypeError:
                span.__dict__["end"] = end  # a proxy in C, as wrapt's
            call.span = span
            return
        if call.opens_own_span and can_record(self.tracer):
            open_span(self.tracer, call)

    def _end_native_span(self, call: Call, span: Any, *args: Any, **kwargs: Any) -> None:
        """Stands for the `end` of the library's own span."""
        _restore_end(span)
        try:
            if not call.ended and not call.responses:
                self._complete_failed_call(self, call, sys.exc_info()[1])  # That may end the call, and describe it.
            if call.span is not None:
                call.span = None
                cost = call.cost or self._price(call)
                span.set_attributes(span_attributes.of_call(call, cost, self.prices))
        except Exception:
            log_internal_error("describe a call on a span")
        finally:
            span.end(*args, **kwargs)

    def on_headers(self, attempt: Attempt, status: int, raw: Any) -> None:
        """A response's status and headers (raw pairs) are here. Only the first report of an attempt counts."""
        if attempt.status is not None:
            return
        attempt.status = status
        call = attempt.call
        try:
            layout, values, understood, request_id, organization_id, workspace_id = parse_headers(raw)
        except Exception:
            log_internal_error("read the headers of a response")
            return
        if request_id is not None:
            call.request_id = request_id
        if organization_id is not None:
            call.organization_id = organization_id
        if workspace_id is not None:
            call.workspace_id = workspace_id
        if values:
            attempt.layout = layout
            attempt.rate_limits = values
            attempt.limits_understood = understood
            try:
                self.instruments.rate_limits.update(call.client, call.request.model, call.workspace_id, layout, values)
            except Exception:
                log_internal_error("keep the rate limits")

    def on_response_data(self, attempt: Attempt, data: object) -> None:  # noqa: C901, PLR0912 - flat, so that it is fast
        """A body, or one event of a stream, was decoded. Hot path: once for each event."""
        call = attempt.call
        body: dict[str, Any] = data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]
        kind = body.get("type")
        if kind == "content_block_delta":
            if call.time_to_first_chunk is None:
                call.time_to_first_chunk = time.perf_counter() - call.clock
            return
        if call.ended:
            return
        call.cost = None  # if it was worked out, that was too early
        responses, number = call.responses, attempt.number
        try:
            if kind == "message" or (kind is None and "usage" in body):
                response = parse_message(body)
                if responses:  # It can be decoded twice: under middleware, or when a raw response is parsed again.
                    responses.pop(number, None)
                responses[number] = response
                if call.returned:
                    self.end_call(call)
            elif kind == "message_delta":
                responses[number] = merge_message_delta(responses.get(number, _NO_RESPONSE), body)
            elif kind == "message_start":
                response = parse_message_start(body)
                responses.pop(number, None)
                responses[number] = response
            elif kind == "message_stop":
                response = responses.get(number)
                if response is None:
                    call.no_usage_reason = call.no_usage_reason or "no_usage"
                elif not response.complete:  # Some gateways give no stop reason.
                    responses[number] = response._replace(complete=True)
                self.end_call(call)
            elif not attempt.streams and number not in responses:
                attempt.fail_as_invalid()
                if call.returned:
                    self.end_call(call)
        except Exception:
            call.no_usage_reason = "pricing_error"
            log_internal_error("read a response's body")

    def on_retry(self, attempt: Attempt, delay: float) -> None:
        """The library is about to wait `delay` seconds and to send the request again."""
        call = attempt.call
        attempt.outcome = "retried"
        attempt.delay = delay
        try:
            tags = call.tags if self._histogram_tags else ()
            attributes = self.instruments.sets.of(call.client, call.request.model, None, call.workspace_id, tags)
            exported = self.instruments.instance_id.resolve()(attributes)
            self._retry_delay(delay, exported, call.context)
        except Exception:
            log_internal_error(f"record {semconv.RETRY_DELAY.name}")
        try:
            if call.span is not None and call.span.is_recording():
                call.span.add_event(semconv.ATTEMPT_EVENT, span_attributes.of_attempt(attempt))
        except Exception:
            log_internal_error("describe an attempt on a span")

    def detach(self, call: Call) -> None:
        """The method returns or raises: leaves what `on_start` entered."""
        token, call.context_token = call.context_token, None
        if token is not None:
            try:
                context.detach(token)
            except Exception:
                log_internal_error("leave a span")

    def end_call(
        self, call: Call, *, error_type: str | None = None, cancelled: bool = False, in_finalizer: bool = False
    ) -> None:
        """The call is over. Only the first end counts.

        Args:
            call: The call.
            error_type: As `error.type`, if it failed.
            cancelled: Whether the application stopped it.
            in_finalizer: Whether a garbage collector's finalizer says so: nothing may wait for a lock then.
        """
        try:
            del open_calls[call]
        except KeyError:
            return
        call.finish(error_type, cancelled=cancelled)
        if in_finalizer or (_diagnostics.collector is not None and _diagnostics.in_garbage_collection()):
            # Recording a histogram, or ending a span, may wait for a lock that this very thread holds.
            self.instruments.deferred.append(partial(self.record, call, time.time_ns()))
            return
        if self.instruments.deferred:
            self.instruments.flush_deferred()
        self.record(call, None)

    def forget(self, call: Call) -> None:
        """It was no call after all, or nothing more will be seen of it: it is not recorded."""
        if open_calls.pop(call, None) is not None:
            call.ended = True
            span, call.span = call.span, None
            if call.span_is_ours:
                end_span(span, None)

    def record(self, call: Call, ended_at: int | None) -> None:
        """Writes everything of a call that has ended; `ended_at` is in nanoseconds since the epoch. Hot path."""
        span, call.span = call.span, None
        cost = call.cost or self._price(call)
        counters = self.instruments.counters
        try:
            if call.series is not None:
                counters.add((call.series, call.counts))
            else:
                counters.add((None, call_increments(call, cost, self.instruments.sets)))
            if len(counters.pending) >= MAX_PENDING:
                counters.sum_up_if_free()
        except Exception:
            log_internal_error("count a call")
        if span is not None:
            self._describe(call, span, cost, ended_at)
        try:
            self._record_histograms(call, cost)
        except Exception:
            log_internal_error("record the histograms of a call")
        if cost.reasons:
            platform = call.client.platform
            unnamed = call.request.model if platform is not None and platform.name == "bedrock" else None
            self._warn_of_unknown_model(call.responses.values(), cost, unnamed)
        call.attempts = []  # each of them knows the call: it would be a cycle for the garbage collector

    def _describe(self, call: Call, span: Any, cost: CallCost, ended_at: int | None) -> None:
        """Writes on the span what is known at the end, and ends ours."""
        try:
            if span.is_recording():
                span.set_attributes(span_attributes.of_call(call, cost, self.prices))
        except Exception:
            log_internal_error("describe a call on a span")
        if call.span_is_ours:
            close_span(call, span, ended_at)
        else:
            # All of it is written. What is sent again within another instrumentation's span is the next call of it.
            _restore_end(span)

    def _price(self, call: Call) -> CallCost:
        """Works out what the call cost, and finds what it shares with calls alike if it is an ordinary one. Hot path.

        An ordinary call has one attempt and one whole response of token counts alone: counts times rates is its cost.
        Never raises.
        """
        try:
            request = call.request
            responses = call.responses
            attempts = call.attempts
            if len(responses) == 1 and len(attempts) == 1 and call.error_type is None and not request.billed_elsewhere:
                (response,), (attempt,) = responses.values(), attempts
                usage = response.usage
                if (
                    usage is not None
                    and usage.plain
                    and response.complete
                    and response.stop_reason != "refusal"
                    and response.diagnosis is None
                    and attempt.status == _OK
                    and attempt.outcome == "success"
                ):
                    key = (
                        call.client,
                        request.model,
                        response.model,
                        response.stop_reason,
                        usage.service_tier,
                        usage.speed,
                        usage.inference_geo,
                        call.workspace_id,
                        call.tags,
                        call.started_at // _DAY,
                    )
                    uncached, output, read, write_5m, write_1h, total_input = usage[:6]
                    try:
                        series = self._series.get(key) or self._new_series(key, call)
                        rates = series.rates
                    except Exception:
                        log_internal_error("make what calls alike share")
                        series = rates = None  # It is recorded as one that shares nothing.
                    if (
                        rates is not None
                        and uncached is not None
                        and output is not None
                        and total_input is not None
                        and not (rates.tiers and total_input > rates.tiers[0][0])
                    ):
                        rate = rates.base
                        read, write_5m, write_1h = read or 0, write_5m or 0, write_1h or 0
                        parts = (
                            uncached * rate.input,
                            read * rate.cache_read,
                            write_5m * rate.cache_write_5m,
                            write_1h * rate.cache_write_1h,
                            output * rate.output,
                            0,
                        )
                        call.series = series
                        call.counts = (uncached, output, read, write_5m, write_1h, usage.thinking or 0)
                        call.total_input = total_input
                        call.cost = cost = _new_cost((parts, sum(parts), "exact", (), ()))
                        return cost
            call.series = None
            call.cost = price_call(
                self.prices(),
                tuple(responses.values()),
                at=call.started_at,
                platform=call.client.platform,
                request=request,
                code_execution_free=call.size.code_execution_free,
                no_response=any(attempt.no_response for attempt in attempts),
                reason=call.no_response_reason(),
            )
        except Exception:
            log_internal_error("price a call")
            call.series = None
            return not_priced(call.no_response_reason())
        return call.cost

    def _new_series(self, key: tuple[Any, ...], call: Call) -> CallSeries:
        """What calls alike share, of a kind that is not remembered: kinds can be many, and their series are few."""
        client, request_model, response_model, stop_reason, tier, speed, geo, workspace_id, tags, day = key
        table, platform = self.prices(), client.platform
        named = None if platform is None else table.named(response_model, platform, request_model)
        sets = self.instruments.sets
        base = sets.make(client, request_model, response_model, workspace_id, tags)
        kind = (client, base, named, stop_reason, tier, speed, geo, day)
        series = self._series.get(kind)
        if series is None:
            # Here, because asking at each call that has a span of the client library's would be slow.
            is_native = call.expects_native_span and call.native_scopes is NATIVE_SCOPES
            if is_native and (other := conflicts.other_instrumentation()):
                conflicts.warn_once(other)
            rates = None
            if platform is not None:
                rates = table.common_rates(response_model, tier, speed, geo, day, platform, request_model)
            plain = base if self._histogram_tags else sets.of(client, request_model, response_model, workspace_id)
            series = self._keep(kind, CallSeries(SeriesKey(*key), base, plain, rates, table.name))
        return self._keep(key, series)

    def _keep(self, key: tuple[Any, ...], series: CallSeries) -> CallSeries:
        if len(self._series) >= _MAX_SERIES:
            self._series.clear()
        self._series[key] = series
        return series

    def _record_histograms(self, call: Call, cost: CallCost) -> None:  # noqa: C901, PLR0912 - flat, so that it is fast
        series = call.series
        instance_id = self.instruments.instance_id
        attributes_of = instance_id.attributes_of if instance_id.is_resolved else instance_id.resolve()
        input_tokens: int | None = None
        output_tokens: int | None = None
        if series is not None:
            attributes = plain = attributes_of(series.histogram_attributes)
            input_tokens, output_tokens = call.total_input, call.counts[1]
        else:
            model = span_attributes.last_response(call).model
            tags = call.tags if self._histogram_tags else ()
            base = self.instruments.sets.of(call.client, call.request.model, model, call.workspace_id, tags)
            plain = attributes_of(base)
            attributes = attributes_of(base.plus((semconv.ERROR_TYPE, call.error_type)))
            try:
                input_tokens, output_tokens = tokens_of(call.responses.values())
            except Exception:
                log_internal_error("sum up the tokens of a call")
        at = call.context
        # Each by itself, and no loop over them: this runs once per call.
        try:
            self._duration(call.duration, attributes, at)
        except Exception:
            log_internal_error(f"record {semconv.DURATION.name}")
        try:
            if call.time_to_first_chunk is not None and call.request.stream:
                self._first_chunk(call.time_to_first_chunk, plain, at)
        except Exception:
            log_internal_error(f"record {semconv.TIME_TO_FIRST_CHUNK.name}")
        try:
            if input_tokens is not None:
                self._input_tokens(input_tokens, attributes, at)
        except Exception:
            log_internal_error(f"record {semconv.CALL_INPUT_TOKENS.name}")
        try:
            if output_tokens is not None:
                self._output_tokens(output_tokens, attributes, at)
        except Exception:
            log_internal_error(f"record {semconv.CALL_OUTPUT_TOKENS.name}")
        try:
            if call.responses and cost.status != "unpriced":
                self._cost(to_usd(cost.total), plain, at)
        except Exception:
            log_internal_error(f"record {semconv.CALL_COST.name}")
        if self._legacy:
            self._record_legacy(call, attributes, input_tokens, output_tokens)

    def _record_legacy(
        self, call: Call, attributes: Attributes, input_tokens: int | None, output_tokens: int | None
    ) -> None:
        record_of = self.instruments.record_of
        try:
            record_of(semconv.LEGACY_DURATION)(call.duration, attributes, call.context)
            for kind, tokens in (("input", input_tokens), ("output", output_tokens)):
                if tokens is not None:
                    record_of(semconv.LEGACY_TOKEN_USAGE)(
                        tokens, {**attributes, semconv.LEGACY_TOKEN_TYPE: kind}, call.context
                    )
        except Exception:
            log_internal_error("record the metrics of before September 2026")

    def record_batch_result(
        self, owner: BatchOwner, result: BatchResult, time_range: TimeRange, reason: str | None
    ) -> None:
        """A result of a batch was read, for the first time. `reason`: why it has no response, where it has none."""
        try:
            cost = price_batch_result(
                self.prices(),
                result.response,
                since=time_range.since,
                until=time_range.until,
                platform=owner.client.platform,
                reason=reason,
            )
        except Exception:
            log_internal_error("price a result of a batch")
            cost = not_priced(reason)
        self.instruments.counters.add((None, result_increments(owner, result, cost, self.instruments.sets)))
        if cost.reasons and result.response is not None:
            self._warn_of_unknown_model((result.response,), cost)

    def _warn_of_unknown_model(self, responses: Iterable[Response], cost: CallCost, unnamed: str | None = None) -> None:
        try:
            warn_of_unknown_model(responses, cost, self.prices().name, unnamed)
        except Exception:
            log_internal_error("warn of a model without a price")


_NO_RESPONSE: Final = Response()
_new_cost: Callable[[tuple[Any, ...]], CallCost] = partial(tuple[Any, ...].__new__, CallCost)
"""Without the function that a named tuple has for it: it runs once per call."""


def _restore_end(span: Any) -> None:
    try:
        object.__delattr__(span, "end")
    except AttributeError:
        pass  # another thread is ending it too
    except TypeError:
        span.__dict__.pop("end", None)


def can_record(tracer: Any) -> bool:
    """Whether a tracer's spans could be recorded. Asked at each call: a proxy's provider may be set later."""
    # A `ProxyTracer` of the API keeps the real one, or a no-op, under this name (opentelemetry-api 1.27 to 1.45).
    # `isinstance` of an abstract class would run Python code.
    return tracer is not None and NoOpTracer not in type(getattr(tracer, "_tracer", tracer)).__mro__
