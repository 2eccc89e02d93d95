"""nightly: jobs at night. Synchronous and asynchronous. Plain SDK code; the tags are all that it knows of telemetry."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final

from anthropic import BadRequestError, beta_tool
from pydantic import BaseModel

from otel_claude import tags

from .steps import LIVE_TOKENS, Desk, Most, Step
from .texts import question, user

MODEL: Final = "claude-haiku-5-5"
OLDER: Final = "claude-haiku-4-5"
_BATCHED: Final = 3
_PATIENCE: Final = 30.0


class Review(BaseModel):
    """What is asked for."""

    product: str
    positive: bool


def count(desk: Desk) -> None:
    """`count_tokens`, which costs nothing and is no call."""
    desk.client.messages.count_tokens(model=MODEL, messages=user(question()))


def review(desk: Desk) -> None:
    """`parse`: an answer that fits a model of pydantic's."""
    desk.client.messages.parse(
        model=MODEL, max_tokens=desk.most(300), messages=user("Review: 'The lamp is great.'"), output_format=Review
    )


async def review_async(desk: Desk) -> None:
    """The same, asynchronously, by an older model."""
    await desk.async_client.messages.parse(
        model=OLDER, max_tokens=desk.most(300), messages=user("Review: 'The tent leaks.'"), output_format=Review
    )


@beta_tool
def price(item: str) -> str:
    """What an item costs.

    Args:
        item: The item's name.
    """
    return f"{item}: 20 dollars"


@tags(feature="pricing")
def tools(desk: Desk) -> None:
    """`tool_runner`, of which only the last answer matters."""
    desk.client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=desk.most(300),
        tools=[price],
        messages=user("What does the kettle cost? Use the tool, then answer in one sentence."),
        max_iterations=3,
    ).until_done()


def batch(desk: Desk) -> None:
    """A batch of requests at half the price. What is not done in time is cancelled, which costs nothing."""
    params: Any = [{"custom_id": f"job-{number}", "params": _job(desk, question())} for number in range(_BATCHED)]
    batches = desk.client.messages.batches
    made = batches.create(requests=params, extra_headers=desk.plays("batch_delay=0.4"))
    deadline = time.monotonic() + _PATIENCE
    while made.processing_status != "ended":
        if time.monotonic() > deadline:
            batches.cancel(made.id)
            return
        time.sleep(2.0 if desk.live else 0.1)
        made = batches.retrieve(made.id)
    for _ in batches.results(made.id):
        pass


def _job(desk: Desk, text: str) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": desk.most(200), "messages": user(text)}


def in_the_us(desk: Desk) -> None:
    """Inference in the United States alone, which costs a tenth more."""
    desk.client.messages.create(model=MODEL, max_tokens=desk.most(200), inference_geo="us", messages=user(question()))


def no_credit(desk: Desk) -> None:
    """A 400, because the credit balance is too low. It costs nothing."""
    with contextlib.suppress(BadRequestError):
        desk.client.messages.create(
            model=MODEL,
            max_tokens=desk.most(200),
            messages=user(question()),
            extra_headers=desk.plays("credit_balance"),
        )


STEPS: Final = (
    Step("counting tokens", count, Most(MODEL, calls=0)),
    Step("structured output", review, Most(MODEL, input=2_000)),
    Step("structured output, asynchronous", review_async, Most(OLDER, input=2_000)),
    # The API adds a system prompt of some hundred tokens to requests with tools.
    Step("an agent with a tool", tools, Most(MODEL, calls=3, input=3 * (2_000 + 3 * LIVE_TOKENS))),
    Step(f"a batch of {_BATCHED} requests", batch, Most(MODEL, calls=_BATCHED, input=_BATCHED * 1_000)),
    Step("inference in the US alone", in_the_us),
    Step("400: the credit balance is too low", no_credit, once=True),
)
