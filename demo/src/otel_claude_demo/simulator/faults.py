"""Usage as broken as scenarios want it. Knows scenarios and the shape of `usage`."""

from __future__ import annotations

from otel_claude_demo.simulator.jsons import Json
from otel_claude_demo.simulator.scenarios import Scenario

_WRONG: Json = {
    "input_tokens": "many",
    "cache_creation_input_tokens": [1, 2],
    "cache_read_input_tokens": {"tokens": 3},
    "cache_creation": 7,
    "output_tokens": "4",
    "server_tool_use": "none",
    "service_tier": 5,
    "inference_geo": False,
    "iterations": {"type": "message"},
}
_SPARSE = ("input_tokens", "output_tokens")


def faulty_usage(usage: Json, scenario: Scenario) -> Json:
    """The `usage` member of a message or an event, as the scenario has it; nothing if it is to be absent."""
    if "usage_absent" in scenario:
        return {}
    if "usage_null" in scenario:
        return {"usage": None}
    if "usage_wrong" in scenario:
        return {"usage": dict(_WRONG)}
    if "usage_sparse" in scenario:
        return {"usage": {key: usage[key] for key in _SPARSE}}
    return {"usage": usage}


def faulty_delta_usage(usage: Json, scenario: Scenario) -> Json:
    """The same for `message_delta`, which has scenarios of its own."""
    if "delta_bare" in scenario:
        return {"usage": {"output_tokens": usage["output_tokens"]}}
    if "delta_nulls" in scenario:
        return {"usage": {**dict.fromkeys(usage), "output_tokens": usage["output_tokens"]}}
    return faulty_usage(usage, scenario)
