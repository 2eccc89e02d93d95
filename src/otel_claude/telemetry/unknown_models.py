"""The warning about a model that the price table does not have: one line for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .. import semconv
from .._diagnostics import logger
from ..api.response import Response
from ..pricing import CallCost

_MAX_MODELS: Final = 100
_MAX_LENGTH: Final = 200
_warned: set[str | None] = set()


def warn_of_unknown_model(
    responses: Iterable[Response], cost: CallCost, price_table: str, unnamed: str | None = None
) -> None:
    """Says of the last response's model that it has no price, once.

    `price_table`: its name. `unnamed`: the model of a response that names none.
    """
    if "unknown_model" not in cost.reasons:
        return
    model: str | None = None
    for response in responses:
        model = response.model or unnamed
    if model in _warned or len(_warned) >= _MAX_MODELS:
        return
    _warned.add(model)
    logger.warning(
        "No price is known for the model %r, so its calls are counted in %s and not in %s. Upgrade otel-claude "
        "(its price table is of %s), or give the price in a file named by OTEL_CLAUDE_PRICES.",
        semconv.OTHER if model is None or len(model) > _MAX_LENGTH else model,
        semconv.UNPRICED.name,
        semconv.COST.name,
        price_table,
    )
