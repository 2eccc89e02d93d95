"""Bedrock's Converse: its requests as those of the Messages API, and answers and events in its shapes.

Knows the service model of `bedrock-runtime` (botocore 1.44): texts, tools, thinking and cache points.
"""

from __future__ import annotations

from typing import Any

from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.events import Event
from otel_claude_demo.simulator.eventstream import frame
from otel_claude_demo.simulator.jsons import Json, as_list, as_object, as_objects, compact, indented
from otel_claude_demo.simulator.platforms import BedrockPlatform

_DEFAULT_MAX_TOKENS = 4096
_METRICS = {"metrics": {"latencyMs": 1}}


class ConversePlatform(BedrockPlatform):
    """Converse and ConverseStream. Their answers name no message and no model."""

    def answer_headers(self, answer: Answer) -> dict[str, str]:  # noqa: ARG002 - the platform's interface
        """It counts in its bodies alone."""
        return {"content-type": "application/json"}

    def answer_body(self, answer: Answer, usage: Json) -> bytes:
        """The body of a plain answer."""
        content = [block for block in map(_content, answer.content) if block]
        return indented(
            {
                "output": {"message": {"role": "assistant", "content": content}},
                "stopReason": answer.stop_reason,
                "usage": _usage(as_object(usage.get("usage"))),
                **_METRICS,
            }
        )

    def event(self, event: Event, answer: Answer) -> bytes:
        """A frame; nothing where Converse has no such event."""
        if event.name == "error":
            return super().event(event, answer)
        data = event.data
        at = {"contentBlockIndex": data.get("index")}
        match event.name:
            case "message_start":
                return _frame("messageStart", {"role": "assistant"})
            case "content_block_start" if start := _started(data["content_block"]):
                return _frame("contentBlockStart", {"start": start, **at})
            case "content_block_delta" if delta := _delta(data["delta"]):
                return _frame("contentBlockDelta", {"delta": delta, **at})
            case "content_block_stop":
                return _frame("contentBlockStop", at)
            case "message_delta":
                return _frame("messageStop", {"stopReason": data["delta"]["stop_reason"]})
            case "message_stop":
                return _frame("metadata", {"usage": _usage(answer.meter.final()), **_METRICS})
            case _:
                return b""


CONVERSE = ConversePlatform()


def messages_request(body: Json) -> Json:
    """A request to Converse as one to the Messages API."""
    config, tools = as_object(body.get("inferenceConfig")), as_object(body.get("toolConfig"))
    made: Json = {
        "max_tokens": config.get("maxTokens") or _DEFAULT_MAX_TOKENS,
        "system": _blocks(body.get("system")),
        "messages": [
            {"role": message.get("role"), "content": _blocks(message.get("content"))}
            for message in as_objects(body.get("messages"))
        ],
        "stop_sequences": as_list(config.get("stopSequences")),
        "tools": _blocks(tools.get("tools")),
    }
    for kind, choice in as_object(tools.get("toolChoice")).items():
        made["tool_choice"] = {"type": kind, **as_object(choice)}
    return made


def _blocks(blocks: object) -> list[Json]:
    """Blocks, or tools. A cache point stands behind what it is of."""
    found: list[Json] = []
    for block in as_objects(blocks):
        for kind, value in block.items():
            if kind != "cachePoint":
                found.append(_block(kind, value))
            elif found:
                found[-1]["cache_control"] = {"type": "ephemeral", "ttl": value.get("ttl") or "5m"}
    return found


def _block(kind: str, value: Any) -> Json:
    match kind:
        case "text":
            return {"type": "text", "text": value}
        case "toolUse":
            return {"type": "tool_use", "id": value["toolUseId"], "name": value["name"], "input": value["input"]}
        case "toolResult":
            return {"type": "tool_result", "tool_use_id": value["toolUseId"], "content": compact(value["content"])}
        case "toolSpec":
            described = {"description": value["description"]} if "description" in value else {}
            return {"name": value["name"], **described, "input_schema": as_object(value["inputSchema"]).get("json")}
        case _:
            return {"type": kind, "value": value}


def _content(block: Json) -> Json:
    match block["type"]:
        case "text":
            return {"text": block["text"]}
        case "tool_use":
            return {"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}}
        case "thinking":
            text = {"text": block["thinking"], "signature": block["signature"]}
            return {"reasoningContent": {"reasoningText": text}}
        case _:
            return {}


def _started(block: Json) -> Json:
    used = block["type"] == "tool_use"
    return {"toolUse": {"toolUseId": block["id"], "name": block["name"]}} if used else {}


def _delta(delta: Json) -> Json:
    match delta["type"]:
        case "text_delta":
            return {"text": delta["text"]}
        case "input_json_delta":
            return {"toolUse": {"input": delta["partial_json"]}}
        case "thinking_delta":
            return {"reasoningContent": {"text": delta["thinking"]}}
        case "signature_delta":
            return {"reasoningContent": {"signature": delta["signature"]}}
        case _:
            return {}


def _usage(usage: Json) -> Json:
    split = as_object(usage.get("cache_creation"))
    names = {"5m": "ephemeral_5m_input_tokens", "1h": "ephemeral_1h_input_tokens"}
    written = {ttl: split.get(name, 0) for ttl, name in names.items()}
    counts = {
        "inputTokens": usage.get("input_tokens", 0),
        "outputTokens": usage.get("output_tokens", 0),
        "cacheReadInputTokens": usage.get("cache_read_input_tokens", 0),
        "cacheWriteInputTokens": usage.get("cache_creation_input_tokens", 0),
    }
    details = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in written.items() if tokens]
    return {**counts, "totalTokens": sum(counts.values()), "cacheDetails": details}


def _frame(kind: str, data: Json) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, compact({**data, "p": "abcdefghijk"}).encode())
