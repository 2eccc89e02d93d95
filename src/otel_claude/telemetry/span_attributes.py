"""Attributes of spans: pure functions of a call and its cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any, Final

from .. import semconv
from ..api.headers import HeaderLayout
from ..api.response import NO_USAGE, Response
from ..pricing import CallCost, PriceTable, to_usd
from .call import Attempt, Call, ClientInfo

Attributes = dict[str, Any]
_NO_RESPONSE: Final = Response()
_names_of: dict[HeaderLayout, tuple[tuple[Any, ...], bool]] = {}
"""The attribute of each value of a layout; None for what is not on spans. And whether all are on spans."""
_MAX_LAYOUTS: Final = 64
_SIZE: Final = (semconv.REQUEST_TOOLS, semconv.REQUEST_MESSAGES, semconv.REQUEST_CACHE_BREAKPOINTS)
"""Of a `RequestSize`, which has one more value."""


def last_response(call: Call) -> Response:
    """The last thing that the API said in the call."""
    return next(reversed(call.responses.values()), _NO_RESPONSE)


def of_start(call: Call) -> Attributes:
    """What a span of ours starts with, so that samplers see it; names and types are those of the SDK's own spans."""
    request, client = call.request, call.client
    return _known(
        (
            (semconv.OPERATION_NAME, semconv.CHAT),
            (semconv.PROVIDER_NAME, client.provider),
            (semconv.REQUEST_MODEL, request.model),
            (semconv.SERVER_ADDRESS, client.server_address),
            (semconv.SERVER_PORT, client.server_port),
            (semconv.REQUEST_MAX_TOKENS, request.max_tokens),
            (semconv.REQUEST_STREAM, True if request.stream else None),
            (semconv.REQUEST_REASONING_LEVEL, request.effort),
            (semconv.REQUEST_TEMPERATURE, request.temperature),
            (semconv.REQUEST_TOP_P, request.top_p),
            (semconv.REQUEST_TOP_K, request.top_k),
            (semconv.CONVERSATION_ID, request.conversation_id),
            (semconv.REQUEST_SERVICE_TIER, request.service_tier),
            (semconv.THINKING_TYPE, request.thinking_type),
            (semconv.THINKING_BUDGET, request.thinking_budget),
            (semconv.OUTPUT_TYPE, "json" if request.json_output else None),
            (semconv.HTTP_METHOD, "POST"),
            (semconv.HTTP_ROUTE, call.http_route),
        )
    )


def of_call(call: Call, cost: CallCost, prices: Callable[[], PriceTable]) -> Attributes:
    """What the client library's spans do not have: cost, limits, the size of the request, key and tags. Hot path."""
    series = call.series
    attributes = _unusual(call, cost, prices().name) if series is None else series.span_attributes.copy()
    for tag, value in call.tags:
        attributes[semconv.TAG_PREFIX + tag] = value
    if cost.status != "unpriced":
        attributes[semconv.COST_AMOUNT] = to_usd(cost.total)
        parts = cost.parts  # Nothing has a part of 0.
        attributes.update(zip(compress(semconv.COST_PARTS, parts), map(to_usd, filter(None, parts)), strict=False))
    for attempt in call.attempts:
        if attempt.layout is not None:
            names, all_shown = _names_of.get(attempt.layout) or _names(attempt.layout)
            limits = zip(names, attempt.rate_limits, strict=True)
            if all_shown and attempt.limits_understood:
                attributes.update(limits)
            else:  # a share, or what was not understood
                attributes.update((name, value) for name, value in limits if name is not None and value is not None)
    size = call.size
    if None in size:
        attributes.update((name, value) for name, value in zip(_SIZE, size, strict=False) if value is not None)
    else:
        attributes.update(zip(_SIZE, size, strict=False))
    return attributes


def of_service(status: str, table: str, client: ClientInfo, speed: str | None, inference_geo: str | None) -> Attributes:
    """How calls alike were served and priced. `table`: one that cannot be read has no name."""
    priced = status != "unpriced"
    return _known(
        (
            (semconv.COST_STATUS, status),
            (semconv.PRICE_TABLE, table or None),
            (semconv.COST_CURRENCY, "USD" if priced else None),
            (semconv.COST_SOURCE, "local" if priced else None),
            (semconv.SPEED, speed),
            (semconv.INFERENCE_GEO, inference_geo),
            (semconv.API_KEY_HINT, client.api_key_hint),
        )
    )


def _unusual(call: Call, cost: CallCost, table: str) -> Attributes:
    """What `CallSeries.span_attributes` is for a call that shares it with no other."""
    response = last_response(call)
    usage = response.usage or NO_USAGE
    attributes = of_service(cost.status, table, call.client, usage.speed, usage.inference_geo)
    if cost.reasons:
        attributes[semconv.UNPRICED_REASON] = cost.reasons[0]
    counts = (usage.web_searches, usage.web_fetches, usage.code_executions)
    for tool, count in zip(semconv.SERVER_TOOLS, counts, strict=True):
        if count:
            attributes[semconv.SERVER_TOOL_REQUESTS[tool]] = count
    if (diagnosis := response.diagnosis) is not None:
        attributes[semconv.CACHE_MISS_REASON] = diagnosis.reason or semconv.OTHER
        if diagnosis.missed_tokens is not None:
            attributes[semconv.CACHE_MISSED_INPUT] = diagnosis.missed_tokens
    return attributes


def of_response(call: Call) -> Attributes:
    """What the SDK's own spans say of a response, for a span of ours."""
    response = last_response(call)
    usage = response.usage or NO_USAGE
    counts = usage.counts
    compactions = [entry for entry in usage.iterations or () if entry.type == "compaction"]
    resent = len(call.attempts) - 1
    return _known(
        (
            (semconv.RESPONSE_ID, response.id),
            (semconv.RESPONSE_MODEL, response.model),
            (semconv.STOP_REASON, response.stop_reason),
            (semconv.RESPONSE_FINISH_REASONS, _finish_reasons(call, response)),
            (semconv.RESPONSE_TIME_TO_FIRST_CHUNK, call.time_to_first_chunk if call.request.stream else None),
            (semconv.USAGE_INPUT, usage.total_input),
            (semconv.USAGE_OUTPUT, usage.output),
            (semconv.USAGE_CACHE_READ, counts.cache_read),
            (semconv.USAGE_CACHE_WRITE, counts.creation),
            (semconv.USAGE_CACHE_WRITE_5M, counts.split_5m),
            (semconv.USAGE_CACHE_WRITE_1H, counts.split_1h),
            (semconv.USAGE_REASONING, usage.thinking),
            (semconv.USAGE_COMPACTION_INPUT, sum(e.total_input or 0 for e in compactions) if compactions else None),
            (semconv.USAGE_COMPACTION_OUTPUT, sum(e.output or 0 for e in compactions) if compactions else None),
            (semconv.CONVERSATION_COMPACTED, True if compactions else None),
            (semconv.RESPONSE_SERVICE_TIER, usage.service_tier),
            (semconv.REQUEST_ID, call.request_id),
            (semconv.ORGANIZATION_ID, call.organization_id),
            (semconv.WORKSPACE_ID, call.workspace_id),
            (semconv.STATUS_CODE, call.attempts[-1].status if call.attempts else None),
            (semconv.RESEND_COUNT, resent if resent > 0 else None),
            (semconv.ERROR_TYPE, call.error_type),
        )
    )


def _finish_reasons(call: Call, response: Response) -> tuple[str] | None:
    """The stop reason, in the API's word; `error` of a stream that was cut or left before it said one."""
    if response.stop_reason is not None:
        return (response.stop_reason,)
    return ("error",) if call.responses and not response.complete else None


def of_attempt(attempt: Attempt) -> Attributes:
    """The event of an attempt that is retried: what came of it, and the wait in seconds."""
    return _known(
        (
            (semconv.ATTEMPT_NUMBER, attempt.number + 1),
            (semconv.STATUS_CODE, attempt.status),
            (semconv.ERROR_TYPE, attempt.error_type),
            (semconv.BLOCKED_REASON, attempt.blocked),
            (semconv.ATTEMPT_DELAY, attempt.delay),
        )
    )


def _names(layout: HeaderLayout) -> tuple[tuple[Any, ...], bool]:
    names = tuple(
        None if field == "utilization" else semconv.rate_limit_attribute(name, field) for name, field in layout.fields
    )
    if len(_names_of) >= _MAX_LAYOUTS:
        _names_of.clear()
    _names_of[layout] = found = names, None not in names
    return found


def _known(pairs: Iterable[tuple[str, Any]]) -> Attributes:
    return {name: value for name, value in pairs if value is not None}
