"""Batch and Result: what the Message Batches API says of a batch, and one line of its results.

Source of the fields: `types/messages/message_batch.py` and `message_batch_individual_response.py` of anthropic 2.12.0;
those of the beta are the same.
"""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Final, NamedTuple

from .json import Json, count, fields, items, text
from .response import Answer

_STATUSES: Final = ("processing", "succeeded", "errored", "canceled", "expired")
_BATCH: Final = "message_batch"
_TIER: Final = "batch"


class Batch(NamedTuple):
    """One batch. `counts` are its requests by status, None where the API did not say; times in seconds since 1970."""

    id: str
    ended: bool
    counts: dict[str, int | None]
    created_at: float | None = None
    ended_at: float | None = None

    @property
    def total(self) -> int | None:
        """How many requests it has; None if that is not known."""
        known = [number for number in self.counts.values() if number is not None]
        return sum(known) if len(known) == len(_STATUSES) else None


class Result(NamedTuple):
    """One line of a batch's results. `type` is None for what is none, or none that is understood."""

    custom_id: str | None = None
    type: str | None = None
    answer: Answer | None = None
    error_type: str | None = None


def batches(body: object) -> Iterator[Batch]:
    """The batches in an answer: one, or those of a page of a list."""
    said = fields(body)
    listed = items(said.get("data"))
    for each in (said,) if listed is None else map(fields, listed):
        name = text(each.get("id"))
        if name is not None and each.get("type") == _BATCH:
            counts = fields(each.get("request_counts"))
            yield Batch(
                name,
                each.get("processing_status") == "ended",
                {status: count(counts.get(status)) for status in _STATUSES},
                _moment(each.get("created_at")),
                _moment(each.get("ended_at")),
            )


def result(line: object) -> Result:
    """The `Result` in a decoded line."""
    said = fields(line)
    told = fields(said.get("result"))
    name, kind = text(said.get("custom_id")), text(told.get("type"))
    if kind == "succeeded":
        message = told.get("message")
        return Result(name, kind, _answer(fields(message))) if fields(message) is message else Result(name)
    if kind == "errored":
        # An error's envelope, as the body of a refused request has it.
        return Result(name, kind, None, text(fields(fields(told.get("error")).get("error")).get("type")))
    return Result(name, kind) if kind in ("canceled", "expired") else Result(name)


def _answer(message: Json) -> Answer:
    answer = Answer().updated({**message, "type": "message"})
    usage = answer.usage
    if usage is None or usage.malformed or usage.service_tier is not None:
        return answer
    # Whatever a batch answers is charged at batch prices (Anthropic's page on batch processing, 2026-10), also where
    # the field that says so was lost on its way.
    return answer._replace(usage=usage._replace(service_tier=_TIER))


def _moment(value: object) -> float | None:
    said = text(value)
    if said is None:
        return None
    try:
        # Python 3.10 reads no `Z`.
        moment = datetime.fromisoformat(said.replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
