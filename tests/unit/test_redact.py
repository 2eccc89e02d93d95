"""Redact: what is hidden of addresses, of others' texts and of ours, and what is not."""

from __future__ import annotations

import errno
import socket
import ssl
import urllib.error

import pytest

from otel_claude import redact

KEY = "-".join(["sk", "ant", "api03", "S3cret" * 12])
HINT = "sk-ant-api03-R2D...igAA"

URLS = [
    ("http://c:4318/v1/metrics", "http://c:4318/v1/metrics"),
    ("https://user:s3cret@c/x", "https://c/x"),
    ("https://s3cret@c", "https://c"),
    ("https://us:er:s3cret@[::1]:9090/x", "https://[::1]:9090/x"),
    ("http://c/x?token=s3cret&a=s3cret#s3cret", "http://c/x?token=***&a=***#***"),
    ("http://c/x?s3cret", "http://c/x?***"),
    (f"http://c/{KEY}/x", "http://c/***/x"),
    ("c:4317", "c:4317"),
    ("user:s3cret@c:4317", "c:4317"),
    # A password that nobody encoded: a part of it seems to be the port, or all before it the host.
    ("http://user:s3/cret@c/x", "http://***"),
    ("http://user:80/s3cret@c/x", "http://***"),
    ("http://user:s3?cret@c/x", "http://***"),
    ("http://user:s3#cret@c/x", "http://***"),
    ("http://[s3cret", "http://***"),
    ("http://c/\x1bx\n", "http://c/ x"),
    ("http://c\x1b[2J/x", "http://***"),
    ("", ""),
]


@pytest.mark.parametrize(("address", "shown"), URLS, ids=range(len(URLS)))
def test_an_address(address, shown):
    assert redact.url(address) == shown


OUTSIDE = [
    ("The model is not known.", "The model is not known."),
    (f"invalid x-api-key {KEY}!", "invalid x-api-key ***!"),
    ("x-api-key: s3cret is wrong", "x-api-key: *** is wrong"),
    ("{'X-Api-Key': 's3cret', 'a': 1}", "{'X-Api-Key': '***', 'a': 1}"),
    ('{\\"password\\":\\"s3cret\\"}', '{\\"password\\":\\"***\\"}'),
    ("you sent Bearer s3cret.t0ken", "you sent Bearer ***"),
    ("you sent basic dXNlcjpzM2NyZXQ=", "you sent basic ***"),
    ("Authorization=Basic%20dXNlcjpzM2NyZXQ=", "Authorization=***"),
    ("go to https://user:s3cret@c/x?k=s3cret please", "go to https://c/x?k=*** please"),
    ("access_token=s3cret&x=1", "access_token=***&x=1"),
    ("glsa_s3cretS3cretS3cret ghp_s3cretS3cretS3cret", "*** ***"),
    ("one\r\ntwo\x1b[31m\u202ethree\u2028four\x9b", "one two [31m three four "),
    (f"the key {HINT} is archived", f"the key {HINT} is archived"),
    ("a token limit of 5 tokens; basic rate limits", "a token limit of 5 tokens; basic rate limits"),
]


@pytest.mark.parametrize(("given", "shown"), OUTSIDE, ids=range(len(OUTSIDE)))
def test_what_somebody_else_wrote(given, shown):
    assert redact.text(given) == shown


NAMES = [
    ("shop", "shop"),
    ("  caf\u00e9 \u5e97 \U0001f6d2 ", "caf\u00e9 \u5e97 \U0001f6d2"),
    ("\x1b]0;owned\x07\x1b[31mred", "]0;owned [31mred"),
    ("a\u202eb\u2066c\u200dd\xade\U000e0041f\xa0g", "a b c d e f g"),
    ("one\r\n\ttwo\u2028three\ud800", "one two three"),
    ("x" * 201, "x" * 197 + "..."),
    ("x" * 200, "x" * 200),
    (KEY, "***"),
    (HINT, HINT),
    ("\x00", ""),
]


@pytest.mark.parametrize(("given", "shown"), NAMES, ids=range(len(NAMES)))
def test_a_name_that_somebody_else_gave(given, shown):
    assert redact.name(given) == shown


OWN = [
    ("one\ntwo\tthree\x1b[2J", "one\ntwo three [2J"),
    (f"{KEY}: not found", "***: not found"),
    ("https://user:s3cret@c/x?var-tag=a", "https://c/x?var-tag=a"),
    ("It takes an admin key (sk-ant-admin…), no normal one (sk-ant-api…).", None),
    ("Set OTEL_EXPORTER_OTLP_HEADERS, such as OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20...", None),
    ("unset OTEL_CLAUDE_API_KEY_FORMAT   (or correct it)", None),
    ("api_key_format = 'hash'", None),
    (f"{HINT} is a hint", None),
]


@pytest.mark.parametrize(("given", "shown"), OWN, ids=range(len(OWN)))
def test_what_we_wrote(given, shown):
    assert redact.own(given) == (given if shown is None else shown)


@pytest.mark.parametrize(
    "secret", ["plain-s3cret", "s3c/r+t=", 's3"c\\ret', "s3cr\u00e9t-x", "first-line\nsecond-line"]
)
def test_a_secret_that_is_known_is_found_in_each_form(secret):
    quoted = redact.quote(secret, safe="")
    for said in (secret, quoted, repr(secret), redact.json.dumps(secret), f"<{secret}>"):
        shown = redact.text(f"you sent {said}", secret) + redact.own(f"you sent {said}", secret)
        assert redact.MASK in shown
        assert not [part for part in secret.split("\n") if part in shown or quoted in shown]


def test_the_secrets_of_an_environment():
    environment = {
        "ANTHROPIC_API_KEY": "key-one",
        "ANTHROPIC_CUSTOM_HEADERS": "X-A: header-one\nX-B: header-two",
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "a=otlp-one,b=Basic%20otlp-two",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:password-one@c?token=query-one",
        "https_proxy": "http://user:password%2Dtwo@p:3128",
        "AWS_SECRET_ACCESS_KEY": "aws-one",
        "OTEL_CLAUDE_API_KEY": "hash",  # a word, that our own sentence says
        "ANTHROPIC_AUTH_TOKEN": "simulated",
        "PATH": "/usr/bin-not",
        "HOME_URL": "http://c/x",
    }
    found = set(redact.secrets_of(environment, ["--prometheus=http://u:password-three@p", "http://token-four@q", "-x"]))
    assert found >= {
        "key-one", "header-one", "header-two", "otlp-one", "Basic otlp-two", "password-one", "query-one",
        "password%2Dtwo", "password-two", "aws-one", "password-three", "token-four",
    }  # fmt: skip
    assert not found & {"hash", "simulated", "user", "/usr/bin-not", "c", "p", "http://c/x"}


class LocalProtocolError(Exception):
    """As httpx has one."""


def chained(outer, inner):
    outer.__cause__ = inner
    return outer


REASONS = [
    (ConnectionRefusedError(errno.ECONNREFUSED, "S3cret"), "Connection refused"),
    (chained(LocalProtocolError("S3cret"), OSError(errno.EPIPE, "S3cret")), "Broken pipe"),
    (urllib.error.URLError(socket.gaierror(-2, "S3cret")), "its name is not known"),
    (TimeoutError("S3cret"), "it timed out"),
    (OSError("Tunnel connection failed: 407 S3cret"), "the proxy answered 407"),
    (ssl.SSLError(1, "S3cret"), "TLS failed (no reason given)"),
    (LocalProtocolError("Illegal header value b'S3cret'"), "LocalProtocolError"),
    (ValueError("S3cret"), "ValueError"),
    (OSError("S3cret"), "OSError"),
]


@pytest.mark.parametrize(("error", "said"), REASONS, ids=range(len(REASONS)))
def test_a_reason_quotes_no_message(error, said):
    assert redact.reason(error) == said
