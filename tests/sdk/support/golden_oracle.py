"""What the replies of a golden file cost, worked out a second time: decimals, prices.json, and none of our code.

It knows the rules of docs/prices.md and the rows of prices.json. Where the API did not say enough, it prices what was
said, as a lower bound does.
"""

import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from support.golden_dump import PRICES

_TABLE: dict[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))["models"]
_MILLION = Decimal(1_000_000)
_CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_MOST = 2**30
"""No count is so large: it is as if it were not there."""

_EVENTS_READ = {
    "stream_left_early": 4, "stream_closed": 4, "stream_dropped": 4, "stream_raising_in_loop": 4,
    "helper_left_early": 4, "stream_never_iterated": 0, "stream_dropped_unread": 0, "raw_stream_never_parsed": 0,
    "streaming_response_unread": 0,
}  # fmt: skip
"""Of what the application does not read to its end, how many events were."""

Said = dict[str, Any]


def dollars(case: Said) -> Decimal:
    """What all replies of a case cost that a request got."""
    requests = case["telemetry"]["requests"]
    replies = [case["replies"][min(place, len(case["replies"]) - 1)] for place in range(requests)]
    day = datetime.now(timezone.utc).date().isoformat()
    read = _EVENTS_READ.get(case["action"])
    return sum((_dollars(case, message, day) for reply in replies for message in _messages(reply, read)), Decimal(0))


def missed(case: Said) -> Decimal:
    """What the tokens that the cache missed cost above a cache read: as cache writes first, then as uncached input."""
    day = datetime.now(timezone.utc).date().isoformat()
    total = Decimal(0)
    for message in (message for reply in case["replies"] for message in _messages(reply, None)):
        reason = (message.get("diagnostics") or {}).get("cache_miss_reason") or {}
        left, used = _count(reason, "cache_missed_input_tokens"), _used(message["usage"])
        prices = _prices(_row(message["model"]), day, 0, fast=False) if left else {}
        half = Decimal("0.5") if message["usage"].get("service_tier") == "batch" else 1
        for name in ("cache_write_1h", "cache_write_5m", "input"):
            counted = min(left, used[name])
            left -= counted
            total += counted and counted * (prices[name] - prices["cache_read"]) * half / _MILLION
    return total


def _messages(reply: Said, read: int | None) -> list[Said]:
    """The messages of a reply, each with the last usage that was read."""
    if reply.get("status") != 200:
        return []
    if "lines" in reply:
        results = [line["result"] for line in reply["lines"]]
        return [result["message"] for result in results if result["type"] == "succeeded"]
    if "events" in reply:
        return _folded(reply["events"][:read])
    body = reply["body"]
    return [body] if body.get("type") == "message" and read is None else []


def _folded(events: list[Said]) -> list[Said]:
    """A stream's counts are cumulative: each replaces the one before. The first output is a placeholder."""
    message: Said | None = None
    for event in events:
        if event["type"] == "message_start":
            message = dict(event["message"])
            message["usage"] = {name: said for name, said in message["usage"].items() if name != "output_tokens"}
        elif event["type"] == "message_delta" and message is not None:
            inputs = [said for name, said in event["usage"].items() if name in _INPUTS]
            # No prompt has 0 tokens.
            left = _INPUTS if event["usage"].get("input_tokens") == 0 and not any(inputs) else ()
            message["usage"] |= {
                name: said for name, said in event["usage"].items() if said is not None and name not in left
            }
            message["stop_reason"] = event["delta"]["stop_reason"] or message["stop_reason"]
    return [] if message is None else [message]


def _dollars(case: Said, message: Said, day: str) -> Decimal:
    usage = message.get("usage") or {}
    elsewhere = "billing_policy" in case["request"].get("extra_body", {})
    if elsewhere or (usage.get("fallback_credit") or {}).get("status", {}).get("type") == "pending":
        return Decimal(0)
    declined = message.get("stop_reason") == "refusal" and _count(usage, "output_tokens") == 0
    total = Decimal(0)
    entries = usage.get("iterations") or []
    fell_back = any(entry["type"] == "fallback_message" for entry in entries)
    for entry in entries or [usage]:
        if entry.get("type") == "dream" or (declined and not entries):
            continue
        if fell_back and entry["type"] == "message" and entry["output_tokens"] == 0:
            continue
        total += _tokens(case, entry.get("model") or message.get("model"), entry, usage, day)
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests", 0)
    if searches:
        # Whether searches of a batch cost half is not published: half is sure.
        sure = Decimal("0.5") if usage["service_tier"] == "batch" else 1
        total += searches * Decimal(_row(message["model"])["web_search_per_1000"]) / 1000 * sure
    return total


def _tokens(case: Said, model: str | None, counts: Said, usage: Said, day: str) -> Decimal:
    row = _row(model)
    if row is None or usage.get("service_tier") in ("priority", "vip") or usage.get("speed") == "warp":
        return Decimal(0)
    used = _used(counts)
    # The prompts of a server-tool loop are summed: that each was long enough for the higher price is not sure.
    prompt = 0 if usage.get("server_tool_use") else sum(used.values()) - used["output"]
    prices = _prices(row, day, prompt, fast=usage.get("speed") == "fast")
    amount = sum((prices[name] * tokens for name, tokens in used.items()), Decimal(0)) / _MILLION
    if usage.get("service_tier") == "batch":
        amount *= Decimal(row["batch_multiplier"])
    if usage.get("inference_geo") == "us":
        amount *= Decimal(row["inference_geo_us_multiplier"])
    return amount * _premium(case)


def _used(counts: Said) -> dict[str, int]:
    """Tokens by type. Cache writes of no known time to live are of five minutes."""
    split = counts.get("cache_creation") or {}
    hour, created = _count(split, "ephemeral_1h_input_tokens"), _count(counts, "cache_creation_input_tokens")
    short = max(created - hour, _count(split, "ephemeral_5m_input_tokens"))
    read = _count(counts, "cache_read_input_tokens")
    named = (_count(counts, "input_tokens"), read, short, hour, _count(counts, "output_tokens"))
    return dict(zip(_CLASSES, named, strict=True))


def _count(said: Said, name: str) -> int:
    """A count that is one. What is absent or malformed costs nothing that is known."""
    value = said.get(name)
    return value if type(value) is int and 0 <= value < _MOST else 0


def _row(model: str | None) -> Said | None:
    """The row of a model, by its id, an alias, or its id on a platform."""
    plain = re.sub(r"^([a-z-]+\.)?anthropic\.|@\d+$", "", model or "")
    found = [row for name, row in _TABLE.items() if plain == name or plain in row["aliases"]]
    return found[0] if found else None


def _prices(row: Said, day: str, prompt: int, *, fast: bool) -> dict[str, Decimal]:
    period = _in_force(row["standard"], day)
    priced = dict(period)
    for tier in period.get("prompt_tiers", ()):
        if prompt > tier["prompt_tokens_over"]:
            priced |= tier
    prices = {name: Decimal(priced[name]) for name in _CLASSES}
    if fast:
        # Cache prices follow by the model's own ratios.
        quick = _in_force(row["fast"], day)
        ratio = Decimal(quick["input"]) / prices["input"]
        prices = {name: price * ratio for name, price in prices.items()} | {"output": Decimal(quick["output"])}
    return prices


def _in_force(periods: list[Said], day: str) -> Said:
    (period,) = (
        p for p in periods if p["effective_from"] <= day and (p["effective_to"] is None or day < p["effective_to"])
    )
    return period


def _premium(case: Said) -> Decimal:
    """Regional endpoints of the clouds cost 10 % more. An endpoint that nobody named is taken for a global one."""
    client, model = case.get("client", {}), case["request"].get("model", "")
    regional = {
        "AnthropicBedrock": re.match(r"(us|eu|apac|jp|au)\.", model) is not None,
        "AnthropicVertex": client.get("region") != "global",
    }
    return Decimal("1.1") if regional.get(client.get("class", ""), False) else Decimal(1)
