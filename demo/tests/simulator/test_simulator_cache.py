"""Caching behaves like caching: written once, read until it expires, apart by model."""

from __future__ import annotations

from anthropic import Anthropic

LONG = "abcd" * 500  # 500 tokens
SHORT = "abcd" * 10


def system(text: str = LONG, ttl: str = "5m", *, marked: bool = True) -> list[dict]:
    mark = {"cache_control": {"type": "ephemeral", "ttl": ttl}} if marked else {}
    return [{"type": "text", "text": text, **mark}]


def counts(client: Anthropic, model: str = "claude-sonnet-5-5", **ask) -> tuple[int, int, int, int]:
    """Input, read, written for 5 minutes, written for an hour."""
    ask = {"messages": [{"role": "user", "content": "abcd"}], "system": system(), **ask}
    usage = client.messages.create(model=model, max_tokens=20, **ask).usage
    split = usage.cache_creation
    written = (split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens)
    assert sum(written) == usage.cache_creation_input_tokens
    return (usage.input_tokens, usage.cache_read_input_tokens, *written)


def test_written_then_read_until_it_expires(fresh_client: Anthropic, clock):
    assert counts(fresh_client) == (1, 0, 500, 0)
    assert counts(fresh_client) == (1, 500, 0, 0)
    clock.now += 299
    assert counts(fresh_client) == (1, 500, 0, 0)
    clock.now += 299  # a read prolongs
    assert counts(fresh_client) == (1, 500, 0, 0)
    clock.now += 301
    assert counts(fresh_client) == (1, 0, 500, 0)


def test_an_hour_lasts_an_hour(fresh_client: Anthropic, clock):
    assert counts(fresh_client, system=system(ttl="1h")) == (1, 0, 0, 500)
    clock.now += 3599
    assert counts(fresh_client, system=system(ttl="1h")) == (1, 500, 0, 0)
    clock.now += 3601
    assert counts(fresh_client, system=system(ttl="1h")) == (1, 0, 0, 500)


def test_models_do_not_share(fresh_client: Anthropic):
    assert counts(fresh_client, "claude-haiku-4-5") == (1, 0, 500, 0)
    assert counts(fresh_client, "claude-opus-5-5") == (1, 0, 500, 0)
    assert counts(fresh_client, "claude-haiku-4-5-20251001") == (1, 500, 0, 0)


def test_without_a_breakpoint_or_too_short_nothing_is_cached(fresh_client: Anthropic):
    for _ in range(2):
        assert counts(fresh_client, system=system(marked=False)) == (501, 0, 0, 0)
        assert counts(fresh_client, system=system(SHORT)) == (11, 0, 0, 0)


def test_a_change_before_the_breakpoint_misses(fresh_client: Anthropic):
    tool = {"name": "t", "input_schema": {"type": "object"}}
    counts(fresh_client)
    assert counts(fresh_client, system=system("x" + LONG[1:])) == (1, 0, 500, 0)
    assert counts(fresh_client, tools=[tool])[1] == 0


def test_a_growing_conversation_reads_what_it_wrote(fresh_client: Anthropic):
    """The breakpoint moves with the last message; the part before it is read."""
    mark = {"cache_control": {"type": "ephemeral"}}
    turns: list[dict] = []
    for number in range(4):
        text = {"type": "text", "text": LONG, **mark}
        turns.append({"role": "user", "content": [text]})
        found = counts(fresh_client, system=system(marked=False), messages=turns)
        before = 500 * (number + 1) if number else 0
        assert found == (0, before, 500 if number else 1000, 0)
        turns[-1]["content"][0].pop("cache_control")


def test_two_ttls_in_one_prompt(fresh_client: Anthropic):
    message = {"role": "user", "content": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]}
    ask = {"system": system(ttl="1h"), "messages": [message]}
    assert counts(fresh_client, **ask) == (0, 0, 500, 500)
    assert counts(fresh_client, **ask) == (0, 1000, 0, 0)


def test_the_request_s_own_cache_control_marks_the_last_block(fresh_client: Anthropic):
    ask = {"system": LONG, "cache_control": {"type": "ephemeral"}}
    assert counts(fresh_client, **ask) == (0, 0, 501, 0)
    assert counts(fresh_client, **ask) == (0, 501, 0, 0)


def test_a_stream_reads_what_a_plain_answer_wrote(fresh_client: Anthropic, simulator):
    counts(fresh_client)
    ask = {"messages": [{"role": "user", "content": "abcd"}], "system": system()}
    with fresh_client.messages.stream(model="claude-sonnet-5-5", max_tokens=20, **ask) as stream:
        usage = stream.get_final_message().usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (1, 500)
    (total,) = simulator.served.totals()
    assert (total.input, total.cache_read, total.cache_write_5m, total.cache_write_1h) == (2, 500, 500, 0)


def test_a_request_that_a_limit_refuses_writes_nothing(fresh_client: Anthropic, simulator):
    headers = {"x-simulator-scenario": "overloaded=1,retry_after=0.01"}
    ask = {"messages": [{"role": "user", "content": "abcd"}], "system": system()}
    found = fresh_client.messages.create(model="claude-sonnet-5-5", max_tokens=20, **ask, extra_headers=headers)
    assert found.usage.cache_creation_input_tokens == 500
    assert [record.status for record in simulator.served] == [529, 200]
