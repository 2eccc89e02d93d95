"""Span attributes: pure functions of a call, its record and its bill. What is set on whose span, nothing of how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import conventions as c
from .bill import PICO, Bill
from .call import Call
from .record import Attempt, CallRecord
from .wire import Answer, Usage

Attributes = dict[str, Any]


def of_request(call: Call) -> Attributes:
    """What a span of ours starts with, so that samplers see it; names and types are those of the SDK's own spans."""
    request, caller = call.request, call.caller
    return _known(
        (
            (c.OPERATION_NAME, c.CHAT),
            (c.PROVIDER_NAME, caller.provider),
            (c.REQUEST_MODEL, request.model),
            (c.SERVER_ADDRESS, caller.server_address),
            (c.SERVER_PORT, caller.server_port),
            (c.REQUEST_MAX_TOKENS, request.max_tokens),
            (c.REQUEST_STREAM, True if request.stream else None),
            (c.REQUEST_REASONING_LEVEL, request.effort),
            (c.REQUEST_SERVICE_TIER, request.service_tier),
            (c.THINKING_TYPE, request.thinking_type),
            (c.THINKING_BUDGET, request.thinking_budget),
            (c.OUTPUT_TYPE, "json" if request.json_output else None),
            (c.HTTP_METHOD, "POST"),
            (c.HTTP_ROUTE, "/v1/messages"),
        )
    )


def of_answer(record: CallRecord) -> Attributes:
    """What the SDK's own spans say of an answer, for a span of ours."""
    answer = record.answers[-1] if record.answers else Answer()
    usage = answer.usage or Usage()
    counts = usage.counts
    compactions = [entry for entry in usage.iterations or () if entry.type == "compaction"]
    resent = len(record.attempts) - 1
    return _known(
        (
            (c.RESPONSE_ID, answer.id),
            (c.RESPONSE_MODEL, answer.model),
            (c.STOP_REASON, answer.stop_reason),
            (c.RESPONSE_TIME_TO_FIRST_CHUNK, record.time_to_first_chunk if record.request.stream else None),
            (c.USAGE_INPUT, usage.total_input),
            (c.USAGE_OUTPUT, usage.output),
            (c.USAGE_CACHE_READ, counts.cache_read),
            (c.USAGE_CACHE_WRITE, counts.creation),
            (c.USAGE_CACHE_WRITE_5M, counts.split_5m),
            (c.USAGE_CACHE_WRITE_1H, counts.split_1h),
            (c.USAGE_REASONING, usage.thinking),
            (c.USAGE_COMPACTION_INPUT, sum(e.total_input or 0 for e in compactions) if compactions else None),
            (c.USAGE_COMPACTION_OUTPUT, sum(e.output or 0 for e in compactions) if compactions else None),
            (c.RESPONSE_SERVICE_TIER, usage.service_tier),
            (c.REQUEST_ID, record.request_id),
            (c.ORGANIZATION_ID, record.organization_id),
            (c.WORKSPACE_ID, record.workspace_id),
            (c.STATUS_CODE, record.attempts[-1].status if record.attempts else None),
            (c.RESEND_COUNT, resent if resent > 0 else None),
            (c.ERROR_TYPE, record.error_type),
        )
    )


def of_cost(bill: Bill, *, final: bool, before: tuple[int, ...] | None = None) -> Attributes:
    """The cost, and why it is not known. `final` is False while a stream may still tell the rest.

    Attributes cannot be taken back, so the reason for a lower bound waits for the end. `before`: the parts that the
    span has already. One of them that is nothing any more becomes 0.0, so that the parts add up to the total.
    """
    attributes: Attributes = {c.COST_STATUS: bill.status}
    if bill.table:
        attributes[c.PRICE_TABLE] = bill.table
    if bill.status != "unpriced":
        attributes[c.COST_AMOUNT] = bill.total / PICO
        attributes[c.COST_CURRENCY] = "USD"
        attributes[c.COST_SOURCE] = "local"
        for name, amount, told in zip(c.COST_PARTS, bill.parts, before or bill.parts, strict=True):
            if amount or told:
                attributes[name] = amount / PICO
    if final and bill.reasons:
        attributes[c.UNPRICED_REASON] = bill.reasons[0]
    return attributes


def of_call(call: Call | CallRecord) -> Attributes:
    """What the SDK's spans do not have of a call before it is sent: the shape of its request, its key, its tags."""
    shape = call.shape
    attributes = _known(
        (
            (c.REQUEST_TOOLS, shape.tools),
            (c.REQUEST_MESSAGES, shape.messages),
            (c.REQUEST_CACHE_BREAKPOINTS, shape.cache_breakpoints),
            (c.API_KEY_HINT, call.caller.api_key_hint),
        )
    )
    for key, value in call.tags:
        attributes[c.TAG_PREFIX + key] = value
    return attributes


def of_limits(attempts: Iterable[Attempt]) -> Attributes:
    """The rate limits that answers told. The latest wins."""
    attributes: Attributes = {}
    for attempt in attempts:
        for limit in attempt.limits:
            size, remaining, reset = c.limit_attributes(limit.name)
            if limit.limit is not None:
                attributes[size] = limit.limit
            if limit.remaining is not None:
                attributes[remaining] = limit.remaining
            if limit.reset is not None:
                attributes[reset] = limit.reset
    return attributes


def of_usage(usage: Usage | None) -> Attributes:
    """What neither the SDK's spans nor the cost have of an answer: server tools, and how it was served."""
    attributes: Attributes = {}
    if usage is None:
        return attributes
    if usage.speed is not None:
        attributes[c.SPEED] = usage.speed
    if usage.inference_geo is not None:
        attributes[c.INFERENCE_GEO] = usage.inference_geo
    if usage.web_searches or usage.web_fetches or usage.code_executions:
        requests = (usage.web_searches, usage.web_fetches, usage.code_executions)
        for tool, count in zip(c.SERVER_TOOLS, requests, strict=True):
            if count:
                attributes[c.SERVER_TOOL_REQUESTS[tool]] = count
    return attributes


def of_attempt(attempt: Attempt) -> Attributes:
    """The event of an attempt that is retried: what came of it, and the wait in seconds."""
    return _known(
        (
            (c.ATTEMPT_NUMBER, attempt.number + 1),
            (c.STATUS_CODE, attempt.status),
            (c.ERROR_TYPE, attempt.error_type),
            (c.BLOCKED_REASON, attempt.blocked),
            (c.ATTEMPT_DELAY, attempt.delay),
        )
    )


def _known(pairs: Iterable[tuple[str, Any]]) -> Attributes:
    return {name: value for name, value in pairs if value is not None}
