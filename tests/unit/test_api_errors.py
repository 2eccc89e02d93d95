"""Errors of the API: what blocked a request, by the whole table of Anthropic's errors, and near misses of each row."""

from __future__ import annotations

import pytest

from otel_claude.api.errors import ApiError, parse_error


def error(kind, message="", code=None):
    details = {} if code is None else {"details": {"error_code": code}}
    return {"type": "error", "error": {"type": kind, "message": message, **details}}


RATE = "rate_limit_error"
INVALID = "invalid_request_error"
CREDIT = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade."
OWN = "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."
OWN_WORKSPACE = "You have reached your specified workspace API usage limits. You will regain access on 2026-12-01."

BLOCKED = [
    # status, body, retry-after, what blocked it
    (429, error(RATE, "Number of request tokens has exceeded your rate limit"), True, "rate_limit"),
    (429, error(RATE), False, "rate_limit"),
    (429, error(RATE, code="ramp_limit_exceeded"), True, "rate_limit"),
    (429, {}, True, "rate_limit"),
    (429, None, True, "rate_limit"),
    (429, error(RATE, code="enforced_spend_limit_reached"), False, "spend_limit"),
    (429, error(RATE, code="contract_spend_limit_reached"), False, "spend_limit"),
    (402, error("billing_error", code="linked_organization_spend_limit_reached"), False, "spend_limit"),
    (400, error(INVALID, OWN), False, "spend_limit"),
    (400, error(INVALID, OWN_WORKSPACE), False, "spend_limit"),
    (400, error(INVALID, CREDIT), False, "credit_balance"),
    (402, error("billing_error", code="linked_organization_billing_unavailable"), False, "credit_balance"),
    (402, error("billing_error"), False, "credit_balance"),
    (529, error("overloaded_error", "Overloaded"), False, "overloaded"),
    (529, None, False, "overloaded"),
    (529, {"error": "no object"}, False, "overloaded"),
    (200, error("overloaded_error"), False, "overloaded"),
]
NOT_BLOCKED = [
    (429, None, False),  # unread: it could be a spend limit
    (529, error("overloaded_error", code="compaction_unavailable"), False),
    (529, error("api_error"), False),
    (500, error("api_error", "Internal server error"), False),
    (504, error("timeout_error"), False),
    (401, error("authentication_error"), False),
    (403, error("permission_error", CREDIT), False),
    (404, error("not_found_error"), False),
    (413, error("request_too_large"), False),
    (400, error(INVALID, "messages: roles must alternate"), False),
    (400, error(INVALID, "prompt is too long: You have reached your specified API usage limits"), False),
    (400, error(INVALID, "You have reached your specified number of tools"), False),
    (400, error(INVALID, "credit balance"), False),
    (400, error(INVALID, CREDIT.upper()), False),
    (400, error(INVALID, "x" * 2_000), False),
    (400, error(INVALID, code="spend_limit_reached"), False),
    (400, {"message": CREDIT}, False),
    (400, {"error": {"type": INVALID, "message": [CREDIT]}}, False),
    (400, None, True),
    (503, None, True),
]


@pytest.mark.parametrize(("status", "body", "retry_after", "blocked"), BLOCKED)
def test_what_blocked_it(status, body, retry_after, blocked):
    assert parse_error(status, body, retry_after=retry_after).blocked == blocked


@pytest.mark.parametrize(("status", "body", "retry_after"), NOT_BLOCKED)
def test_what_is_only_an_error(status, body, retry_after):
    assert parse_error(status, body, retry_after=retry_after).blocked is None


ENVELOPES = [
    (error("api_error"), "api_error"),
    (error(None), None),
    (error(5), None),
    (error("x" * 1_001), None),
    ({"error": []}, None),
    ([error("api_error")], None),
    ("api_error", None),
    (None, None),
]


@pytest.mark.parametrize(("body", "kind"), ENVELOPES, ids=lambda value: repr(value)[:50])
def test_the_type_in_the_envelope(body, kind):
    assert parse_error(500, body, retry_after=False) == ApiError(500, kind, None)


def test_a_message_of_several_lines_is_read():
    assert parse_error(400, error(INVALID, f"{CREDIT}\nSee the docs."), retry_after=False).blocked == "credit_balance"
