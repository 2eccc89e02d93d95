"""Message batches: queued requests that are answered at half price, later. Knows the batch's life, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.failures import NOT_FOUND, Failure, Refused, invalid
from otel_claude_demo.simulator.fake import seeded
from otel_claude_demo.simulator.faults import faulty_usage
from otel_claude_demo.simulator.jsons import Json, as_object, as_objects, compact, moment
from otel_claude_demo.simulator.messages_request import parse_request
from otel_claude_demo.simulator.scenarios import parse_scenario, split_model
from otel_claude_demo.simulator.served import Served

DAY = 86_400.0
_OUTCOMES = ("succeeded", "errored", "canceled", "expired")


@dataclass
class Batch:
    """One batch. Its requests are answered when it ends, and kept as the lines of its results."""

    id: str
    created: float
    ends: float
    requests: list[Json]
    key_hint: str
    canceled: float | None = None
    ended: float | None = None
    lines: list[str] = field(default_factory=list[str])
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OUTCOMES, 0))

    def json(self, base: str) -> Json:
        """The batch as the API writes it."""
        ended = self.ended is not None
        status = "ended" if ended else "canceling" if self.canceled is not None else "in_progress"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {"processing": 0 if ended else len(self.requests), **self.counts},
            "ended_at": _reported(self.ended),
            "created_at": moment(self.created),
            "expires_at": moment(self.created + DAY),
            "archived_at": None,
            "cancel_initiated_at": _reported(self.canceled),
            "results_url": f"{base}v1/messages/batches/{self.id}/results" if ended else None,
        }


class Batches:
    """All batches of one simulated API."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._batches: dict[str, Batch] = {}

    def create(self, body: Json, delay: float, key_hint: str) -> Batch:
        """Queue the requests. Without a delay the batch ends at once."""
        requests = as_objects(body.get("requests"))
        names = [request.get("custom_id") for request in requests]
        if not requests:
            raise invalid("requests: Field required")
        if len(set(map(str, names))) < len(names):
            raise invalid("requests: custom_id has to be unique within a batch")
        now = self.engine.clock()
        batch = Batch(self.engine.new_id("msgbatch_01"), now, now + delay, requests, key_hint)
        self._batches[batch.id] = batch
        return self._settled(batch)

    def get(self, batch_id: str) -> Batch:
        """A batch as it stands now."""
        batch = self._batches.get(batch_id)
        if batch is None:
            raise Refused(NOT_FOUND)
        return self._settled(batch)

    def cancel(self, batch: Batch) -> Batch:
        """Begin to cancel; the batch has ended when it is looked at next. One that ended stays as it is."""
        if batch.ended is None and batch.canceled is None:
            batch.canceled = self.engine.clock()
        return batch

    def delete(self, batch: Batch) -> None:
        """Forget an ended batch."""
        if batch.ended is None:
            raise invalid(f"Message Batch {batch.id} has not ended and cannot be deleted.")
        del self._batches[batch.id]

    def page(self, limit: int, after: str | None, before: str | None) -> tuple[list[Batch], bool]:
        """Some batches, the newest first, and whether there are more in that direction."""
        found = [self._settled(batch) for batch in reversed(self._batches.values())]
        names = [batch.id for batch in found]
        if after in names:
            found = found[names.index(after) + 1 :]
        elif before in names:
            found = found[: names.index(before)]
            return found[-limit:], len(found) > limit
        return found[:limit], len(found) > limit

    def _settled(self, batch: Batch) -> Batch:
        now = self.engine.clock()
        over = min(batch.ends, batch.created + DAY) <= now
        if batch.ended is None and (over or batch.canceled is not None):
            batch.ended = now
            late = batch.ends > batch.created + DAY
            fate = "canceled" if batch.canceled is not None else "expired" if late else None
            for request in batch.requests:
                result = {"type": fate} if fate else self._result(batch, as_object(request.get("params")))
                batch.counts[result["type"]] += 1
                batch.lines.append(compact({"custom_id": request.get("custom_id"), "result": result}))
            # The API does not keep the order of the requests.
            seeded(self.engine.seed, batch.id).shuffle(batch.lines)
        return batch

    def _result(self, batch: Batch, params: Json) -> Json:
        name, suffix = split_model(str(params.get("model") or ""))
        try:
            scenario = parse_scenario(self.engine.scenario, suffix)
            if "batch_expired" in scenario:
                return {"type": "expired"}
            scenario.refuse(0)
            answer = self.engine.answer(parse_request(name, params), scenario, tier="batch")
        except Refused as refused:
            self._record(batch, name, suffix, refused.failure)
            request_id = self.engine.new_id("req_01")
            return {"type": "errored", "error": refused.failure.envelope(request_id)}
        usage = faulty_usage(answer.meter.final(), scenario)
        self._record(batch, answer.model, str(scenario), None, answer, usage.get("usage"))
        return {"type": "succeeded", "message": answer.message(usage)}

    def _record(
        self,
        batch: Batch,
        model: str,
        scenario: str,
        failure: Failure | None,
        answer: Answer | None = None,
        usage: Json | None = None,
    ) -> None:
        self.engine.served.add(
            Served(
                time=self.engine.clock(),
                path=f"/v1/messages/batches/{batch.id}",
                platform="batch",
                status=failure.status if failure else 200,
                model=model,
                scenario=scenario,
                key_hint=batch.key_hint,
                attempt=0,
                stream=False,
                outcome="finished",
                request_id=batch.id,
                message_id=answer.id if answer else None,
                error_type=failure.type if failure else None,
                usage=usage,
                used=answer.meter.final() if answer else None,
                stop_reason=answer.stop_reason if answer else None,
            )
        )


def _reported(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)
