"""Checks of what the user set for otel-claude, of the price table, and of how the program runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timezone
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Final, get_args

from ... import pricing, settings
from ..._diagnostics import logger
from ...settings import Settings, variable
from ...summary import JSON, PROCESS_GROUP
from .finding import Finding

_PREFIX: Final = "OTEL_CLAUDE_"
_OLD_DAYS: Final = 60


def findings(environment: Mapping[str, str], now: float) -> Iterator[Finding]:
    """All of them."""
    yield from _settings(environment)
    yield from _unknown(environment)
    yield from _prices(environment)
    yield from _table(now)


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
    changed = {field.name: getattr(chosen, field.name) for field in fields(Settings)}
    text = ", ".join(f"{name} = {value!r}" for name, value in changed.items() if value != getattr(Settings, name))
    if not handler.said:
        yield Finding("ok", "OTEL_CLAUDE_*", text or "All settings have their defaults.")


def _unknown(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = [*(variable(field.name) for field in fields(Settings)), JSON, PROCESS_GROUP]
    named = settings.former_variables()
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in known and name not in named:
            endings = [each.removeprefix(_PREFIX) for each in known]
            close = get_close_matches(name.removeprefix(_PREFIX), endings, 1, 0.6)
            do = f"Did you mean {_PREFIX}{close[0]}?" if close else f"unset {name}"
            yield Finding("warning", name, "There is no such setting.", do)
    if file := environment.get(JSON, "").strip():
        folder = Path(file).absolute().parent
        if not folder.is_dir():
            yield Finding("warning", JSON, f"There is no folder {folder}.", f"mkdir -p {folder}")
        elif Path(file).exists() and not Path(file).is_file():
            text = "It names something that is no regular file, so no summary is written."
            yield Finding("warning", JSON, text, f"unset {JSON}   (or correct it)")


def _prices(environment: Mapping[str, str]) -> Iterator[Finding]:
    path = environment.get(variable("prices"), "").strip()
    if not path:
        return
    try:
        table = pricing.load(path)
    except pricing.PriceTableError:
        return  # `_table` says so.
    except pricing.PriceFileError as error:
        yield Finding(
            "error",
            variable("prices"),
            str(error)[:1].upper() + str(error)[1:],
            "Correct the file; check it by: otel-claude doctor",
        )
    else:
        yield Finding("ok", variable("prices"), f"{path} is merged over the shipped prices as {table.name}.")


def _table(now: float) -> Iterator[Finding]:
    try:
        table = pricing.shipped()
    except pricing.PriceTableError as error:
        text = str(error)
        yield Finding("error", "Prices", f"{text[:1].upper()}{text[1:]}.", "pip install --force-reinstall otel-claude")
        return
    day = datetime.fromisoformat(table.date).replace(tzinfo=timezone.utc)
    age = (datetime.fromtimestamp(now, timezone.utc) - day).days
    if age > _OLD_DAYS:
        text = f"The shipped table is of {table.date}, {age} days old: prices may have changed, models may be missing."
        yield Finding("warning", "Prices", text, "pip install --upgrade otel-claude")
    else:
        yield Finding("ok", "Prices", f"The shipped table is of {table.date} and has {len(table.models)} models.")
    if unknown := [model for model in _models_of_sdk() if not table.knows(model)]:
        text = f"The installed SDK knows models that have no price here: {', '.join(unknown)}."
        yield Finding(
            "warning", "Prices", text, "pip install --upgrade otel-claude   (or price them: OTEL_CLAUDE_PRICES)"
        )


def _models_of_sdk() -> list[str]:
    """The ids in the SDK's `Model`, a union of literals and `str`."""
    try:
        model: Any = import_module("anthropic.types.model").Model
    except Exception:
        return []  # That the SDK cannot be imported is a finding of its own.
    return [name for part in get_args(model) for name in get_args(part) if isinstance(name, str)]
