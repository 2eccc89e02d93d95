"""Model ids as the platforms write them. Knows their forms; which models exist is the caller's.

Nothing is guessed from a similar name: an id is known, an alias of a known one, or a known one with a date.
Forms (Bedrock's and Google Cloud's model pages; facts of 2026-11-22):
`anthropic.claude-…-v1:0`, `us.anthropic.…`, ARNs of Bedrock that contain such an id, `claude-…@20250929`.
Gateways write who serves a model before its id: LiteLLM `vertex_ai/claude-…` and `bedrock/us.anthropic.…`, OpenRouter
`anthropic/claude-sonnet-4.5` and, in responses, `anthropic/claude-4.5-sonnet-20250929`.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from otel_claude.pricing.types import Endpoint

_ENDPOINTS: Final[Mapping[str, Endpoint]] = {"global": "global", "us-gov": "us_gov"}
"""By the prefix of an id on Bedrock. Others are regions, and groups of them."""
_DATE = re.compile(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_BEDROCK = re.compile(
    r"(?:(?P<place>global|us-gov|us|eu|apac|jp|au)\.)?anthropic\.(?P<name>claude-[a-z0-9-]+?)(?:-v\d+(?::\d+)?)?",
    re.ASCII,
)
_PREFIXED = re.compile(r"(?P<prefix>[^:\s]+?)/(?P<id>arn:.+|[^/]+)")
_VERSION_FIRST = re.compile(r"claude-(?P<version>\d(?:-\d)?)-(?P<family>[a-z]+)(?P<date>-\d{8})?", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):\d*:(?P<kind>[a-z-]+)/(?P<rest>.+)", re.ASCII)


class Form(NamedTuple):
    """An id taken apart."""

    name: str
    """The id without what the platform adds to it."""
    bedrock: bool = False
    endpoint: Endpoint | None = None
    """The kind of endpoint that the id itself says. None if it does not."""
    provisioned: bool = False
    """An ARN of provisioned throughput, which is paid by the hour."""
    prefix: str | None = None
    """What a gateway writes before the id."""


def parse(model: str) -> Form:
    """Take an id apart. An id without a platform's form stays as it is."""
    if "/" in model and (prefixed := _PREFIXED.fullmatch(model)):
        return parse(prefixed["id"])._replace(prefix=prefixed["prefix"])
    if "anthropic." not in model and not model.startswith("arn:"):
        return Form(model)
    if arn := _ARN.fullmatch(model):
        if arn["kind"] in {"inference-profile", "foundation-model"} and (inner := _BEDROCK.fullmatch(arn["rest"])):
            gov = arn["region"].startswith("us-gov-")
            return Form(inner["name"], bedrock=True, endpoint="us_gov" if gov else _endpoint(inner["place"]))
        return Form(model, bedrock=True, provisioned=arn["kind"] == "provisioned-model")
    if bedrock := _BEDROCK.fullmatch(model):
        return Form(bedrock["name"], bedrock=True, endpoint=_endpoint(bedrock["place"]))
    return Form(model)


def _endpoint(place: str | None) -> Endpoint | None:
    return None if place is None else _ENDPOINTS.get(place, "regional")


def merged(outer: Form, inner: Form) -> Form:
    """The form of a name of the user's own: that of what it stands for, with what it says by itself, as an ARN does."""
    return inner._replace(
        bedrock=inner.bedrock or outer.bedrock,
        endpoint=inner.endpoint or outer.endpoint,
        provisioned=inner.provisioned or outer.provisioned,
    )


def lookup(form: Form, known: Mapping[str, str]) -> str | None:
    """The known id that an id stands for, in whatever form it is written."""
    found = find(form.name, known)
    if found is None and form.prefix is not None:
        # OpenRouter writes versions with a dot, and in its dated ids before the family.
        name = form.name.replace(".", "-")
        reordered = _VERSION_FIRST.sub(r"claude-\g<family>-\g<version>\g<date>", name)
        found = find(name, known) or find(reordered, known)
    return found


def find(name: str, known: Mapping[str, str]) -> str | None:
    """The known id that a name stands for: itself, by an alias, or as a dated snapshot of a known one."""
    if name in known:
        return known[name]
    base, _, version = name.rpartition("@")
    if base:  # Google Cloud writes claude-haiku-4-5@20251001 for claude-haiku-4-5-20251001.
        return (
            known.get(f"{base}-{version}") or known.get(base)
            if version == "default" or _DATE.fullmatch(version)
            else None
        )
    base, _, date = name.rpartition("-")
    return known.get(base) if _DATE.fullmatch(date) else None
