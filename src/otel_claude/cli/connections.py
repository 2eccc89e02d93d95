"""Connections: the options by which commands reach Prometheus and the Admin API, and what is made of them.

A command has a parameter of `PrometheusOptions` or `AdminOptions`, and `with_options` makes an option of each of its
fields. Secrets come from files alone: every user of a machine can read its command lines.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, get_type_hints

from .. import redact
from ..files import read
from ..prometheus import Prometheus
from ..requesting import Connection
from .arguments import Option
from .output import hide, secrets

if TYPE_CHECKING:
    from ..organization.client import Reader

_ADMIN_KEY: Final = "ANTHROPIC_ADMIN_KEY"
_MAX_BYTES: Final = 1 << 16
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa1-\xff]*")
_SECRET_NAME: Final = re.compile(r"auth|cookie|credential|key|passw|secret|session|token", re.IGNORECASE)


class OptionError(Exception):
    """An option of a connection is not accepted. The text is one line for the user, and quotes no secret."""


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command as `arguments` reads it: a parameter that is a group of options becomes one for each field."""
    written = signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: each.annotation for name, each in written.parameters.items() if is_dataclass(each.annotation)
    }
    parameters = [each for name, each in written.parameters.items() if name not in groups]
    for group in groups.values():
        types = get_type_hints(group, include_extras=True)
        parameters += [
            Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=types[field.name])
            for field in fields(group)
        ]

    @wraps(command)
    def run(**values: Any) -> Any:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)

    vars(run)["__signature__"] = written.replace(parameters=parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


@dataclass(frozen=True)
class PrometheusOptions:
    """How Prometheus is reached. The options are named as in Prometheus' own configuration."""

    username: Annotated[
        str | None, Option("--username", metavar="NAME", help="The user of Prometheus, with --password-file.")
    ] = None
    password_file: Annotated[
        Path | None, Option("--password-file", metavar="FILE", help="A file with the password of --username.")
    ] = None
    bearer_token_file: Annotated[
        Path | None, Option("--bearer-token-file", metavar="FILE", help="A file with a token for Prometheus.")
    ] = None
    header: Annotated[
        list[str] | None,
        Option(
            "--header",
            metavar="HEADER",
            help="A header for Prometheus, as 'X-Scope-OrgID: team', or @FILE with one on each line. Repeatable.",
        ),
    ] = None
    ca_file: Annotated[
        Path | None, Option("--ca-file", metavar="FILE", help="The CA (PEM) of Prometheus' certificate.")
    ] = None
    cert_file: Annotated[
        Path | None, Option("--cert-file", metavar="FILE", help="A client certificate (PEM) for Prometheus.")
    ] = None
    key_file: Annotated[
        Path | None, Option("--key-file", metavar="FILE", help="The key of --cert-file, if it is not in there.")
    ] = None

    def connect(self, address: str) -> Prometheus:
        """The server at an address. Nothing is sent yet."""
        if (self.ca_file or self.cert_file) and not address.lower().startswith("https://"):
            raise OptionError("--ca-file and --cert-file are for https://, and --prometheus is another address")
        tls = _tls(("--ca-file", self.ca_file), ("--cert-file", self.cert_file), ("--key-file", self.key_file))
        headers = self._headers()
        return Prometheus(address, Connection(headers, tls, secrets()))

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for option, line in self._lines():
            name, _, value = (part.strip() for part in line.partition(":"))
            # `http.client` quotes in its message what it does not accept.
            if not _NAME.fullmatch(name) or not value:
                raise OptionError(f"{option}: it is no header. Write it as 'X-Scope-OrgID: team'")
            if not _VALUE.fullmatch(value):
                raise OptionError(f"{option}: it has a character that no header can have, such as a line break")
            if name.lower() in headers:
                raise OptionError(f"{option}: the header {name.lower()} is given twice")
            headers[name.lower()] = value
        return headers

    def _lines(self) -> Iterator[tuple[str, str]]:
        """The headers as they are written, each with the option that it comes from."""
        for given in self.header or ():
            if given.startswith("@"):
                for line in _secret_lines(f"--header {given}", Path(given[1:])):
                    hide(line.partition(":")[2].strip())
                    yield f"--header {given}", line
            elif _SECRET_NAME.search(given.partition(":")[0]) or redact.text(given) != redact.clean(given):
                raise OptionError(
                    "--header: every user of this machine can read a credential there. Write the header into a file "
                    "and give --header @FILE"
                )
            else:
                yield "--header", given
        if (self.username is None) != (self.password_file is None):
            raise OptionError("--username and --password-file belong together: give both")
        if self.username is not None and self.password_file is not None:
            if ":" in self.username:
                raise OptionError("--username: a name with a colon cannot be sent")
            pair = f"{self.username}:{_secret('--password-file', self.password_file)}"
            encoded = base64.b64encode(pair.encode(errors="replace")).decode()
            hide(encoded)
            yield "--password-file", f"authorization: Basic {encoded}"
        if self.bearer_token_file is not None:
            token = _secret("--bearer-token-file", self.bearer_token_file)
            yield "--bearer-token-file", f"authorization: Bearer {token}"


@dataclass(frozen=True)
class AdminOptions:
    """How the Admin API is reached, beside what the anthropic SDK's own variables say."""

    admin_key_file: Annotated[
        Path | None,
        Option(
            "--admin-key-file",
            f"A file with {_ADMIN_KEY}'s value. By default the one that {_ADMIN_KEY}_FILE names.",
            "FILE",
        ),
    ] = None
    admin_ca_file: Annotated[
        Path | None, Option("--admin-ca-file", metavar="FILE", help="The CA (PEM) of the Admin API.")
    ] = None
    admin_cert_file: Annotated[
        Path | None,
        Option("--admin-cert-file", metavar="FILE", help="A client certificate (PEM) for the Admin API."),
    ] = None
    admin_cert_key_file: Annotated[
        Path | None,
        Option("--admin-cert-key-file", metavar="FILE", help="The key of --admin-cert-file, if it is not in there."),
    ] = None

    def reader(self) -> Reader:
        """What reads the Admin API. Nothing is sent yet."""
        from ..organization.client import Reader  # noqa: PLC0415 - loads the SDK

        key, named = None, os.environ.get(f"{_ADMIN_KEY}_FILE", "")
        file = self.admin_key_file or (Path(named) if named else None)
        if file is not None:
            if os.environ.get(_ADMIN_KEY, "").strip():
                raise OptionError(f"{_ADMIN_KEY} and --admin-key-file ({_ADMIN_KEY}_FILE) are both set: give one")
            key = _secret("--admin-key-file", file)
        tls = _tls(
            ("--admin-ca-file", self.admin_ca_file),
            ("--admin-cert-file", self.admin_cert_file),
            ("--admin-cert-key-file", self.admin_cert_key_file),
        )
        return Reader(key, tls=tls)


def _secret(option: str, path: Path) -> str:
    """The secret in a file, without white space around it."""
    lines = _secret_lines(option, path)
    if len(lines) > 1:
        raise OptionError(f"{option} {path}: it has {len(lines)} lines, and must have the secret alone")
    return lines[0]


def _secret_lines(option: str, path: Path) -> list[str]:
    """The lines of a file of secrets. From here on none of them is shown."""
    try:
        lines = [line.strip() for line in read(path, _MAX_BYTES, waits=True).decode().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        _refuse(option, path, error, "it is no text in UTF-8")
    if not lines:
        raise OptionError(f"{option} {path}: it is empty")
    hide(*lines)
    return lines


_Given = tuple[str, Path | None]
"""An option, and what was given for it."""


def _tls(ca: _Given, cert: _Given, key: _Given) -> ssl.SSLContext | None:
    """Which authorities are trusted, and as whom we come. None: the system's, and as nobody."""
    if key[1] is not None and cert[1] is None:
        raise OptionError(f"{key[0]} is the key of {cert[0]}: give that too")
    if ca[1] is None and cert[1] is None:
        return None
    try:
        made = ssl.create_default_context(cafile=ca[1])
    except OSError as error:
        _refuse(ca[0], ca[1], error, "it has no certificate in PEM form")
    if cert[1] is not None:

        def passphrase() -> str:
            # OpenSSL would ask the terminal, and wait.
            option, path = key if key[1] is not None else cert
            raise OptionError(f"{option} {path}: it has a passphrase, which nobody is asked for. Give a key without")

        try:
            made.load_cert_chain(cert[1], key[1], passphrase)
        except OSError as error:
            _refuse(cert[0], cert[1], error, f"it is no certificate with its key in PEM form ({key[0]})")
    return made


def _refuse(option: str, path: Path | None, error: Exception, otherwise: str) -> NoReturn:
    """Says why a file is not used: what the system says of it, or else what is wrong with its content."""
    why = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else otherwise
    raise OptionError(f"{option} {path}: {why}") from None
