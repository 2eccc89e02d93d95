"""chat: a shop's assistant. Synchronous. Plain SDK code; the tags are all that it knows of telemetry."""

from __future__ import annotations

from typing import Any, Final

from otel_claude import tags

from .steps import LIVE_TOKENS, Desk, Most, Step
from .texts import TERMS, cached, question, user

MODEL: Final = "claude-sonnet-5-5"
_SMALL: Final = Most(MODEL)


def answer(desk: Desk) -> None:
    """`create`."""
    with tags(tenant="acme"):
        desk.client.messages.create(model=MODEL, max_tokens=desk.most(300), messages=user(question()))


def conversation(desk: Desk) -> None:
    """`create` three times: the first writes the terms to the cache, the others read them."""
    messages: list[Any] = []
    for tenant in ("acme", "acme", "globex"):
        messages += user(question())
        with tags(tenant=tenant):
            message = desk.client.messages.create(
                model=MODEL, max_tokens=desk.most(300), system=cached(TERMS), messages=messages
            )
        messages.append({"role": "assistant", "content": message.content})


def stream(desk: Desk) -> None:
    """`stream`, read as text."""
    with desk.client.messages.stream(
        model=MODEL, max_tokens=desk.most(500), system=cached(TERMS), messages=user(question())
    ) as opened:
        for _ in opened.text_stream:
            pass
        opened.get_final_message()


def events(desk: Desk) -> None:
    """`create(stream=True)`, read event by event."""
    for _ in desk.client.messages.create(
        model=MODEL, max_tokens=desk.most(300), messages=user(question()), stream=True
    ):
        pass


def raw(desk: Desk) -> None:
    """`with_raw_response` and `with_streaming_response`."""
    raw = desk.client.messages.with_raw_response.create(
        model=MODEL, max_tokens=desk.most(100), messages=user(question())
    )
    raw.parse()
    with desk.client.messages.with_streaming_response.create(
        model=MODEL, max_tokens=desk.most(100), messages=user(question())
    ) as response:
        response.parse()


def limited(desk: Desk) -> None:
    """The first attempt gets a 429, the SDK waits and tries again."""
    desk.client.messages.create(
        model=MODEL,
        max_tokens=desk.most(100),
        messages=user(question()),
        extra_headers=desk.plays("rate_limit=1,retry_after=0.4"),
    )


def left(desk: Desk) -> None:
    """The visitor closes the window while the answer is being written."""
    with desk.client.messages.stream(
        model=MODEL,
        max_tokens=desk.most(500),
        messages=user(question()),
        extra_headers=desk.plays("slow=0.04,output=400"),
    ) as opened:
        next(opened.text_stream)


STEPS: Final = (
    Step("a plain answer", answer, _SMALL),
    Step("a conversation on a cached prompt", conversation, Most(MODEL, calls=3, input=3 * (len(TERMS) + 2_000))),
    Step("a streamed answer", stream, Most(MODEL, input=len(TERMS) + 1_000)),
    Step("a stream read event by event", events, _SMALL),
    Step("raw and streaming responses", raw, Most(MODEL, calls=2, input=2_000)),
    Step("429: waits as told, then succeeds", limited),
    Step("a visitor leaves in mid-stream", left, Most(MODEL, input=1_000 + LIVE_TOKENS)),
)
