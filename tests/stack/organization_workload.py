"""What the organization's live tests let an instrumented program do: `exact` has an exact price, `messy` has not.

Run under `opentelemetry-instrument`, with the addresses of a simulator and the keys to use.
"""

from __future__ import annotations

import argparse
import contextlib

import anthropic

HEADER = "x-simulator-scenario"
TEXT = [{"role": "user", "content": "What is the weather like?"}]
CACHED = [{"type": "text", "text": "word " * 8000, "cache_control": {"type": "ephemeral"}}]
HOUR = [{"type": "text", "text": "hour " * 8000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
LONG = [{"type": "text", "text": "long " * 110_000}]
SEARCH = [{"type": "web_search_20250305", "name": "web_search"}]
EXACT = (
    {"model": "claude-sonnet-5-5"},
    {"model": "claude-sonnet-5-5", "system": CACHED},
    {"model": "claude-sonnet-5-5", "system": CACHED},
    {"model": "claude-opus-5-5", "system": HOUR},
    {"model": "claude-opus-5-5", "system": HOUR, "speed": "fast"},
    {"model": "claude-opus-5-5", "speed": "fast", "inference_geo": "us"},
    {"model": "claude-opus-5-5", "inference_geo": "us"},
    {"model": "claude-haiku-5-5"},
    {"model": "claude-haiku-5-5", "system": LONG},
    {"model": "claude-haiku-4-5"},
    {"model": "claude-sonnet-5-5", "tools": SEARCH, "extra_headers": {HEADER: "searches=2"}},
    {"model": "claude-opus-5-5", "extra_headers": {HEADER: "compaction"}},
    {"model": "claude-opus-5-5", "extra_headers": {HEADER: "advisor=claude-fable-5-2"}},
    {"model": "claude-opus-5-5", "extra_headers": {HEADER: "refusal=early"}},
    {"model": "claude-opus-5-5", "extra_headers": {HEADER: "fallback=claude-sonnet-5-5"}},
    {"model": "claude-opus-5-5", "extra_headers": {HEADER: "fallback_late=claude-sonnet-5-5"}},
    {"model": "claude-sonnet-5-5", "extra_headers": {HEADER: "overloaded=1,retry_after=0"}},
    {"model": "claude-sonnet-5-5", "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
)


def exact(client, rounds):
    """Every shape whose price is exact, whole and streamed."""
    for number in range(rounds):
        for asked in EXACT:
            given = {"max_tokens": 300, "messages": TEXT} | asked
            with contextlib.suppress(anthropic.APIStatusError):
                if number % 2:
                    with client.beta.messages.stream(**given) as stream:
                        stream.get_final_message()
                else:
                    client.beta.messages.create(**given)


def messy(client, _rounds):
    """What cannot be measured to the end."""
    given = {"model": "claude-opus-5-5", "max_tokens": 300, "messages": TEXT}
    for event in client.messages.create(**given, stream=True):
        if event.type == "content_block_delta":
            break  # a stream that is left early
    with contextlib.suppress(anthropic.APITimeoutError):
        impatient = client.with_options(timeout=0.5, max_retries=0)
        impatient.messages.create(**given | {"model": "claude-fable-5-2"}, extra_headers={HEADER: "hang"})
    client.messages.create(**given | {"model": "claude-example-1"})
    params = given | {"model": "claude-sonnet-5-5"}
    client.messages.batches.create(requests=[{"custom_id": str(number), "params": params} for number in range(3)])
    client.messages.create(**given | {"model": "claude-haiku-5-5"})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--play", choices=("exact", "messy"), required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("keys", nargs="+")
    given = parser.parse_args()
    for key in given.keys:
        with anthropic.Anthropic(base_url=given.url, api_key=key) as client:
            {"exact": exact, "messy": messy}[given.play](client, given.rounds)


if __name__ == "__main__":
    main()
