"""Real responses of the API, replayed through the real SDK: the tokens of their bodies, the limits of their headers.

They lie beside the checkout and are not ours to copy: without them these tests are skipped.
"""

import inspect
import json
import re
from contextlib import nullcontext
from pathlib import Path

import httpx2
import pytest
from anthropic import Anthropic, APIStatusError, AsyncAnthropic
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_claude import ClaudeInstrumentor

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "recorded"
FILES = sorted(FOLDER.glob("*.json"))
RESET = "2100-01-01T00:00:00Z"
NAMES = {"requests": "requests", "tokens": "tokens", "input-tokens": "input_tokens", "output-tokens": "output_tokens"}

if not FILES:
    pytest.skip(f"there are no recorded exchanges in {FOLDER}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")


def usage_of(body):
    """The final usage of a body, worked out without the SDK and without us."""
    if not body.lstrip().startswith("event:"):
        return json.loads(body).get("usage")
    found = {}
    for line in re.findall(r"^data: (.*)$", body, re.MULTILINE):
        event = json.loads(line)
        said = event.get("usage") or event.get("message", {}).get("usage") or {}
        found |= {key: value for key, value in said.items() if value is not None}
    return found


def total_input(usage):
    return sum(usage.get(f"{kind}input_tokens") or 0 for kind in ("", "cache_read_", "cache_creation_"))


def points(reader):
    data = reader.get_metrics_data()
    return {
        metric.name: list(metric.data.data_points)
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


@pytest.fixture
def reader():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    ClaudeInstrumentor().instrument(meter_provider=provider)
    yield reader
    ClaudeInstrumentor().uninstrument()
    provider.shutdown()


def replay(exchange):
    response = exchange["response"]
    headers = {name: RESET if name.endswith("-reset") else value for name, value in response["headers"].items()}
    return httpx2.MockTransport(
        lambda _: httpx2.Response(response["status"], headers=headers, content=response["body"])
    )


def arguments(create, body):
    """The body as arguments: what a newer SDK does not take any more goes around them."""
    known = inspect.signature(create).parameters
    return {
        **{name: value for name, value in body.items() if name in known},
        "extra_body": {name: value for name, value in body.items() if name not in known},
    }


def send(exchange):
    client = Anthropic(api_key="k", http_client=httpx2.Client(transport=replay(exchange)), max_retries=0)
    got = client.messages.create(**arguments(client.messages.create, exchange["request"]["body"]))
    if exchange["request"]["body"].get("stream"):
        list(got)


async def send_async(exchange):
    client = AsyncAnthropic(api_key="k", http_client=httpx2.AsyncClient(transport=replay(exchange)), max_retries=0)
    got = await client.messages.create(**arguments(client.messages.create, exchange["request"]["body"]))
    if exchange["request"]["body"].get("stream"):
        assert [event async for event in got]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_recorded_exchange(path, kind, reader):
    exchange = json.loads(path.read_text())
    response = exchange["response"]
    with nullcontext() if response["status"] == 200 else pytest.raises(APIStatusError):
        if kind == "sync":
            send(exchange)
        else:
            await send_async(exchange)
    found = points(reader)
    assert sum(point.value for point in found["claude.client.calls"]) == 1
    check_tokens(found, usage_of(response["body"]) if response["status"] == 200 else None)
    for prefix, name in NAMES.items():
        for field in ("limit", "remaining"):
            said = response["headers"].get(f"anthropic-ratelimit-{prefix}-{field}")
            shown = {
                point.attributes["claude.rate_limit.name"]: point.value
                for point in found.get(f"claude.client.rate_limit.{field}", ())
            }
            assert shown.get(name) == (None if said is None else int(said))


def check_tokens(found, usage):
    counted = "gen_ai.client.inference.usage"
    if usage is None:
        assert f"{counted}.input_tokens" not in found
        assert "claude.client.cost.usd" not in found
        return
    (inputs,), (outputs,) = found[f"{counted}.input_tokens"], found[f"{counted}.output_tokens"]
    assert inputs.value == total_input(usage)
    assert outputs.value == usage["output_tokens"] > 0
    # A counter of what was not used has no point.
    for name, used in (("cache_read", "cache_read_input_tokens"), ("cache_write", "cache_creation_input_tokens")):
        shown = [point.value for point in found.get(f"{counted}.{name}.input_tokens", ())]
        assert sum(shown) == usage.get(used, 0)
        assert 0 not in shown
    (cost,) = found["claude.client.call.cost.usd"]
    # claude-sonnet-4-20250514: 3 and 15 USD for a million tokens (pricing page of 2026-10-10); nothing was cached.
    assert cost.sum == pytest.approx((usage["input_tokens"] * 3 + usage["output_tokens"] * 15) / 1e6, rel=1e-12)
    assert "claude.client.unpriced" not in found
