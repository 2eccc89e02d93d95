"""API keys: a hint as the Console shows it, a hash, or nothing; never the key."""

from __future__ import annotations

import hashlib
import logging
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_claude.api.api_keys import redact_api_key

KEY = "sk-ant-api03-R2D" + "x" * 80 + "-_igAA"
ADMIN = "sk-ant-admin01-Q1W" + "y" * 80 + "wQAA"


def test_the_hint_is_that_of_the_console():
    assert redact_api_key(KEY, "hint") == "sk-ant-api03-R2D...igAA"


def test_an_admin_key_too():
    assert redact_api_key(ADMIN, "hint") == "sk-ant-admin01-Q...wQAA"


def test_the_hash_is_the_start_of_sha_256():
    assert redact_api_key(KEY, "hash") == hashlib.sha256(KEY.encode()).hexdigest()[:16]
    assert redact_api_key(KEY, "hash") != redact_api_key(KEY + "x", "hash")


def test_off_shows_nothing():
    assert redact_api_key(KEY, "off") is None


NO_KEYS = [
    None,
    "",
    "sk-ant-oat01-" + "x" * 80,  # an OAuth token
    "sk-ant-ort01-" + "x" * 80,
    "sk-ant-sid01-" + "x" * 80,
    "sk-ant-api03-" + "x" * 23,  # too short: a hint would show most of it
    "sk-ant-api3-" + "x" * 80,
    "sk-ant-api03_" + "x" * 80,
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "bedrock-api-key-" + "x" * 80,
    "ya29." + "x" * 100,
    "eyJhbGciOiJSUzI1NiJ9." + "x" * 100,
    "sk-" + "x" * 48,
    "Bearer " + KEY,
    " " + KEY,
    KEY + "\n",
    KEY + " ",
    KEY + "é",
    "my-gateway-key",
    "x",
]


@pytest.mark.parametrize("mode", ["hint", "hash", "off"])
@pytest.mark.parametrize("key", NO_KEYS, ids=lambda key: repr(key)[:24])
def test_what_is_no_key_of_the_console_is_not_shown_in_any_form(key, mode):
    assert redact_api_key(key, mode) is None


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=24, max_size=120))
def test_no_more_of_a_key_is_shown_than_its_start_and_its_end(secret):
    key = "sk-ant-api03-" + secret
    hint = redact_api_key(key, "hint")
    assert hint == f"sk-ant-api03-{secret[:3]}...{secret[-4:]}"
    assert len(secret) - 7 >= 17
    assert key not in redact_api_key(key, "hash")


@given(st.text(max_size=60))
def test_any_other_text_is_shown_in_no_form(text):
    assert redact_api_key(text, "hint") is None


def test_nothing_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for key in (KEY, *NO_KEYS):
        redact_api_key(key, "hint")
    assert caplog.records == []
