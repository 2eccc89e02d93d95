"""What the API says when it refuses. Knows statuses, error types, codes and messages."""

from __future__ import annotations

from dataclasses import dataclass, replace

from otel_claude_demo.simulator.jsons import Json


@dataclass(frozen=True, slots=True)
class Failure:
    """An error answer."""

    status: int
    type: str
    message: str
    error_code: str | None = None
    retry_after: float | None = None
    should_retry: bool | None = False
    """The header `x-should-retry`; None leaves it out."""
    exhausts: str | None = None
    """The rate limit whose remaining count the headers show as 0."""
    html: bool = False
    """A proxy's page instead of the API's JSON."""

    def envelope(self, request_id: str | None = None) -> Json:
        """The JSON body."""
        details = {"details": {"error_code": self.error_code}} if self.error_code else {}
        body: Json = {"type": "error", "error": {"type": self.type, "message": self.message, **details}}
        return {**body, "request_id": request_id} if request_id else body

    def after(self, seconds: float) -> Failure:
        """The same failure with another `retry-after`."""
        return replace(self, retry_after=seconds)


class Refused(Exception):  # noqa: N818 - the name says what happened to the request
    """Raised where a request cannot be answered."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def invalid(message: str) -> Refused:
    """A 400."""
    return Refused(Failure(400, "invalid_request_error", message))


def unknown_model(model: str) -> Failure:
    """A 404, in the recorded words."""
    return Failure(404, "not_found_error", f"model: {model}")


MISSING_KEY = Failure(401, "authentication_error", "x-api-key header is required")
NOT_FOUND = Failure(404, "not_found_error", "Not Found")
NOT_ALLOWED = Failure(405, "invalid_request_error", "Method Not Allowed")

DETAILS = "https://docs.claude.com/en/api/rate-limits"
_REGAIN = "You will regain access on 2026-12-01 at 00:00 UTC."
FAILURES: dict[str, Failure] = {
    "rate_limit": Failure(
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of input tokens per minute. For details, refer to: "
        f"{DETAILS}",
        retry_after=1,
        should_retry=True,
        exhausts="input-tokens",
    ),
    "ramp_limit": Failure(
        429,
        "rate_limit_error",
        "This request would exceed a limit on how fast your usage can grow.",
        error_code="ramp_limit_exceeded",
        retry_after=1,
        should_retry=True,
    ),
    "spend_limit": Failure(
        429,
        "rate_limit_error",
        "Your organization has reached the monthly API usage threshold of its tier.",
        error_code="enforced_spend_limit_reached",
        should_retry=None,
    ),
    "contract_limit": Failure(
        429,
        "rate_limit_error",
        "Your organization has reached the spend limit of its contract.",
        error_code="contract_spend_limit_reached",
        should_retry=None,
    ),
    "own_limit": Failure(
        400,
        "invalid_request_error",
        f"You have reached your specified API usage limits. {_REGAIN}",
    ),
    "workspace_limit": Failure(
        400,
        "invalid_request_error",
        f"You have reached your specified workspace API usage limits. {_REGAIN}",
    ),
    "credit_balance": Failure(
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits.",
    ),
    "billing_error": Failure(
        402,
        "billing_error",
        "The organization linked to this request cannot be billed.",
        error_code="linked_organization_spend_limit_reached",
    ),
    "bad_key": Failure(401, "authentication_error", "invalid x-api-key"),
    "permission": Failure(
        403, "permission_error", "Your API key does not have permission to use the specified resource."
    ),
    "unknown_model": Failure(404, "not_found_error", "model: unknown"),
    "invalid_request": Failure(400, "invalid_request_error", "messages.0.content: Field required"),
    "too_large": Failure(413, "request_too_large", "Request exceeds the maximum allowed number of bytes."),
    "api_error": Failure(500, "api_error", "Internal server error", should_retry=True),
    "timeout_error": Failure(504, "timeout_error", "Request timed out.", should_retry=True),
    "overloaded": Failure(529, "overloaded_error", "Overloaded", should_retry=True),
    "compaction_unavailable": Failure(
        529,
        "overloaded_error",
        "The compaction could not be completed. Retry the request.",
        error_code="compaction_unavailable",
        should_retry=True,
    ),
    "bad_gateway": Failure(
        502, "api_error", "<html><head><title>502 Bad Gateway</title></head></html>", should_retry=None, html=True
    ),
}
"""By the name of the scenario that plays it."""
