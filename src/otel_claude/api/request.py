"""What telemetry and prices need of a request's body: scalars and counts, no content."""

from __future__ import annotations

# Decoded JSON can be anything, so its types are not known until they are looked at.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from .json import Json, as_integer, as_known_text, as_number, as_object, as_text, known_texts

_FREE_SINCE: Final = "20260209"
"""Code execution is free beside `web_search_20260209`, `web_fetch_20260209` or later (pricing page, 2026-10-10)."""


class RequestFeatures(NamedTuple):
    """The scalars of a request's body. Those after `billed_elsewhere` are for a span of ours."""

    model: str | None = None
    stream: bool = False
    billed_elsewhere: bool = False
    max_tokens: int | None = None
    service_tier: str | None = None
    thinking_type: str | None = None
    thinking_budget: int | None = None
    effort: str | None = None
    json_output: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    conversation_id: str | None = None
    """Of no body: the client library was given it."""


_OF_OUR_SPANS: Final = RequestFeatures()[3:]
_new_features: Callable[[tuple[Any, ...]], RequestFeatures] = partial(tuple[Any, ...].__new__, RequestFeatures)
"""Making a named tuple this way takes two thirds of the time, once per call (Python 3.11)."""


def parse_request(body: object, extra: object, *, spans: bool) -> RequestFeatures:
    """The features of a JSON body with `extra_body` over it. With `spans`, those of a span of ours too.

    The body may hold one-shot iterators: none is read.
    """
    request: Json = body if type(body) is dict else as_object(body)
    if extra:
        request = {**request, **as_object(extra)}
    model, policy = request.get("model"), request.get("billing_policy")
    features = _new_features(
        (
            model if type(model) is str and model in known_texts else as_known_text(model),
            request.get("stream") is True,
            policy is not None and as_object(policy).get("bill_to") == "user_profile",
            *_OF_OUR_SPANS,
        )
    )
    if not spans:
        return features
    thinking, output = as_object(request.get("thinking")), as_object(request.get("output_config"))
    return features._replace(
        max_tokens=as_integer(request.get("max_tokens")),
        service_tier=as_text(request.get("service_tier")),
        thinking_type=as_text(thinking.get("type")),
        thinking_budget=as_integer(thinking.get("budget_tokens")),
        effort=as_text(output.get("effort")),
        json_output=_is_schema(output.get("format")) or _is_schema(request.get("output_format")),
        temperature=as_number(request.get("temperature")),
        top_p=as_number(request.get("top_p")),
        top_k=as_integer(request.get("top_k")),
    )


def _is_schema(form: object) -> bool:
    return as_object(form).get("type") == "json_schema"


class RequestSize(NamedTuple):
    """How large a request is, in counts. `None` where the body has no plain list, or was not asked."""

    tools: int | None = None
    messages: int | None = None
    cache_breakpoints: int | None = None
    code_execution_free: bool = False


_new_size: Callable[[tuple[Any, ...]], RequestSize] = partial(tuple[Any, ...].__new__, RequestSize)


def measure_request(body: object, *, breakpoints: bool) -> RequestSize:  # noqa: C901, PLR0912 - flat, so that it is fast
    """The size of a JSON body. Breakpoints are looked for in every block, so only where they are asked for. Hot path.

    Only plain lists and objects are looked at: an iterator may be read once, and not by us.
    """
    if not isinstance(body, dict):
        return RequestSize()
    request: dict[str, Any] = body
    tools, messages = request.get("tools"), request.get("messages")
    blocks: list[Any] = [request]
    code_execution_free = False
    number_of_tools = number_of_messages = None
    if isinstance(tools, list):
        number_of_tools = len(tools)
        for tool in tools:
            if not isinstance(tool, dict) or "type" not in tool:
                continue
            kind = tool["type"]
            if isinstance(kind, str) and kind.startswith("web_"):
                name, _, date = kind.rpartition("_")
                if name in ("web_search", "web_fetch") and date.isdecimal() and date >= _FREE_SINCE:
                    code_execution_free = True
        blocks += tools
    if isinstance(messages, list):
        number_of_messages = len(messages)
        if breakpoints:
            for message in messages:
                if isinstance(message, dict) and isinstance(content := message.get("content"), list):
                    blocks += content
    number: int | None = None
    if breakpoints:
        if isinstance(system := request.get("system"), list):
            blocks += system
        number = 0
        for block in blocks:
            if isinstance(block, dict) and block.get("cache_control"):
                number += 1
    return _new_size((number_of_tools, number_of_messages, number, code_execution_free))
