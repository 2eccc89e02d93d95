"""Why the prompt cache missed, for requests that ask: null where nothing changed."""

from __future__ import annotations

import pytest
from anthropic import Anthropic
from simulator_asked import WEATHER

LONG = "abcd" * 500  # 500 tokens
HELLO = [{"role": "user", "content": "abcd"}]


def system(text=LONG):
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def asked(client, previous, *, stream=False, **ask):
    """An answer's id, and its diagnosis."""
    ask = {"model": "claude-sonnet-5-5", "max_tokens": 20, "messages": HELLO, "system": system(), **ask}
    ask["extra_body"] = {"diagnostics": {"previous_message_id": previous}}
    if stream:
        with client.messages.stream(**ask) as opened:
            message = opened.get_final_message()
    else:
        message = client.messages.create(**ask)
    said = message.to_dict().get("diagnostics", "absent")
    return message.id, said and said["cache_miss_reason"]


CHANGED = [
    ("nothing", {}, {}, None),
    ("the system", {}, {"system": system("x" * 2000)}, {"type": "system_changed", "cache_missed_input_tokens": 500}),
    ("the model", {}, {"model": "claude-opus-5-5"}, {"type": "model_changed", "cache_missed_input_tokens": 500}),
    ("the tools", {"tools": [WEATHER]}, {"tools": [WEATHER | {"name": "other"}]}, "tools_changed"),
    ("a message more", {}, {"messages": [*HELLO, *HELLO]}, None),
    ("nothing that was cached", {}, {"messages": [{"role": "user", "content": "other"}]}, None),
    ("no cache before", {"system": LONG}, {"system": "other"}, None),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("first", "second", "reason"), [row[1:] for row in CHANGED], ids=[row[0] for row in CHANGED])
def test_what_changed(fresh_client: Anthropic, stream, first, second, reason):
    previous, said = asked(fresh_client, None, **first)
    assert said is None
    _, said = asked(fresh_client, previous, stream=stream, **second)
    assert (said["type"] if isinstance(reason, str) else said) == reason


def test_changed_messages(fresh_client: Anthropic):
    def messages(text):
        block = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
        return [{"role": "user", "content": [block]}]

    previous, _ = asked(fresh_client, None, messages=messages("abcd" * 100))
    _, said = asked(fresh_client, previous, messages=messages("x" * 400))
    # The system's 500 tokens were read.
    assert said == {"type": "messages_changed", "cache_missed_input_tokens": 100}


def test_what_expired_has_not_changed(fresh_client: Anthropic, clock):
    previous, _ = asked(fresh_client, None)
    clock.now += 301
    assert asked(fresh_client, previous)[1] == {"type": "unavailable"}


def test_a_message_that_nobody_knows(fresh_client: Anthropic):
    assert asked(fresh_client, "msg_of_another")[1] == {"type": "previous_message_not_found"}


def test_who_does_not_ask_gets_none(fresh_client: Anthropic):
    message = fresh_client.messages.create(
        model="claude-sonnet-5-5", max_tokens=20, messages=HELLO, system=system()
    )  # fmt: skip
    assert "diagnostics" not in message.to_dict(exclude_unset=True)
