"""Redact: how we show text that may hold a secret: settings, addresses, headers and errors. Imports nothing of ours.

Three kinds of text are shown. An address goes through `url`. What somebody else wrote (an API's message, a header, a
name) goes through `text`. Our own sentences go through `own` as the last thing before they are printed. The message of
a library's exception is not shown at all: `reason` says why something failed.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

MASK: Final = "***"
"""Stands where a secret was."""
_MIN_LENGTH: Final = 6
"""Characters of a password that is looked for in texts: a shorter one would be found in ordinary words."""
_MIN_KEY: Final = 8
_MAX_LENGTH: Final = 20_000
"""Characters of a text that are looked at. The rest is not shown."""
_MAX_NAME: Final = 200
_NOT_PRINTABLE: Final = re.compile("\0+")
_KEYS: Final = re.compile(
    # An Anthropic credential, but not the Console's hint of one (sk-ant-api03-R2D...igAA) nor a kind (sk-ant-admin…).
    r"sk-ant-(?!(?:api|admin)(?:…|\d\d-[\w-]{3}\.{3}[\w-]{4}(?![\w-])))[\w-]+"
    # Keys of others that are known by their beginning: GitHub, Grafana, Slack, AWS, OpenAI, and tokens in JSON (JWT).
    r"|\b(?:gh[pousr]_|github_pat_|glsa_|glc_|xox[abprs]-|AKIA|ASIA|sk-(?!ant-)|eyJ)[\w.-]{12,}"
)
_SCHEMES: Final = re.compile(r"\b(bearer|basic)(\s+|%20)(?=\S*[\dA-Z=+/_.~-])[\w.~+/=-]{6,}", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"\b((?:x-)?(?:admin[-_]?|anthropic[-_]?)?api[-_]?key|(?:proxy-)?authorization|(?:set-)?cookie|passw(?:or)?d|secret"
    r"|(?:access|auth|id|refresh|session)?[-_]?token)(\\?[\"']?\s*[:=]\s*\\?[\"']?)([^\s\"',;&\\]+)",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"\b[a-z][a-z\d+.-]*://[^\s\"'<>\\]+", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(://)[^/\s@]*@")
_SECRET_NAME: Final = re.compile(r"^(?:ANTHROPIC|AWS|CLAUDE|OTEL)_.*(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$")
_HEADERS_NAME: Final = re.compile(r"^(?:ANTHROPIC|OTEL)_.*HEADERS$")
_ADDRESS_NAME: Final = re.compile(r"(?:_PROXY|_ENDPOINT|_URL)$")
_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})\b")


def clean(given: str) -> str:
    """A text on one line: what would move a terminal's cursor or change its looks becomes a space."""
    if given.isprintable():
        return given
    return _NOT_PRINTABLE.sub(" ", "".join(each if each.isprintable() else "\0" for each in given))


def name(given: str) -> str:
    """A name that somebody else gave to a key, a workspace or a model, as we show and export it everywhere."""
    shown = _KEYS.sub(MASK, clean(given[:_MAX_LENGTH]).strip())
    return shown if len(shown) <= _MAX_NAME else f"{shown[: _MAX_NAME - 3]}..."


def text(given: str, *secrets: str) -> str:
    """What somebody else wrote, on one line, without `secrets` and without what looks like one."""
    shown = _SCHEMES.sub(
        rf"\1\2{MASK}", _ADDRESS.sub(lambda found: url(found[0]), _without(given[:_MAX_LENGTH], secrets))
    )
    return clean(_NAMED.sub(rf"\1\2{MASK}", _KEYS.sub(MASK, shown)))


def own(given: str, *secrets: str) -> str:
    """What we wrote ourselves, with its lines, without `secrets`, keys and what stands before an address's `@`."""
    shown = _SCHEMES.sub(rf"\1\2{MASK}", _KEYS.sub(MASK, _without(given, secrets)))
    return "\n".join(clean(line) for line in _USERINFO.sub(r"\1", shown).split("\n"))


def url(address: str) -> str:
    """An address without name and password, and without the values of its query. `***` for what cannot be read."""
    given = clean(address).strip()
    scheme, has_scheme, _ = given.partition("://")
    hidden = f"{scheme}://{MASK}" if has_scheme and scheme.isalnum() else MASK
    try:
        parts = urlsplit(given if has_scheme else f"//{given}")
        parts.port  # noqa: B018 - a password with a slash in it seems to be a port, and that raises
    except ValueError:
        return hidden
    if "@" in parts.path + parts.query + parts.fragment:
        return hidden  # The same: what seems to be the host may be a part of the password.
    pairs = (pair.partition("=") for pair in parts.query.split("&") if pair)
    names = (f"{name}={MASK}" if equals else MASK for name, equals, _ in pairs)
    query = f"?{'&'.join(names)}" if parts.query else ""
    fragment = f"#{MASK}" if parts.fragment else ""
    start = f"{parts.scheme}://" if has_scheme else ""
    return _KEYS.sub(MASK, f"{start}{parts.netloc.rpartition('@')[2]}{parts.path}{query}{fragment}")


def reason(error: BaseException) -> str:
    """Why something failed, by the kinds of the exceptions alone: their messages may quote headers and addresses."""
    return next(filter(None, map(_known_reason, _chain(error))), type(error).__name__)


def secrets_of(environment: Mapping[str, str], arguments: Iterable[str] = ()) -> tuple[str, ...]:
    """The credentials in environment variables and in the addresses among arguments: no output may hold them."""
    found: list[str] = []
    for name, value in environment.items():
        upper = name.upper()
        if _HEADERS_NAME.search(upper):
            # OTEL_EXPORTER_OTLP_HEADERS (`name=value,`) and ANTHROPIC_CUSTOM_HEADERS (`name: value` lines).
            for pair in re.split(r"[,\n]", value):
                content = re.split(r"[=:]", pair, maxsplit=1)[-1].strip()
                found += (content, unquote(content))
            found.append(value)
        elif _SECRET_NAME.search(upper):
            found.append(value)
        elif _ADDRESS_NAME.search(upper):
            found += secrets_of_url(value)
    for argument in arguments:
        found += secrets_of_url(argument.partition("=")[2] if argument.startswith("--") else argument)
    # A word in place of a key is no secret, and would be found in our own sentences.
    return tuple(
        each for each in dict.fromkeys(found) if len(each) >= _MIN_LENGTH and not (each.isalpha() and each.islower())
    )


def secrets_of_url(address: str) -> list[str]:
    """The password of an address, its name if that is all there is, and the values of its query."""
    scheme, has_scheme, rest = address.strip().partition("://")
    userinfo, at, _ = (rest if has_scheme else scheme).rpartition("@")
    found: list[str] = []
    if at:
        name, colon, password = userinfo.partition(":")
        found += [password if colon else name, unquote(password if colon else name), userinfo]
        found.append(base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode(errors="replace")).decode())
    if has_scheme:
        found += [value for _, value in parse_qsl(rest.partition("?")[2])]
    return [each for each in found if len(each) >= _MIN_LENGTH]


def _without(given: str, secrets: Iterable[str]) -> str:
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        given = given.replace(form, MASK)
    return given


def _forms(secret: str) -> Iterator[str]:
    """A secret and its parts between white space, each as it is and as an address, JSON and `repr` write it."""
    whole = secret.strip()
    parts = [part for part in re.split(r"[\s\x00-\x1f]+", whole) if len(part) >= _MIN_KEY]
    for each in (whole, *parts):
        if len(each) >= _MIN_LENGTH:
            yield from (each, quote(each, safe="", errors="replace"), json.dumps(each)[1:-1], repr(each)[1:-1])


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what is behind it."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = getattr(each, "reason", None)
        waiting += [inner if isinstance(inner, BaseException) else None, each.__cause__, each.__context__]


def _known_reason(error: BaseException) -> str | None:
    # By their names: most programs that load this never need `ssl` and `socket`.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "TimeoutError" in kinds or "Timeout" in type(error).__name__:
        return "it timed out"
    if "SSLCertVerificationError" in kinds:
        return f"its certificate is not accepted ({clean(str(getattr(error, 'verify_message', '')))})"
    if "SSLError" in kinds:
        return f"TLS failed ({getattr(error, 'reason', None) or 'no reason given'})"
    if "gaierror" in kinds:
        return "its name is not known"
    if isinstance(error, OSError):
        tunnel = _TUNNEL.match(str(error))
        if tunnel is not None:
            return f"the proxy answered {tunnel[1]}"
        return os.strerror(error.errno) if isinstance(error.errno, int) else None
    return None
