"""Batch and Result: what the Message Batches API says of a batch, and one line of its results.

Source of the fields: `types/messages/message_batch.py` and `message_batch_individual_response.py` of anthropic 2.12.0;
those of the beta are the same.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from .json import Json, as_count, as_list, as_object, as_text, as_time
from .response import Response, parse_message

_STATUSES: Final = ("processing", "succeeded", "errored", "canceled", "expired")


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


class BatchResult(NamedTuple):
    """One line of a batch's results. `type` is None for what is none, or none that is understood."""

    custom_id: str | None = None
    type: str | None = None
    response: Response | None = None
    error_type: str | None = None


def parse_batches(body: object) -> Iterator[Batch]:
    """The batches in an answer: one, or those of a page of a list."""
    parsed = as_object(body)
    listed = as_list(parsed.get("data"))
    for each in (parsed,) if listed is None else map(as_object, listed):
        name = as_text(each.get("id"))
        if name is not None and each.get("type") == "message_batch":
            counts = as_object(each.get("request_counts"))
            yield Batch(
                name,
                each.get("processing_status") == "ended",
                {status: as_count(counts.get(status)) for status in _STATUSES},
                as_time(as_text(each.get("created_at")) or ""),
                as_time(as_text(each.get("ended_at")) or ""),
            )


def parse_batch_result(line: object) -> BatchResult:
    """The `BatchResult` in a decoded line."""
    parsed = as_object(line)
    result = as_object(parsed.get("result"))
    name, kind, message = as_text(parsed.get("custom_id")), as_text(result.get("type")), result.get("message")
    if kind == "succeeded" and (found := as_object(message)) is message:
        return BatchResult(name, kind, _response(found))
    if kind == "errored":
        # An error's envelope, as the body of a refused request has it.
        error = as_object(as_object(result.get("error")).get("error"))
        return BatchResult(name, kind, error_type=as_text(error.get("type")))
    return BatchResult(name, kind if kind in ("canceled", "expired") else None)


def _response(message: Json) -> Response:
    response = parse_message(message)
    usage = response.usage
    if usage is None or usage.malformed or usage.service_tier is not None:
        return response
    # Whatever a batch answers is charged at batch prices (Anthropic's page on batch processing, 2026-10), also where
    # the field that says so was lost on its way.
    return response._replace(usage=usage._replace(service_tier="batch"))
