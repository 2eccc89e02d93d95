"""Request and Shape: what telemetry and prices need of a request's body. Scalars and counts, no content."""

from typing import Final, NamedTuple

from .json import Json, fields, integer, items, text

_FREE_FROM: Final = "20260209"
"""Code execution is free beside `web_search_20260209`, `web_fetch_20260209` or later (pricing page, 2026-10-10)."""


class Request(NamedTuple):
    """The scalars of a request's body that telemetry and prices need."""

    model: str | None = None
    stream: bool = False
    max_tokens: int | None = None
    service_tier: str | None = None
    thinking_type: str | None = None
    thinking_budget: int | None = None
    effort: str | None = None
    json_output: bool = False
    billed_elsewhere: bool = False


def request(body: object, extra: object = None) -> Request:
    """The `Request` of a JSON body with `extra_body` over it. The body may hold one-shot iterators: none is read."""
    said: Json = fields(body)
    if extra is not None:
        said = {**said, **fields(extra)}
    thinking = fields(said.get("thinking"))
    output = fields(said.get("output_config"))
    return Request(
        text(said.get("model")),
        said.get("stream") is True,
        integer(said.get("max_tokens")),
        text(said.get("service_tier")),
        text(thinking.get("type")),
        integer(thinking.get("budget_tokens")),
        text(output.get("effort")),
        _is_schema(output.get("format")) or _is_schema(said.get("output_format")),
        fields(said.get("billing_policy")).get("bill_to") == "user_profile",
    )


def _is_schema(form: object) -> bool:
    return fields(form).get("type") == "json_schema"


class Shape(NamedTuple):
    """How large a request is, in counts. `None` where the body has no plain list, or was not asked."""

    tools: int | None = None
    messages: int | None = None
    cache_breakpoints: int | None = None
    code_execution_free: bool = False


def shape(body: object, *, breakpoints: bool) -> Shape:
    """The `Shape` of a JSON body. Cache breakpoints are looked for in every block, so only where they are asked for."""
    said = fields(body)
    tools, messages = items(said.get("tools")), items(said.get("messages"))
    return Shape(
        None if tools is None else len(tools),
        None if messages is None else len(messages),
        _breakpoints(said) if breakpoints else None,
        tools is not None and any(_makes_code_execution_free(fields(tool).get("type")) for tool in tools),
    )


def _breakpoints(body: Json) -> int:
    blocks: list[object] = [body, *(items(body.get("tools")) or ()), *(items(body.get("system")) or ())]
    for message in items(body.get("messages")) or ():
        blocks.extend(items(fields(message).get("content")) or ())
    return sum(1 for block in blocks if fields(block).get("cache_control"))


def _makes_code_execution_free(kind: object) -> bool:
    if not isinstance(kind, str):
        return False
    name, _, date = kind.rpartition("_")
    return name in ("web_search", "web_fetch") and date.isdecimal() and date >= _FREE_FROM
