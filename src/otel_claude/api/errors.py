"""Errors as the API reports them, and what blocked the request if something did.

Source: Anthropic's pages on errors and rate limits (August to November 2026), the error codes of anthropic 2.12.0.
"""

from typing import Final, NamedTuple

from .json import Json, as_object, as_text

_SPEND_CODES: Final = frozenset(
    {"enforced_spend_limit_reached", "contract_spend_limit_reached", "linked_organization_spend_limit_reached"}
)
_TOO_MANY_REQUESTS: Final = 429
_OVERLOADED: Final = 529


class ApiError(NamedTuple):
    """The status, the type in the error's envelope, and what blocked the request.

    `blocked` is `rate_limit`, `spend_limit`, `credit_balance`, `overloaded`, or `None`.
    """

    status: int
    error_type: str | None
    blocked: str | None


def parse_error(status: int, body: object, *, retry_after: bool) -> ApiError:
    """The `ApiError` in an error's status, decoded body and the presence of `retry-after`. `body` is None if unread."""
    error = as_object(as_object(body).get("error"))
    blocked = _blocked(status, error, known=body is not None or retry_after)
    return ApiError(status, as_text(error.get("type")), blocked)


def _blocked(status: int, error: Json, *, known: bool) -> str | None:
    kind, message = as_text(error.get("type")), error.get("message")
    code = as_text(as_object(error.get("details")).get("error_code"))
    if code in _SPEND_CODES:
        return "spend_limit"
    if status == _TOO_MANY_REQUESTS:
        # A spend limit answers 429 too, but never with `retry-after`: without a body only that tells them apart.
        return "rate_limit" if known else None
    if kind == "overloaded_error" or (kind is None and status == _OVERLOADED):
        # Compaction alone can be unavailable while the API is not overloaded.
        return None if code == "compaction_unavailable" else "overloaded"
    if kind == "billing_error":
        return "credit_balance"
    if kind == "invalid_request_error" and isinstance(message, str):
        # These two have no code of their own: only the message tells (official error texts, September 2026).
        if "credit balance is too low" in message:
            return "credit_balance"
        if message.startswith("You have reached your specified") and "usage limits" in message:
            return "spend_limit"
    return None
