"""Every played failure, as the SDK raises it, and how the SDK's retries end it."""

from __future__ import annotations

import anthropic
import httpx2
import pytest
from simulator_asked import scenario

from otel_claude_demo.simulator import SCENARIOS, Simulator
from otel_claude_demo.simulator.failures import FAILURES

ASK = {"model": "claude-sonnet-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("name", "status", "kind", "code", "retry_after"),
    [
        ("rate_limit", 429, "rate_limit_error", None, "1"),
        ("ramp_limit", 429, "rate_limit_error", "ramp_limit_exceeded", "1"),
        ("spend_limit", 429, "rate_limit_error", "enforced_spend_limit_reached", None),
        ("contract_limit", 429, "rate_limit_error", "contract_spend_limit_reached", None),
        ("own_limit", 400, "invalid_request_error", None, None),
        ("workspace_limit", 400, "invalid_request_error", None, None),
        ("credit_balance", 400, "invalid_request_error", None, None),
        ("billing_error", 402, "billing_error", "linked_organization_spend_limit_reached", None),
        ("bad_key", 401, "authentication_error", None, None),
        ("permission", 403, "permission_error", None, None),
        ("unknown_model", 404, "not_found_error", None, None),
        ("invalid_request", 400, "invalid_request_error", None, None),
        ("too_large", 413, "request_too_large", None, None),
        ("api_error", 500, "api_error", None, None),
        ("timeout_error", 504, "timeout_error", None, None),
        ("overloaded", 529, "overloaded_error", None, None),
        ("compaction_unavailable", 529, "overloaded_error", "compaction_unavailable", None),
    ],
)
def test_a_failure_is_what_the_api_says(once, shared, name, status, kind, code, retry_after):  # noqa: PLR0917
    with pytest.raises(anthropic.APIStatusError) as raised:
        once.messages.create(**ASK, **scenario(name))
    error = raised.value
    assert (error.status_code, error.type, error.error_code) == (status, kind, code)
    assert error.response.headers.get("retry-after") == retry_after
    assert error.response.headers["x-simulated"] == "otel-claude"
    assert error.body["request_id"] == error.request_id == shared.served[-1].request_id
    record = shared.served[-1]
    assert (record.status, record.error_type, record.usage, record.used) == (status, kind, None, None)


def test_every_failure_is_a_scenario_and_tested():
    assert set(FAILURES) <= set(SCENARIOS)
    tested = test_a_failure_is_what_the_api_says.pytestmark[0].args[1]
    assert {row[0] for row in tested} | {"bad_gateway"} == set(FAILURES)


def test_a_proxy_s_page_is_no_json(once):
    with pytest.raises(anthropic.InternalServerError) as raised:
        once.messages.create(**ASK, **scenario("bad_gateway"))
    assert raised.value.status_code == 502
    assert raised.value.type is None
    assert "<html>" in raised.value.response.text


def test_the_envelope_has_the_recorded_form(once):
    with pytest.raises(anthropic.NotFoundError) as raised:
        once.messages.create(**{**ASK, "model": "invalid-model-name"})
    request_id = raised.value.request_id
    assert raised.value.response.text == (
        '{\n  "type": "error",\n  "error": {\n    "type": "not_found_error",\n'
        f'    "message": "model: invalid-model-name"\n  }},\n  "request_id": "{request_id}"\n}}'
    )
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert "anthropic-ratelimit-requests-limit" not in raised.value.response.headers


@pytest.mark.parametrize("name", ["rate_limit", "overloaded", "api_error", "ramp_limit"])
def test_retries_end_a_failure_that_is_played_n_times(client, shared, name):
    message = client.messages.create(**ASK, **scenario(f"{name}=2,retry_after=0.01"))
    assert message.usage.output_tokens > 0
    status = FAILURES[name].status
    assert [(record.status, record.attempt) for record in shared.served] == [(status, 0), (status, 1), (200, 2)]


def test_always_is_longer_than_the_retries(client, shared):
    with pytest.raises(anthropic.RateLimitError):
        client.messages.create(**ASK, **scenario("rate_limit,retry_after=0.01"))
    assert [record.attempt for record in shared.served] == [0, 1, 2]


def test_what_is_not_retried_is_asked_once(client, shared):
    with pytest.raises(anthropic.BadRequestError, match="credit balance is too low"):
        client.messages.create(**ASK, **scenario("credit_balance"))
    assert len(shared.served) == 1


def test_a_lost_connection_is_retried(client, shared):
    client.messages.create(**ASK, **scenario("disconnect=1"))
    outcomes = [(record.outcome, record.status, record.usage is None) for record in shared.served]
    assert outcomes == [("aborted", 200, True), ("finished", 200, False)]
    assert shared.served[0].used is not None


def test_no_answer_until_the_client_gives_up(once, shared):
    with pytest.raises(anthropic.APITimeoutError):
        once.messages.create(**ASK, timeout=0.2, **scenario("hang"))
    # The server notices when the connection closes, which may be a moment later than the client.
    once.messages.create(**ASK)
    hung = next(record for record in shared.served if record.scenario == "hang")
    assert (hung.outcome, hung.status, hung.usage) == ("aborted", None, None)
    assert hung.used["output_tokens"] > 0


def test_a_model_s_suffix_chooses_and_is_not_in_the_answer(client, once, shared):
    message = client.messages.create(**{**ASK, "model": "claude-sonnet-5-5+overloaded=1+retry_after=0.01+output=5"})
    assert (message.model, message.usage.output_tokens) == ("claude-sonnet-5-5", 5)
    assert shared.served[0].scenario == "overloaded=1,retry_after=0.01,output=5"
    with pytest.raises(anthropic.OverloadedError):
        once.messages.create(**{**ASK, "model": "claude-sonnet-5-5+overloaded"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rate_limits", "unknown scenario 'rate_limits'; accepted are: rate_limit, ramp_limit"),
        ("rate_limit=often", "takes a whole number, not 'often'"),
        ("slow=-1", "takes seconds, not '-1'"),
        ("unified=2", "takes no argument"),
        ("refusal=never", "takes one of early, late, not 'never'"),
    ],
)
def test_a_wrong_scenario_is_a_400_that_says_what_is_accepted(once, text, complaint):
    with pytest.raises(anthropic.BadRequestError) as raised:
        once.messages.create(**ASK, **scenario(text))
    assert complaint in raised.value.api_message


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"messages": []}, "at least one message is required"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": -1}, "max_tokens: must be greater"),
        ({"model": ""}, "model: Field required"),
        ({"speed": "fast"}, "speed: fast is not supported"),
        ({"model": "claude-haiku-4-5", "inference_geo": "us"}, "inference_geo: not supported"),
        (
            {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 5},
            "A maximum of 4 blocks with cache_control",
        ),
    ],
)
def test_wrong_requests_are_refused(once, change, complaint):
    with pytest.raises(anthropic.BadRequestError, match=complaint):
        once.messages.create(**{**ASK, **change})


def test_a_missing_key_and_unknown_paths(shared: Simulator):
    with httpx2.Client(base_url=shared.url) as http:
        unkeyed = http.post("/v1/messages", json=ASK)
        assert (unkeyed.status_code, unkeyed.json()["error"]["type"]) == (401, "authentication_error")
        assert "anthropic-workspace-id" not in unkeyed.headers
        keyed = http.post("/v1/messages", json=ASK, headers={"x-api-key": "k"})
        assert keyed.headers["anthropic-workspace-id"].startswith("wrkspc_")
        assert keyed.headers["anthropic-organization-id"].startswith("org_")
        broken = http.post("/v1/messages", content=b"{", headers={"x-api-key": "k"})
        assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
        listed = http.post("/v1/messages", content=b"[]", headers={"x-api-key": "k"})
        assert listed.status_code == 400
        assert http.get("/v1/nothing").json()["error"]["type"] == "not_found_error"
        assert http.get("/v1/messages").status_code == 405
