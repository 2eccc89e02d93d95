"""API keys as telemetry may show them: never whole. Pure functions of a key."""

from __future__ import annotations

import hashlib
import re

_API_KEY = re.compile(r"sk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{24,}")
"""Only keys that the Console lists. OAuth tokens, cloud credentials and keys of gateways are shown in no form."""
_SHOWN_AT_START = 16
_SHOWN_AT_END = 4
_HASH_DIGITS = 16


def redact_api_key(key: str | None, form: str) -> str | None:
    """The hint `sk-ant-api03-R2D...igAA` as the Console shows `key`, or a hash of it, or `None`.

    The form is that of `partial_key_hint` in the Admin API (anthropic 2.12.0, `types/organization`).
    """
    if form == "off" or not key or not _API_KEY.fullmatch(key):
        return None
    if form == "hash":
        return hashlib.sha256(key.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{key[:_SHOWN_AT_START]}...{key[-_SHOWN_AT_END:]}"


def without_scheme(value: str) -> str:
    """The credential in the value of a header, with `Bearer` before it or without."""
    scheme, _, credential = value.partition(" ")
    return credential if scheme.lower() == "bearer" else value
