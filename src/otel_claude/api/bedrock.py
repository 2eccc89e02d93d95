"""Bedrock's own shapes of a call, as those of the Messages API: Converse, its events, headers with counts, errors.

Source: the service model of `bedrock-runtime` (botocore 1.44.5, 2026-11), and recorded answers. `InvokeModel` answers
with the Messages API's own JSON. `inputTokens` of Converse are the uncached ones, `totalTokens` all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .errors import ApiError
from .json import Json, as_list, as_object, as_text

_COUNT_HEADERS: Final = {
    "x-amzn-bedrock-input-token-count": "input_tokens",
    "x-amzn-bedrock-output-token-count": "output_tokens",
    "x-amzn-bedrock-cache-read-input-token-count": "cache_read_input_tokens",
    "x-amzn-bedrock-cache-write-input-token-count": "cache_creation_input_tokens",
}
CONVERSE_EVENTS: Final = frozenset({"messageStop", "metadata"})
"""Those of `ConverseStream` of which more is read than their name."""
_BLOCKED: Final = {
    "ThrottlingException": "rate_limit",
    "ServiceQuotaExceededException": "rate_limit",
    "ModelNotReadyException": "overloaded",
    "ServiceUnavailableException": "overloaded",
}
"""What an error's code says that blocked the request."""
_OTHERS: Final = re.compile(r"arn:aws[a-z-]*:(?:bedrock:[a-z0-9-]*:\d*:(?:imported|custom)-model|sagemaker:).+")
"""ARNs of models that are not Anthropic's."""


def is_claude(model: str, *, anthropic_body: bool | None) -> bool:
    """Whether a model id is of Anthropic. An ARN may hide which model it stands for.

    `anthropic_body`: whether the request's body is in Anthropic's form. None: operations that all vendors share.
    """
    if "anthropic." in model:
        return True
    return model.startswith("arn:") and anthropic_body is not False and _OTHERS.fullmatch(model) is None


def is_anthropic_body(body: object) -> bool:
    """Whether the body of an `InvokeModel` is one for Anthropic's models: no other vendor's has this field."""
    if isinstance(body, str):
        return '"anthropic_version"' in body
    return isinstance(body, (bytes, bytearray)) and b'"anthropic_version"' in body


def converse_request(params: Json) -> dict[str, Any]:
    """The arguments of `Converse` as a request to the Messages API: numbers and counts, without content."""
    config = as_object(params.get("inferenceConfig"))
    messages = as_list(params.get("messages"))
    tools = as_list(as_object(params.get("toolConfig")).get("tools"))
    return {
        "max_tokens": config.get("maxTokens"),
        "temperature": config.get("temperature"),
        "top_p": config.get("topP"),
        "top_k": as_object(params.get("additionalModelRequestFields")).get("top_k"),
        "system": _blocks(params.get("system")),
        "messages": None if messages is None else [{"content": _blocks(as_object(m).get("content"))} for m in messages],
        "tools": None if tools is None else _tools(tools),
    }


def _blocks(blocks: object) -> list[Json] | None:
    found = as_list(blocks)
    return None if found is None else [{"cache_control": as_object(block).get("cachePoint")} for block in found]


def _tools(tools: list[object]) -> list[Json]:
    """A cache point stands after the tool that it is of, and is no tool itself."""
    found: list[Json] = []
    for tool in map(as_object, tools):
        if "cachePoint" in tool and found:
            found[-1] = {"cache_control": tool["cachePoint"]}
        elif "cachePoint" not in tool:
            found.append({})
    return found


def converse_message(body: Json) -> dict[str, Any]:
    """The answer of `Converse` as a message. It names neither a message nor a model."""
    return {"type": "message", "stop_reason": body.get("stopReason"), "usage": _usage(body)}


def converse_events(kind: object, event: Json) -> list[dict[str, Any]]:
    """The events of the Messages API that one event of `ConverseStream` stands for. Its usage comes last."""
    if kind == "contentBlockDelta":
        return [{"type": "content_block_delta"}]
    if kind == "messageStop":
        return [{"type": "message_delta", "delta": {"stop_reason": event.get("stopReason")}}]
    if kind == "metadata":
        return [{"type": "message_delta", "usage": _usage(event)}, {"type": "message_stop"}]
    return []


def _usage(body: Json) -> dict[str, Any] | None:
    if not (counts := as_object(body.get("usage"))):
        return None
    split: dict[str, object] = {}
    for detail in map(as_object, as_list(counts.get("cacheDetails")) or ()):
        split[f"ephemeral_{detail.get('ttl')}_input_tokens"] = detail.get("inputTokens")
    tier = as_object(body.get("serviceTier")).get("type")
    latency = as_object(body.get("performanceConfig")).get("latency")
    return {
        "input_tokens": counts.get("inputTokens"),
        "output_tokens": counts.get("outputTokens"),
        "cache_read_input_tokens": counts.get("cacheReadInputTokens"),
        "cache_creation_input_tokens": counts.get("cacheWriteInputTokens"),
        "cache_creation": split or None,
        **served(tier, latency),
    }


def served(tier: object, latency: object) -> dict[str, object]:
    """How a request was served, in the words of the Messages API. Bedrock calls its standard tier `default`."""
    return {"service_tier": "standard" if tier == "default" else tier, "speed": latency}


def invoked_message(body: object, headers: Mapping[str, str]) -> object:
    """The body of an `InvokeModel`, with what only headers say: how it was served, and counts where it has none."""
    message = as_object(body)
    if usage := as_object(message.get("usage")):
        tier = {name: value for name, value in served_headers(headers).items() if value is not None}
        return {**message, "usage": {**tier, **usage}}
    said = headers_message(headers)
    return {**message, **said} if said is not None else body  # a guardrail answers without usage


def headers_message(headers: Mapping[str, str]) -> dict[str, Any] | None:
    """The counts in the headers of an `InvokeModel`, for a body that nobody reads. Cache writes have no split."""
    usage: dict[str, Any] = {}
    for name, value in headers.items():
        field = _COUNT_HEADERS.get(name.lower())
        if field is not None and value.isascii() and value.isdigit():
            usage[field] = int(value)
    return {"type": "message", "usage": {**usage, **served_headers(headers)}} if usage else None


def served_headers(headers: Mapping[str, str]) -> dict[str, object]:
    """The service tier and the latency that the headers of an answer name."""
    lower = {name.lower(): value for name, value in headers.items()}
    return served(lower.get("x-amzn-bedrock-service-tier"), lower.get("x-amzn-bedrock-performanceconfig-latency"))


def parse_error(status: int, code: object) -> ApiError:
    """The `ApiError` of a status and of the code in an error, or of the name of an event with one."""
    name = as_text(code)
    if name is not None:
        name = name[0].upper() + name[1:]  # events write throttlingException
    return ApiError(status, name, None if name is None else _BLOCKED.get(name))
