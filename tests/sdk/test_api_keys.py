"""Which key a call shows: as the Console shows it, from wherever it came; and nothing of any other credential."""

import hashlib
import inspect
from typing import Any, NamedTuple

import pytest
from anthropic._types import Omit
from support import api
from support.api import ARGS
from support.face import BASE_URL, Face
from support.library import VERSION, anthropic
from support.server import Server, plain
from test_platforms import PLATFORMS

from otel_claude import ClaudeInstrumentor

OTHER = "-".join(["sk", "ant", "api03", "Q7W" + "z" * 88 + "wXAA"])
OTHER_HINT = "sk-ant-api03-Q7W...wXAA"
GATEWAY = "gateway-credential-" + "g" * 40
OAUTH = api.TOKEN


class Case(NamedTuple):
    """How a call gets its credential, and the hint that it must show."""

    hint: str | None
    client: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    environment: dict[str, str] = {}  # noqa: RUF012 - the same
    headers: dict[str, Any] = {}  # noqa: RUF012 - the same
    options: dict[str, Any] = {}  # noqa: RUF012 - the same
    assigned: str | None = None
    since: tuple[int, ...] = (0,)
    before: tuple[int, ...] = (99,)


NO_KEY = {"api_key": None}
BEARER = {"api_key": None, "auth_token": api.KEY}
CASES = {
    "argument": Case(api.HINT, {"api_key": api.KEY}),
    "environment": Case(api.HINT, NO_KEY, {"ANTHROPIC_API_KEY": api.KEY}),
    "the argument wins": Case(api.HINT, {"api_key": api.KEY}, {"ANTHROPIC_API_KEY": OTHER}),
    "as a bearer": Case(api.HINT, BEARER),
    "as a bearer in the environment": Case(api.HINT, NO_KEY, {"ANTHROPIC_AUTH_TOKEN": api.KEY}),
    "key and bearer in the environment": Case(
        api.HINT, NO_KEY, {"ANTHROPIC_API_KEY": api.KEY, "ANTHROPIC_AUTH_TOKEN": OTHER}
    ),
    "this request's": Case(OTHER_HINT, headers={"X-Api-Key": OTHER}),
    "this request's, as a bearer": Case(OTHER_HINT, headers={"Authorization": f"Bearer {OTHER}"}),
    "this request's, in small letters": Case(OTHER_HINT, headers={"authorization": f"bearer {OTHER}"}),
    "this request's, both ways": Case(OTHER_HINT, headers={"authorization": f"Bearer {api.KEY}", "x-api-key": OTHER}),
    "another for this call": Case(OTHER_HINT, options={"api_key": OTHER}),
    "assigned later": Case(OTHER_HINT, assigned=OTHER),
    "default headers": Case(OTHER_HINT, {"default_headers": {"X-Api-Key": OTHER}}),
    "default headers, as a bearer": Case(OTHER_HINT, {"default_headers": {"Authorization": f"Bearer {OTHER}"}}),
    "default headers for this call": Case(OTHER_HINT, options={"default_headers": {"x-api-key": OTHER}}),
    "this request's over default headers": Case(
        api.HINT, {"default_headers": {"X-Api-Key": OTHER}}, headers={"X-Api-Key": api.KEY}
    ),
    "headers of the environment": Case(
        OTHER_HINT, environment={"ANTHROPIC_CUSTOM_HEADERS": f"X-Api-Key: {OTHER}"}, since=(1, 0)
    ),
    "an OAuth token": Case(None, {"api_key": None, "auth_token": OAUTH}),
    "an OAuth token in the environment": Case(None, NO_KEY, {"ANTHROPIC_AUTH_TOKEN": OAUTH}),
    "an OAuth token for this request": Case(None, headers={"Authorization": f"Bearer {OAUTH}"}, since=(2, 0)),
    "a gateway's credential": Case(None, {"api_key": GATEWAY}),
    "a gateway's credential in default headers": Case(None, {"default_headers": {"X-Api-Key": GATEWAY}}),
    "basic authentication at a gateway": Case(None, headers={"Authorization": "Basic dXNlcjpwYXNz"}),
    "omitted": Case(None, headers={"Authorization": Omit()}, since=(2, 0)),
    "omitted, in its old header": Case(None, headers={"X-Api-Key": Omit()}, before=(2, 0)),
    "the other one is omitted": Case(api.HINT, headers={"X-Api-Key": Omit()}, since=(2, 0)),
}


def sent(request):
    """The credentials that the server was sent."""
    values = (request.headers.get("x-api-key"), request.headers.get("authorization"))
    return [value.split(" ", 1)[-1] for value in values if value]


def hints(telemetry):
    """Of every metric, and of the span."""
    found = {dict(key).get("claude.api_key.hint") for points in telemetry.metrics().values() for key in points}
    return found | {telemetry.span.attributes.get("claude.api_key.hint")}


@pytest.mark.parametrize("name", CASES)
async def test_the_key_that_is_sent_is_the_key_that_is_shown(telemetry, kind, tracing, name, monkeypatch, quiet):
    case = CASES[name]
    if not case.since <= VERSION < case.before:
        pytest.skip(f"anthropic {VERSION} does not do this")
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    face = Face(kind, Server(plain()), tracing, **case.client)
    client = face.client.with_options(**case.options) if case.options else face.client
    if case.assigned:
        client.api_key = case.assigned
    await face.wait(client.messages.create(**ARGS, **({"extra_headers": case.headers} if case.headers else {})))
    assert hints(telemetry) == {case.hint}
    shown = {api.HINT: api.KEY, OTHER_HINT: OTHER}.get(case.hint)
    assert shown is None or shown in sent(face.server.requests[0])


@pytest.mark.parametrize("mode", ["hint", "hash", "off"])
@pytest.mark.parametrize("credential", [api.KEY, OAUTH, GATEWAY], ids=["key", "oauth", "gateway"])
async def test_each_mode(telemetry, kind, mode, credential, monkeypatch, quiet):
    ClaudeInstrumentor().uninstrument()
    monkeypatch.setenv("OTEL_CLAUDE_API_KEY_FORMAT", mode)
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    face = Face(kind, Server(plain()), api_key=credential)
    await face.wait(face.client.messages.create(**ARGS))
    shown = {"hint": api.HINT, "hash": hashlib.sha256(api.KEY.encode()).hexdigest()[:16], "off": None}
    assert hints(telemetry) == {shown[mode] if credential == api.KEY else None}


async def test_two_keys_of_one_program_are_two_series(telemetry, kind, quiet):
    face = Face(kind, Server(plain()))
    other = face.client.with_options(api_key=OTHER)
    for client in (face.client, other, face.client):
        await face.wait(client.messages.create(**ARGS))
    calls = telemetry.metrics()["claude.client.calls"]
    assert {dict(key)["claude.api_key.hint"]: value for key, value in calls.items()} == {api.HINT: 2, OTHER_HINT: 1}


async def test_nothing_of_tokens_that_a_provider_gives(telemetry, kind, tracing, monkeypatch, quiet):
    if "credentials" not in inspect.signature(anthropic.Anthropic).parameters:
        pytest.skip(f"anthropic {VERSION} has no credentials")
    from anthropic.lib.credentials import AccessToken  # noqa: PLC0415 - absent before 0.98

    monkeypatch.setenv("ANTHROPIC_API_KEY", api.KEY)
    # Such a provider is for the class that can wait for it, or for either.
    face = Face(kind, Server(plain()), tracing, api_key=None, credentials=lambda **_: AccessToken(token=OAUTH))
    await face.wait(face.client.messages.create(**ARGS))
    assert OAUTH in sent(face.server.requests[0])
    assert hints(telemetry) == {None}


CLOUDS = {
    **{name: options for name, (options, _, _) in PLATFORMS.items()},
    "AnthropicFoundry, Azure AD": {
        "azure_ad_token_provider": lambda: "azure-token", "base_url": PLATFORMS["AnthropicFoundry"][0]["base_url"],
    },
    "AnthropicBedrock, API key": {"api_key": api.KEY, "aws_region": "eu-west-1"},
}  # fmt: skip


@pytest.mark.parametrize("name", CLOUDS)
async def test_nothing_of_a_clouds_credentials_nor_of_a_key_that_it_does_not_use(
    telemetry, kind, name, monkeypatch, quiet
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", api.KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", OTHER)
    platform = name.partition(",")[0]
    if not hasattr(anthropic, platform):
        pytest.skip(f"anthropic {VERSION} has no {platform}")
    if (
        name == "AnthropicBedrock, API key"
        and "api_key" not in inspect.signature(anthropic.AnthropicBedrock).parameters
    ):
        pytest.skip(f"Bedrock of anthropic {VERSION} has no API keys")
    face = Face(kind, Server(plain()), cls=platform, **CLOUDS[name])
    await face.wait(face.client.messages.create(**ARGS))
    if "API key" not in name and VERSION >= (0, 125):
        # Foundry's client sent the environment's key beside its token before (seen in 0.100.0).
        assert api.KEY not in sent(face.server.requests[0])
    assert hints(telemetry) == {None}


async def test_workspace_and_organization_come_from_the_answer(telemetry, kind, tracing, quiet):
    """The workspace is a label; the organization is on the span, as a process has one of them."""
    headers = {**api.HEADERS, "anthropic-workspace-id": "wrkspc_7", "anthropic-organization-id": "org_7"}
    face = Face(kind, Server(plain(headers=headers), plain()), tracing, base_url=BASE_URL)
    await face.wait(face.client.messages.create(**ARGS))
    span = telemetry.span.attributes
    assert (span["anthropic.workspace.id"], span["anthropic.organization.id"]) == ("wrkspc_7", "org_7")
    for name, points in telemetry.metrics().items():
        for key in points:
            assert dict(key)["anthropic.workspace.id"] == "wrkspc_7", name
            assert "anthropic.organization.id" not in dict(key), name
    await face.wait(face.client.messages.create(**ARGS))
    calls = telemetry.metrics()["claude.client.calls"]
    assert {dict(key)["anthropic.workspace.id"]: value for key, value in calls.items()} == {
        "wrkspc_7": 1,
        "wrkspc_1": 1,
    }
