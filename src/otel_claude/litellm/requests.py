"""What a request of httpx asks of whom: the Messages API, of Anthropic and of those who offer it, or Bedrock.

Read from the URL, which says it in every version of LiteLLM (1.60 to 1.110); the body is looked at for the model.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote

from ..api import bedrock
from ..api.errors import ApiError, parse_error
from ..api.json import Json, as_object, as_text
from ..pricing import ANTHROPIC, Platform

_BEDROCK: Final = re.compile(r"/model/([^/]+)/(invoke|converse)(-with-response-stream|-stream)?")
_VERTEX: Final = re.compile(r"/publishers/anthropic/models/(?!count-tokens)([^/:]+):(rawPredict|streamRawPredict)")
_LOCATION: Final = re.compile(r"/locations/([a-z0-9-]+)/")
_SIGNED_FOR: Final = re.compile(r"Credential=[^/,]+/\d+/([a-z0-9-]+)/")
"""The region in the signature of a request to AWS."""
_REGION: Final = re.compile(r"(?:bedrock-runtime|bedrock-mantle|aws-external-anthropic)\.([a-z0-9-]+)\.")
_MESSAGES: Final = "/v1/messages"
_FOUNDRY_HOSTS: Final = (".services.ai.azure.com", ".cognitiveservices.azure.com", ".openai.azure.com")
_CLAUDE: Final = "claude"
_MAX_MEASURED: Final = 1_000_000
"""Bytes of a body that is decoded for the span alone."""


class Target(NamedTuple):
    """What a request asks.

    Attributes:
        form: Whose JSON is spoken: `messages`, also by Vertex AI and by Bedrock's `InvokeModel` (`invoke`); `converse`.
        provider: as `gen_ai.provider.name`.
        platform: who serves it.
        route: of the URL, without the model and the account.
        body: as one to the Messages API, with its model. Without content where the platform's own is another.
        is_claude: None: only the answer can say.
    """

    form: Literal["messages", "invoke", "converse"]
    provider: str
    platform: Platform
    route: str
    body: Json
    is_claude: bool | None = True

    def message(self, body: object, headers: Any) -> object:
        """The message in the body of an answer."""
        if self.form == "converse":
            return bedrock.converse_message(as_object(body))
        return bedrock.invoked_message(body, headers) if self.form == "invoke" else body

    def error(self, status: int, body: object, headers: Any) -> ApiError:
        """The error in an answer, as far as its body is known."""
        if self.form == "messages":
            error = parse_error(status, body, retry_after="retry-after" in headers)
        else:
            code = as_text(headers.get("x-amzn-errortype")) or as_text(as_object(body).get("__type")) or ""
            error = bedrock.parse_error(status, code.partition(":")[0].rpartition("#")[2])
        return error if error.error_type else error._replace(error_type=str(status))


def target_of(request: Any, *, spans: bool) -> Target | None:
    """What a request asks. None if it is not for a model of Anthropic's. Hot path: once for each request of httpx."""
    if request.method != "POST":
        return None
    path: str = request.url.raw_path.partition(b"?")[0].decode("latin-1").rstrip("/")
    if path.endswith(_MESSAGES):
        return _of_messages(request)
    if path.endswith("redict") and (found := _VERTEX.search(path)):
        place = _LOCATION.search(path)
        model, method = unquote(found[1]), found[2]
        body = {"stream": method != "rawPredict", **(_decoded(request) if spans else {}), "model": model}
        platform = Platform("vertex", None if place is None else place[1])
        return Target("messages", "gcp.vertex_ai", platform, f"/publishers/anthropic/models/{{model}}:{method}", body)
    if (found := _BEDROCK.search(path)) and path.endswith(found[0]):
        return _of_bedrock(request, unquote(unquote(found[1])), found[2], found[3] or "", spans=spans)
    return None


def _of_messages(request: Any) -> Target:
    host: str = request.url.host
    body = _decoded(request, limit=None)
    region = _REGION.search(host)
    place = None if region is None else region[1]
    model = as_text(body.get("model")) or ""
    known = True if _CLAUDE in model.lower() or host.endswith(".anthropic.com") else None
    platform, provider = ANTHROPIC, "anthropic"
    if host.endswith(_FOUNDRY_HOSTS):
        platform = Platform("foundry")
    elif place is not None:
        mantle = host.startswith("bedrock-")
        platform, provider = Platform("bedrock" if mantle else "aws", place), "aws.bedrock" if mantle else provider
    return Target("messages", provider, platform, _MESSAGES, body, known)


def _of_bedrock(request: Any, model: str, operation: str, rest: str, *, spans: bool) -> Target | None:
    anthropic = bedrock.is_anthropic_body(_content(request)) if operation == "invoke" else None
    if not bedrock.is_claude(model, anthropic_body=anthropic):
        return None
    said: Json = _decoded(request) if spans else {}
    body = bedrock.converse_request(said) if operation == "converse" else said
    region = _SIGNED_FOR.search(request.headers.get("authorization", "")) or _REGION.search(request.url.host)
    return Target(
        "converse" if operation == "converse" else "invoke",
        "aws.bedrock",
        Platform("bedrock", None if region is None else region[1]),
        f"/model/{{modelId}}/{operation}{rest}",
        {**body, "model": model, "stream": bool(rest)},
    )


def is_claude(model: object) -> bool:
    """Whether the model that an answer names is one of Anthropic's."""
    return isinstance(model, str) and _CLAUDE in model.lower()


def _content(request: Any) -> bytes:
    # Only what lies there: an application can send a generator, which is read once.
    return getattr(request, "_content", b"")


def _decoded(request: Any, limit: int | None = _MAX_MEASURED) -> Json:
    content = _content(request)
    if limit is not None and len(content) > limit:
        return {}
    try:
        return as_object(json.loads(content))
    except (ValueError, RecursionError):
        return {}
