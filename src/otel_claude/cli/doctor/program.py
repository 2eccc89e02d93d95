"""Checks of what the user set for otel-claude, of the price table, and of what tells the service's processes apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, timezone
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Final, get_args

from ... import pricing, settings
from ... import semconv as c
from ..._diagnostics import logger
from ...pricing.price_file import date_of
from ...pricing.types import DAY
from ...sdk.retirement import MODULES, retirement_days
from ...settings import Settings, switch, variable
from ...summary import JSON, PROCESS_GROUP
from ...telemetry.instance_id import FIXED, KEPT, NONE, RESOURCE_ID, RESOURCE_VARIABLE, fixes
from .exporting import configuration_file
from .finding import Finding, as_version, installed, value

_PREFIX: Final = "OTEL_CLAUDE_"
_OLD_DAYS: Final = 60
_RETIRED: Final = frozenset({
    "claude-instant-1.2", "claude-2.0", "claude-2.1", "claude-3-sonnet-20240229", "claude-3-5-sonnet-20240620",
    "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-latest", "claude-4-opus-20250514", "claude-4-sonnet-20250514",
})  # fmt: skip
"""Models that SDKs of 0.40 and newer name and that Anthropic retired before there was a table. A newer one is in it."""
_INSTANCE_ID: Final = variable("instance_id")
_DRAWS: Final = (1, 43)
"""The OpenTelemetry SDK that draws an id, which a forked process keeps; the next one draws another for that."""


def findings(environment: Mapping[str, str], now: float) -> Iterator[Finding]:
    """All of them."""
    if number := installed("opentelemetry-sdk"):
        yield _processes(as_version(number), environment)
    yield from _settings(environment)
    yield from _unknown(environment)
    yield from _baggage(environment)
    yield from _summary(value(environment, JSON))
    yield from _prices(value(environment, variable("prices")))
    yield from _table(now)


def _processes(sdk: tuple[int, int], environment: Mapping[str, str]) -> Finding:
    try:
        mode = switch(value(environment, _INSTANCE_ID) or "auto")
    except ValueError:
        mode = "auto"  # That it is not accepted is a finding of its own.
    why = _cause(sdk, environment)
    if why is None:
        text = f"OpenTelemetry's SDK draws {RESOURCE_ID} for each process, forked ones too."
        if mode == "off":
            text += f" If the program sets one in its code, that is lost: {_INSTANCE_ID} is off."
        return Finding("ok", "Processes", text)
    if mode == "off":
        lost = "what processes spend that share a series, or follow each other, is lost"
        return Finding("warning", "Processes", f"{why}. {_INSTANCE_ID} is off, so {lost}.", f"unset {_INSTANCE_ID}")
    text = f"{why}. So every metric carries {c.INSTANCE_ID}, and sums are exact without that."
    do = f"Take {RESOURCE_ID} out of {RESOURCE_VARIABLE}, if you can"
    upgrade = "pip install --upgrade opentelemetry-sdk opentelemetry-distro"
    return Finding("note", "Processes", text, do if fixes(environment) else upgrade)


def _cause(sdk: tuple[int, int], environment: Mapping[str, str]) -> str | None:
    """Why the resource does not tell processes apart, as far as the environment says. None if it does."""
    if fixes(environment):
        return FIXED
    return None if sdk > _DRAWS else KEPT if sdk == _DRAWS else NONE


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the text."""
        self.said.append(record.getMessage())


def _settings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What `instrument()` would warn of, in its own words."""
    handler, propagate = _Messages(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        chosen = settings.read({}, environment)
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
    for message in handler.said:
        yield Finding("warning", "OTEL_CLAUDE_*", message, f"unset {message.partition(' ')[0]}   (or correct it)")
    if not handler.said:
        changed = {field.name: getattr(chosen, field.name) for field in fields(Settings)}
        text = ", ".join(f"{name} = {value!r}" for name, value in changed.items() if value != getattr(Settings, name))
        yield Finding("ok", "OTEL_CLAUDE_*", text or "All settings have their defaults.")


def _unknown(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = [*(variable(field.name) for field in fields(Settings)), JSON, PROCESS_GROUP]
    for name in sorted(set(environment) - {*known, *settings.former_variables()}):
        if name.startswith(_PREFIX):
            endings = [each.removeprefix(_PREFIX) for each in known]
            close = get_close_matches(name.removeprefix(_PREFIX), endings, 1, 0.6)
            do = f"Did you mean {_PREFIX}{close[0]}?" if close else f"unset {name}"
            yield Finding("warning", name, "There is no such setting.", do)


def _baggage(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "OTEL_PROPAGATORS"
    given = value(environment, name)
    tags = value(environment, variable("baggage_tags"))
    # A configuration file says itself what is propagated.
    if tags and given and "baggage" not in given.replace(" ", "").split(",") and not configuration_file(environment):
        text = f"It has no baggage, so no tag of {variable('baggage_tags')} ever has a value."
        others = "tracecontext" if given.lower() == "none" else given
        yield Finding("warning", name, text, f"export {name}={others},baggage")


def _summary(file: str) -> Iterator[Finding]:
    folder = Path(file).absolute().parent
    if file and not folder.is_dir():
        yield Finding("warning", JSON, f"There is no folder {folder}.", f"mkdir -p {folder}")
    elif file and Path(file).exists() and not Path(file).is_file():
        text = "It names something that is no regular file, so no summary is written."
        yield Finding("warning", JSON, text, f"unset {JSON}   (or correct it)")


def _prices(path: str) -> Iterator[Finding]:
    name = variable("prices")
    if not path:
        return
    try:
        table = pricing.load(path)
    except pricing.PriceTableError:
        return  # `_table` says so.
    except pricing.PriceFileError as error:
        yield Finding(
            "error",
            name,
            f"It is ignored, and the shipped prices are used: {error}",
            "Correct the file; check it by: otel-claude doctor",
        )
    else:
        yield Finding("ok", name, f"{path} is merged over the shipped prices as {table.name}.")


def _table(now: float) -> Iterator[Finding]:
    try:
        table = pricing.shipped()
    except pricing.PriceTableError as error:
        yield Finding("error", "Prices", f"{_sentence(error)}.", "pip install --force-reinstall otel-claude")
        return
    upgrade = "pip install --upgrade otel-claude"
    day = datetime.fromisoformat(table.date).replace(tzinfo=timezone.utc)
    age = (datetime.fromtimestamp(now, timezone.utc) - day).days
    if age > _OLD_DAYS:
        text = f"The shipped table is of {table.date}, {age} days old: prices may have changed, models may be missing."
        yield Finding("warning", "Prices", text, upgrade)
    else:
        yield Finding("ok", "Prices", f"The shipped table is of {table.date} and has {len(table.models)} models.")
    yield from _retirement(table, int(now // DAY))
    unknown = [model for model in _models_of_sdk() if table.id_of(model) is None]
    if retired := [model for model in unknown if model in _RETIRED]:
        text = f"The installed SDK names models that are retired and have no price here: {', '.join(retired)}."
        yield Finding("note", "Prices", text)
    if new := [model for model in unknown if model not in _RETIRED]:
        text = f"The installed SDK knows models that have no price here: {', '.join(new)}."
        yield Finding("warning", "Prices", text, f"{upgrade}   (or price them: OTEL_CLAUDE_PRICES)")


def _retirement(table: pricing.PriceTable, today: int) -> Iterator[Finding]:
    with suppress(Exception):  # That the SDK cannot be imported is a finding of its own.
        import_module(MODULES[0])
    days = {model.id: model.retires for model in table.models.values() if model.retires is not None}
    days |= {model: day for model, day in retirement_days().items() if table.retires(model) is None}
    if ends := [f"{model} on {date_of(day)}" for model, day in sorted(days.items()) if day >= today]:
        yield Finding("note", "Retirement", f"Models that retire on Anthropic's own platform: {', '.join(ends)}.")


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _models_of_sdk() -> list[str]:
    """The ids in the SDK's `Model`, a union of literals and `str`."""
    try:
        model: Any = import_module("anthropic.types.model").Model
    except Exception:
        return []  # That the SDK cannot be imported is a finding of its own.
    return [name for part in get_args(model) for name in get_args(part) if isinstance(name, str)]
