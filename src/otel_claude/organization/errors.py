"""Problems: what can be wrong between us and the Admin API, in words for the user. Knows no SDK and no HTTP library."""

from __future__ import annotations

from typing import Final, Literal

from .. import redact

VARIABLE: Final = "ANTHROPIC_ADMIN_KEY"
NORMAL_KEY: Final = "sk-ant-api"

Kind = Literal[
    "no_key",
    "wrong_key",
    "individual_account",
    "no_permission",
    "not_available",
    "rate_limited",
    "refused",
    "server_error",
    "unreachable",
    "incomplete",
    "unreadable",
]
FINAL: Final[frozenset[Kind]] = frozenset({"no_key", "wrong_key", "individual_account"})
"""What waiting does not mend."""
SHARED: Final[frozenset[Kind]] = FINAL.union({"rate_limited", "unreachable"})
"""What concerns every part alike."""
ABSENT: Final[frozenset[Kind]] = frozenset({"not_available", "no_permission"})
"""What concerns one part alone, and stays until somebody changes a setting."""
ADMIN_KEY: Final = (
    "It takes an admin key (sk-ant-admin…). An admin of the organization makes one in the Console under Settings, "
    "Admin keys."
)


class Problem(Exception):  # noqa: N818 - it says what is wrong, not where
    """One thing that is wrong. Its text is one line for the user and never quotes a key."""

    def __init__(self, kind: Kind, text: str, retry_after: float | None = None) -> None:
        super().__init__(redact.own(redact.clean(text)))
        self.kind: Kind = kind
        self.retry_after = retry_after


class Moved(Problem):
    """A report grew between two of the requests that read it."""

    def __init__(self, part: str) -> None:
        text = f"The {part} changed between two requests, so nothing of it is shown. Try again in a minute."
        super().__init__("incomplete", text)


def refused(
    part: str, status: int, code: str | None, said: str, *, normal_key: bool, retry_after: float | None
) -> Problem:
    """What an error response means. `said` is the API's own message."""
    unsupported = code == "organization_type_not_supported"
    kind: Kind = "refused"
    text = f"The Admin API refuses to give the {part} ({status}): {said}"
    if (unsupported and part != "spend limits") or "individual account" in said.lower():
        kind = "individual_account"
        text = (
            "This is an individual account, and those have no Admin API. Make it an organization in the Console under "
            "Settings, Organization."
        )
    elif status in {401, 403} and normal_key:
        kind = "wrong_key"
        text = f"{VARIABLE} is a normal API key (sk-ant-api…), which may not read the {part}. {ADMIN_KEY}"
    elif 300 <= status < 400:  # noqa: PLR2004 - HTTP
        text = (
            f"The Admin API answers {status} for the {part}, a redirect: none is followed, as the key would go there. "
            "Set ANTHROPIC_BASE_URL to where the API is."
        )
    elif status == 401:  # noqa: PLR2004 - HTTP
        kind, text = "wrong_key", f"Anthropic does not know {VARIABLE}: it is mistyped, deleted or expired."
    elif status == 403:  # noqa: PLR2004 - HTTP
        kind, text = "no_permission", f"{VARIABLE} may not read the {part}: {said}"
    elif status == 429:  # noqa: PLR2004 - HTTP
        wait = f"in {retry_after:.0f} s" if retry_after else "in some minutes"
        kind, text = "rate_limited", f"The Admin API refuses more requests for now (429). Try again {wait}."
    elif status >= 500:  # noqa: PLR2004 - HTTP
        kind, text = "server_error", f"The Admin API failed ({status}) when it was asked for the {part}: {said}"
    elif status == 404 or unsupported:  # noqa: PLR2004 - HTTP
        kind, text = "not_available", f"This organization has no {part} in the Admin API: {said}"
    return Problem(kind, text, retry_after if kind == "rate_limited" else None)


def unreachable(part: str, why: str) -> Problem:
    """No response came."""
    return Problem("unreachable", f"The Admin API gave no response when it was asked for the {part}: {why}.")


def incomplete(part: str, pages: int, why: Problem | None = None) -> Problem:
    """Some pages came, and not all. Nothing of them is shown."""
    reason = why or "the API says that there are more, and not where."
    came = "1 page" if pages == 1 else f"{pages} pages"
    text = f"Only {came} of the {part} came, so nothing of them is shown: {reason}"
    kind: Kind = "rate_limited" if why and why.kind == "rate_limited" else "incomplete"
    return Problem(kind, text, why.retry_after if why else None)


def unreadable(part: str, what: str) -> Problem:
    """A response has not the documented form."""
    return Problem("unreadable", f"The Admin API's {part} are not as documented: {what}.")
