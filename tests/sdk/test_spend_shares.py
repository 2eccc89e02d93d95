"""Whose money: for any workload, spend by tag, by key and by model each add up to the total, to the pico-dollar."""

import contextlib
import json
from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support import api
from support.expected import PRICES
from support.face import Face
from support.library import anthropic
from support.server import Server, plain, refused, stream
from support.telemetry import plain_metrics

from otel_claude import ClaudeInstrumentor, tags

PICO = 10**12
KEYS = {api.HINT: api.KEY, "sk-ant-api03-Q7W...wXAA": "-".join(["sk", "ant", "api03", "Q7W" + "z" * 88 + "wXAA"])}
TENANTS = [f"t{number}" for number in range(8)]
LIMIT = 3


class Ask(NamedTuple):
    """One call of a workload: who asks, what, how it goes, and what it used."""

    tenant: str | None
    feature: str | None
    hint: str
    model: str
    shape: str
    output: int
    cached: int


ASKS = st.builds(
    Ask,
    st.sampled_from([None, *TENANTS]),
    st.sampled_from([None, "search", "chat"]),
    st.sampled_from(sorted(KEYS)),
    st.sampled_from(sorted(PRICES)),
    st.sampled_from(["plain", "stream", "aborted", "refused", "retried"]),
    st.integers(0, 99_999),
    st.integers(0, 999_999),
)


def replying():
    """Answers as the request's own `metadata` says: shape, tokens. The first attempt of `retried` is refused."""
    seen = set()

    def reply(request: Any) -> Any:
        asked = json.loads(request.content)
        number, shape, output, cached = json.loads(asked["metadata"]["user_id"])
        usage = {**api.USAGE, "output_tokens": output, "cache_read_input_tokens": cached}
        said = {"model": asked["model"], "id": f"msg_{number}"}
        if shape == "refused" or (shape == "retried" and number not in seen):
            seen.add(number)
            return refused(429 if shape == "retried" else 400, "rate_limit_error")(request)
        if asked.get("stream"):
            first = api.start({**usage, "output_tokens": 1}, **said)
            return stream(api.events(first=first, last=api.delta({"output_tokens": output})))(request)
        return plain(api.message(usage, **said))(request)

    return reply


def act(clients: dict[str, Any], number: int, ask: Ask) -> None:
    pairs = {"tenant": ask.tenant, "feature": ask.feature}
    args = {
        "model": ask.model,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello"}],
        "metadata": {"user_id": json.dumps([number, ask.shape, ask.output, ask.cached])},
    }
    create = clients[ask.hint].messages.create
    with tags(**{key: value for key, value in pairs.items() if value}):
        if ask.shape == "refused":
            with pytest.raises(anthropic.BadRequestError):
                create(**args)
            return
        if ask.shape not in {"stream", "aborted"}:
            create(**args)
            return
        opened = create(**args, stream=True)
    for place, _ in enumerate(opened):
        if ask.shape == "aborted" and place == 2:
            break
    opened.close()


def cost(ask: Ask) -> Fraction:
    """Pico-dollars, by the published prices."""
    if ask.shape == "refused":
        return Fraction(0)
    used = {"input": 10, "cache_read": ask.cached, "cache_write_5m": 60, "cache_write_1h": 40, "output": ask.output}
    if ask.shape == "aborted":
        used.pop("output")
    prices = PRICES[ask.model]
    return sum((Fraction(prices[kind]) * tokens for kind, tokens in used.items()), Fraction(0)) * PICO / 1_000_000


@contextlib.contextmanager
def measured(**settings_: Any):
    """The real instrumentation with a provider of its own, and a function that collects its counters' points."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    ClaudeInstrumentor().instrument(meter_provider=provider, spans="off", **settings_)

    def collect() -> dict[str, list[tuple[dict[str, Any], int]]]:
        """Pico-dollars are whole again: a float tells them apart up to thousands of dollars."""
        found = plain_metrics(reader.get_metrics_data())
        of_cost = {name for name in found if name.endswith(".usd")}
        return {
            name: [
                (dict(key), round(Fraction(value) * PICO) if name in of_cost else value)
                for key, value in series.items()
                if not isinstance(value, tuple)
            ]
            for name, series in found.items()
        }

    try:
        yield collect
    finally:
        ClaudeInstrumentor().uninstrument()
        provider.shutdown()


@pytest.fixture
def no_waiting(monkeypatch):
    """Retries come at once."""
    for name in ("INITIAL_RETRY_DELAY", "MAX_RETRY_DELAY"):
        monkeypatch.setattr(f"anthropic._base_client.{name}", 0.0)


def by(found: list[tuple[dict[str, Any], int]], label: str) -> dict[Any, int]:
    sums: Counter[Any] = Counter()
    for labels, amount in found:
        sums[labels.get(label)] += amount
    return dict(sums)


def shares(asks: list[Ask], share: Any) -> dict[Any, int]:
    sums: Counter[Any] = Counter()
    for ask in asks:
        if amount := int(cost(ask)):
            sums[share(ask)] += amount
    return dict(sums)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asks=st.lists(ASKS, max_size=14))
def test_sums_by_tag_by_key_and_by_model_are_the_total(no_waiting, asks):
    server = Server(replying())
    clients = {hint: Face("sync", server, api_key=key).client for hint, key in KEYS.items()}
    with measured(tag_limit=LIMIT) as collect:
        for number, ask in enumerate(asks):
            act(clients, number, ask)
        collected = collect()
    found, calls = collected.get("claude.client.cost.usd", []), collected.get("claude.client.calls", [])
    total = sum(amount for _, amount in found)
    assert total == int(sum(map(cost, asks)))
    assert by(found, "gen_ai.request.model") == shares(asks, lambda ask: ask.model)
    assert by(found, "gen_ai.response.model") == shares(asks, lambda ask: ask.model)
    assert by(found, "claude.api_key.hint") == shares(asks, lambda ask: ask.hint)
    assert by(found, "claude.tag.feature") == shares(asks, lambda ask: ask.feature)
    tenants, expected = by(found, "claude.tag.tenant"), shares(asks, lambda ask: ask.tenant)
    kept = set(tenants) - {None, "_other"}
    assert len(kept) <= LIMIT
    assert {name: tenants[name] for name in kept} == {name: expected[name] for name in kept}
    folded = sum(amount for name, amount in expected.items() if name is not None and name not in kept)
    assert tenants.get("_other", 0) == folded
    assert tenants.get(None, 0) == expected.get(None, 0)
    for label in ("claude.tag.tenant", "claude.tag.feature", "claude.api_key.hint", "gen_ai.request.model"):
        assert sum(by(found, label).values()) == total
    assert sum(count for _, count in calls) == len(asks)


def test_tenants_beyond_the_limit_are_one_series_and_nothing_is_lost(no_waiting):
    client = Face("sync", Server(replying())).client
    asks = [Ask(f"t{number}", None, api.HINT, api.MODEL, "plain", 50, 1000) for number in range(300)]
    with measured(tag_limit=20) as collect:
        for number, ask in enumerate(asks):
            act({api.HINT: client}, number, ask)
        collected = collect()
    each = int(cost(asks[0]))
    expected = {**{f"t{number}": each for number in range(20)}, "_other": 280 * each}
    assert by(collected["claude.client.cost.usd"], "claude.tag.tenant") == expected
    for name, series in collected.items():
        assert len({labels.get("claude.tag.tenant") for labels, _ in series}) <= 21, name
