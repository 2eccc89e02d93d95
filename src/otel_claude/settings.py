"""Settings: environment variables and arguments of `instrument()`, as one frozen value. Read once.

A bad value gives one warning that names the variable and what is accepted, never the value, which may be a key that
somebody put into the wrong variable. The default is used.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, cast, get_args
from urllib.parse import unquote

from ._diagnostics import logger
from .tags import is_key, is_value

SpanMode = Literal["auto", "off"]
ApiKeyFormat = Literal["hint", "hash", "off"]
AgentMode = Literal["auto", "on", "off"]
InstanceIdMode = Literal["auto", "on", "off"]
_PROVIDERS = {"tracer_provider", "meter_provider", "logger_provider"}
_COLLECTIONS: Final = (list, tuple, set, frozenset)
TRUE: Final = ("true", "1", "yes", "on")
"""What says yes in a variable."""
_FALSE = ("false", "0", "no", "off")


@dataclass(frozen=True)
class Settings:
    """What can be configured. Each field is an argument of `instrument()` and, as `OTEL_CLAUDE_<FIELD>`, a variable.

    Attributes:
        spans: `auto` enriches the SDK's own span, or opens ours where it opens none; `off`: metrics only.
        prices: Path of a JSON file with prices, discounts and models of the user's own.
        api_key_format: How `claude.api_key.hint` shows a key.
        baggage_tags: W3C baggage keys that become tags; in the variable separated by commas.
        tag_limit: Distinct values of one tag key in this process; further ones are recorded as `_other`.
        tag_values: All values of the tag keys that are named, as pairs of key and value; others of theirs are `_other`.
        histogram_tags: Tags are attributes of histograms too. Each distinct set of them is a series for each bucket.
        flush_on_exit: Export what was measured when the process ends, also by SIGTERM and in forked workers.
        legacy_metrics: Also emit the metrics' names of before September 2026.
        instance_id: `claude.instance.id` on every metric. `auto`: unless the resource tells processes apart.
        httpx: Whether requests to Claude are measured that any program sends with httpx, not LiteLLM alone.
        agent_sdk: Whether what the Claude Agent SDK reports is counted. `auto`: unless its program exports metrics too.
    """

    spans: SpanMode = "auto"
    prices: str | None = None
    api_key_format: ApiKeyFormat = "hint"
    baggage_tags: tuple[str, ...] = ()
    tag_limit: int = 200
    tag_values: tuple[tuple[str, str], ...] = ()
    histogram_tags: bool = False
    instance_id: InstanceIdMode = "auto"
    legacy_metrics: bool = False
    flush_on_exit: bool = True
    httpx: bool = False
    agent_sdk: AgentMode = "auto"


ALL: Final = tuple(field.name for field in fields(Settings))
OF_CALLS: Final = tuple(name for name in ALL if name not in ("agent_sdk", "httpx"))
"""What `ClaudeInstrumentor` heeds."""
OF_HTTPX: Final = (*OF_CALLS, "httpx")
"""What `ClaudeLiteLLMInstrumentor` heeds."""
OF_AGENTS: Final = ("agent_sdk", "baggage_tags", "flush_on_exit", "tag_limit", "tag_values", "instance_id")
"""What `ClaudeAgentInstrumentor` heeds."""


_FORMER: Final = {"api_key": "api_key_format"}
"""Names that settings had, and those that they have now."""


def former_variables() -> list[str]:
    """The environment variables that settings had, and that are not read any more."""
    return [variable(name) for name in _FORMER]


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"OTEL_CLAUDE_{field.upper()}"


def read(
    arguments: Mapping[str, Any], environment: Mapping[str, str] = os.environ, *, used_settings: Collection[str] = ALL
) -> Settings:
    """The settings of `instrument(**arguments)`: an argument wins over its variable, and that over the default.

    What is not `heeded` has its default, and no warning: another instrumentor reads it.
    """
    values: dict[str, Any] = {}
    _warn_of_former(arguments, environment, used_settings)
    for name in sorted(arguments.keys() - set(ALL) - _FORMER.keys() - _PROVIDERS):
        accepted = ", ".join(ALL)
        logger.warning("instrument() has no argument %r, so it is ignored. It takes %s.", name, accepted)
    for name in used_settings:
        if arguments.get(name) is not None:
            source, given = f"instrument({name}=...)", arguments[name]
        elif environment.get(variable(name), "").strip():
            source, given = variable(name), environment[variable(name)].strip()
        else:
            continue
        try:
            values[name] = _READERS[name](given)
        except ValueError as error:
            default = getattr(Settings, name)
            logger.warning("%s is not accepted: %s. Using %r.", source, error, default)
    return Settings(**values)


def _warn_of_former(
    arguments: Mapping[str, Any], environment: Mapping[str, str], used_settings: Collection[str]
) -> None:
    """Says of a setting that is given by the name it had that it is not read."""
    for former, name in _FORMER.items():
        if name not in used_settings:
            continue
        if environment.get(variable(former), "").strip():
            logger.warning(
                "%s is not read: use %s, which takes one of %s. If there is an API key in %s, remove it there.",
                variable(former),
                variable(name),
                ", ".join(get_args(ApiKeyFormat)),
                variable(former),
            )
        if arguments.get(former) is not None:
            logger.warning("instrument(%s=...) is not read: use instrument(%s=...).", former, name)


def _one_of(*accepted: str) -> Any:
    def read_choice(given: object) -> str:
        value = str(given).lower()
        if value not in accepted:
            raise ValueError(f"it takes one of {', '.join(accepted)}")
        return value

    return read_choice


def _text(given: object) -> str:
    if not isinstance(given, (str, os.PathLike)):
        raise ValueError("it takes a path")  # noqa: TRY004 - one kind of error for one kind of message
    return os.fspath(given)


def _keys(given: object) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given
    accepted = "it takes names of lower case letters, digits, '_' and '.', separated by commas"
    if not isinstance(names, _COLLECTIONS):
        raise ValueError(accepted)  # noqa: TRY004 - as above
    keys = tuple(name.strip() for name in map(str, names) if name.strip())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not all(map(is_key, keys)):
        raise ValueError(accepted)
    return keys


def _values(given: object) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[Any, Any]] = []
    accepted = (
        "it takes tag keys with values of 1 to 200 printable characters, as tenant=acme,tenant=globex,feature=search, "
        "with %2C for a comma"
    )
    if isinstance(given, str):
        for pair in filter(str.strip, given.split(",")):
            key, _, value = pair.partition("=")
            pairs.append((key.strip(), unquote(value.strip())))
    elif isinstance(given, Mapping):
        for key, values in cast("Mapping[Any, Any]", given).items():
            listed = cast("Iterable[Any]", values) if isinstance(values, _COLLECTIONS) else [values]
            pairs += [(key, value) for value in listed]
    if not pairs or not all(isinstance(key, str) and is_key(key) and is_value(value) for key, value in pairs):
        raise ValueError(accepted)
    return tuple(sorted(set(pairs)))


def _positive(given: object) -> int:
    number = int(given) if isinstance(given, (int, str)) and not isinstance(given, bool) and _is_digits(given) else 0
    if number < 1:
        raise ValueError("it takes a whole number of 1 or more")
    return number


def _is_digits(given: object) -> bool:
    text = str(given)
    return text.isascii() and text.isdecimal() and len(text) < 10  # noqa: PLR2004 - more is no limit


def _flag(given: object) -> bool:
    value = str(given).lower()
    if value not in (*TRUE, *_FALSE):
        raise ValueError("it takes true or false")
    return value in TRUE


def switch(given: object) -> Literal["auto", "on", "off"]:
    """Whether something is done. Raises a ValueError for what is not accepted."""
    value = str(given).lower()
    if value == "auto":
        return "auto"
    # A configuration file's `on` and `off` are true and false.
    if value not in (*TRUE, *_FALSE):
        raise ValueError(f"it takes one of {', '.join(get_args(AgentMode))}")
    return "on" if value in TRUE else "off"


_READERS: dict[str, Any] = {
    "spans": _one_of(*get_args(SpanMode)),
    "prices": _text,
    "api_key_format": _one_of(*get_args(ApiKeyFormat)),
    "baggage_tags": _keys,
    "tag_limit": _positive,
    "tag_values": _values,
    "histogram_tags": _flag,
    "legacy_metrics": _flag,
    "flush_on_exit": _flag,
    "httpx": _flag,
    "instance_id": switch,
    "agent_sdk": switch,
}
