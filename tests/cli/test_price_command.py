"""`otel-claude price`: what it reads, what it says, and how it fails."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal

import cli_programs
import httpx2
import pytest
from cli_programs import OURS
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from otel_claude.api.response import parse_message
from otel_claude.cli import price_check
from otel_claude.cli.answers import Answers
from otel_claude.cli.price_check import TOKEN_TYPES, Difference, Result
from otel_claude.cli.priced import Sums
from otel_claude.pricing import ANTHROPIC, Platform, load, price_response, shipped
from otel_claude.pricing.types import joint_status
from otel_claude.semconv import COST_TYPES

MODEL = "claude-sonnet-5-5"  # 2 USD in, 10 out, 0.10 read, 2.50 and 4 written, per million
USAGE = {"input_tokens": 1000, "output_tokens": 200, "cache_read_input_tokens": 5000,
         "cache_creation_input_tokens": 3000,
         "cache_creation": {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 1000}}  # fmt: skip
USD = "0.0135"  # 0.002 + 0.002 + 0.0005 + 0.005 + 0.004


def message(**more):
    known = {"id": "msg_1", "type": "message", "model": MODEL, "stop_reason": "end_turn", "usage": USAGE}
    return {**known, **more}


def result(kind, name="a", **usage):
    body = {"type": kind}
    if kind == "succeeded":
        body["message"] = message(usage={**USAGE, "service_tier": "batch", **usage})
    return {"custom_id": name, "result": body}


def sse(*events):
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events)


START = {"type": "message_start", "message": message(stop_reason=None, usage={**USAGE, "output_tokens": 1})}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "\u2028 data: {"}}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 200}}
STOP = {"type": "message_stop"}


@pytest.fixture
def price(otel_claude, tmp_path):
    """Prices a text, by file, and gives the JSON."""

    def price(text, *options):
        file = tmp_path / "stored"
        file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        code, out, err = otel_claude("price", *options, file)
        assert (code, err) == (0, "")
        return json.loads(out)

    return price


def test_a_message(price):
    said = price(message(), "--at", "2026-11-20")
    assert said == {
        "usd": USD, "status": "exact", "reason": None, "meaning": None, "remedy": None,
        "parts": {"input": "0.002", "cache_read": "0.0005", "cache_write_5m": "0.005", "cache_write_1h": "0.004",
                  "output": "0.002", "web_search": "0.00"},
        "tokens": {"input": 1000, "cache_read": 5000, "cache_write_5m": 2000, "cache_write_1h": 1000, "output": 200},
        "cache": {"saved_usd": "0.0095", "overhead_usd": "0.003", "net_usd": "0.0065"},
        "models": [{"model": MODEL, "usd": USD, "parts": said["parts"]}],
        "retirements": {}, "answers": 1, "free": {}, "unread": 0, "reasons": {}, "form": "JSON",
        "table": shipped().name, "at": "2026-11-20", "platform": "anthropic",
    }  # fmt: skip


def test_when_the_models_of_answers_retire(price):
    stored = "\n".join(json.dumps(message(model=model)) for model in (MODEL, "claude-sonnet-4-5", "claude-opus-4-5"))
    ends = {"claude-sonnet-4-5": "2026-11-30", "claude-opus-4-5": "2027-01-22"}
    assert price(stored)["retirements"] == ends
    assert price(stored, "--platform", "vertex", "--region", "global")["retirements"] == {}


@pytest.mark.parametrize(("at", "after"), [(None, False), ("2026-11-22", False), ("2026-11-23", True)])
def test_the_list_of_a_day_after_the_table_says_so(otel_claude, at, after):
    options = [] if at is None else ["--at", at]
    listed = json.loads(otel_claude("price", "--list", "--json", *options)[1])
    assert listed["after_price_table"] is after
    assert {row["model"]: row["retires"] for row in listed["rows"]}["claude-opus-4-5-20251101"] == "2027-01-22"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (json.dumps(message(), indent=2), "JSON"),
        ("\ufeff" + json.dumps(message()), "JSON"),
        (sse(START, TEXT, DELTA, STOP), "an event stream"),
        (sse(START, TEXT, DELTA, STOP).replace("\n", "\r\n"), "an event stream"),
        (": comment\n\n" + sse(START, {"type": "ping"}, DELTA).rstrip(), "an event stream"),
        (re.sub(r"event: .*\n", "", sse(START, DELTA)), "an event stream"),
        (sse(START, DELTA).replace('data: {"type"', 'data: {\ndata: "type"'), "an event stream"),
        ("\n".join(map(json.dumps, (START, TEXT, DELTA, STOP))), "JSON lines"),
        (json.dumps([START, TEXT, DELTA, STOP]), "a JSON list"),
    ],
)
def test_one_answer_in_every_form(price, text, form):
    said = price(text)
    assert (said["usd"], said["status"], said["form"]) == (USD, "exact", form)


@pytest.mark.parametrize("events", [(START, TEXT), (START, TEXT, {"type": "error", "error": {}}), (START,)])
def test_a_stream_that_was_cut(price, events):
    said = price(sse(*events))
    assert (said["usd"], said["status"], said["reason"]) == ("0.0115", "lower_bound", "incomplete_stream")
    assert said["remedy"].startswith("Read streams")
    # The placeholder of message_start is no count.
    assert "output" not in said["parts"]
    assert "output" not in said["tokens"]


def test_a_stream_of_a_gateway_that_gives_no_stop_reason(price):
    said = price(sse(START, TEXT, {**DELTA, "delta": {}}, {"type": "message_stop"}))
    assert (said["usd"], said["status"]) == (USD, "exact")


def test_a_stream_of_a_gateway_that_gives_no_final_counts(price):
    said = price(sse(START, TEXT, {"type": "message_stop"}))
    assert (said["usd"], said["status"], said["reason"]) == ("0.0115", "lower_bound", "missing_counts")


def test_a_message_whose_output_came_of_no_input(price):
    said = price(message(usage={"input_tokens": 0, "output_tokens": 300}))
    assert (said["status"], said["reason"]) == ("lower_bound", "missing_counts")


def test_a_stream_that_was_cut_in_the_middle_of_an_event(price):
    text = sse(START, TEXT, DELTA)
    assert price(text[: text.index("message_delta") + 40])["reason"] == "incomplete_stream"


def test_a_batch(price):
    lines = [result("succeeded", str(number)) for number in range(3)]
    lines += [result("errored"), result("expired"), result("expired"), result("canceled")]
    said = price("\n\n".join(map(json.dumps, lines)) + "\n")
    # A batch costs half.
    assert (said["usd"], said["answers"], said["status"]) == ("0.02025", 3, "exact")
    assert said["free"] == {"errored": 1, "expired": 2, "canceled": 1}
    assert said["tokens"]["output"] == 600


def test_several_answers_of_which_one_has_no_price(price):
    said = price([message(), message(model="claude-new"), message(model="claude-new")])
    assert (said["usd"], said["status"], said["reason"]) == (USD, "lower_bound", "unknown_model")
    assert said["reasons"] == {"unknown_model": 2}


def test_unknown_is_null_and_not_0(price):
    said = price(message(model="claude-new"))
    assert (said["usd"], said["status"], said["reason"]) == (None, "unpriced", "unknown_model")
    assert said["parts"] == {}
    assert said["models"] == []
    assert said["tokens"]["input"] == 1000


def test_a_refusal_costs_nothing(price):
    said = price({"type": "error", "error": {"type": "overloaded_error"}})
    assert (said["usd"], said["status"], said["free"]) == ("0.00", "exact", {"refused": 1})


def test_iterations_are_what_is_billed(price):
    # The worked example of facts/pricing.md: top-level usage leaves the compaction out.
    usage = {
        "input_tokens": 23_000, "output_tokens": 1_000,
        "iterations": [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
            {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000},
        ],
    }  # fmt: skip
    said = price(message(usage=usage))
    assert Decimal(said["usd"]) == Decimal("0.451")
    assert (said["tokens"]["input"], said["tokens"]["output"]) == (203_000, 4_500)


def test_the_day_decides(price):
    assert price(message(), "--at", "2026-01-01")["reason"] == "not_yet_priced"
    assert price(message(), "--at", "2026-11-20T23:59:59Z")["at"] == "2026-11-20"
    assert price(message(), "--at", "2026-11-21T01:00:00+02:00")["at"] == "2026-11-20"


@pytest.mark.parametrize("at", ["2026-11-23", "2099-01-01"])
def test_a_day_after_the_tables_is_no_more_than_a_lower_bound(price, at):
    said = price(message(), "--at", at)
    assert (said["usd"], said["status"], said["reason"]) == (USD, "lower_bound", "after_price_table")
    assert said["meaning"].startswith("Of `otel-claude price --at` alone")
    # What is known to be less stays what it is, and what is free is not sure to be.
    both = price(
        [
            message(),
            message(model="claude-new"),
            message(stop_reason="refusal", usage={"input_tokens": 1, "output_tokens": 0}),
        ],
        "--at",
        at,
    )
    assert both["reasons"] == {"unknown_model": 1, "after_price_table": 2}
    assert price(message(model="claude-new"), "--at", at)["reason"] == "unknown_model"
    assert price({"type": "error", "error": {}}, "--at", at)["status"] == "exact"


def test_the_tables_own_day_and_now_are_exact(price):
    assert price(message(), "--at", shipped().date)["status"] == "exact"
    assert price(message())["status"] == "exact"


def test_own_prices(price, tmp_path, monkeypatch):
    own = tmp_path / "own.json"
    own.write_text('{"name": "acme", "discounts": [{"factor": "0.5"}]}')
    assert price(message(), "--prices", own)["usd"] == "0.00675"
    monkeypatch.setenv("OTEL_CLAUDE_PRICES", str(own))
    said = price(message())
    assert (said["usd"], said["table"]) == ("0.00675", f"{shipped().date}+acme")


def test_a_cloud(price):
    options = ("--platform", "bedrock", "--region", "us-east-1")
    assert price(message(), *options)["reason"] == "unknown_endpoint"
    regional = price(message(), *options, "--model", f"us.anthropic.{MODEL}")
    assert (regional["usd"], regional["status"], regional["platform"]) == ("0.01485", "exact", "bedrock")


def test_standard_input(otel_claude, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(message()).encode())))
    assert json.loads(otel_claude("price", "-")[1])["usd"] == USD


def test_what_the_simulator_sends(price, simulator):
    body = {"model": MODEL, "max_tokens": 60, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"x-api-key": "simulated", "anthropic-version": "2023-06-01"}
    url = f"{simulator.url}/v1/messages"
    plain = httpx2.post(url, json=body, headers=headers)
    stream = httpx2.post(url, json={**body, "stream": True}, headers=headers)
    for answer in (plain, stream):
        said = price(answer.text)
        tokens = said["tokens"]
        # 2 and 10 dollars a million, which is 2 and 10 millionths a token.
        assert Decimal(said["usd"]) == Decimal(2 * tokens["input"] + 10 * tokens["output"]) / 10**6
        assert tokens["output"] > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("hello", "it is neither JSON, nor JSON lines, nor an event stream"),
        ('{"a": 1', "it is neither JSON"),
        ("3", "it has no usage, so it is no message of the API (it is no JSON object)"),
        ('{"input_tokens": 12}', "it has no usage, so it is no message of the API (it has: input_tokens)"),
        (json.dumps(message(usage=None)), "it has no usage, so what it cost cannot be said (it has: id, type, model"),
        ("[]", "it is a JSON list, but there is no message in it"),
        ('event: ping\ndata: {"type": "ping"}\n\n', "the event that ends at line 3 has no usage"),
        ('{"a": 1}\n{\n', "line 1 has no usage, so it is no message of the API (it has: a)"),
        (json.dumps(result("lost")), "it is a batch's result of an unknown type, 'lost'"),
        (json.dumps({"custom_id": "a"}), "it is a batch's result of an unknown type, None"),
        ("[" * 100_000, "it"),
    ],
)
def test_bad_input(otel_claude, tmp_path, text, said):
    file = tmp_path / "stored"
    file.write_text(text)
    code, out, err = otel_claude("price", file)
    assert (code, out) == (2, "")
    assert err.startswith(f"otel-claude: price: {file}: {said}")
    assert err.count("\n") == 1


DEEP = '{"a":' * 100_000
WRONG = [
    # what is stored, the form, where something is wrong and what
    (f"{json.dumps(message())}\n{{\n", "JSON lines", ["line 2 is not JSON: Expecting property name enclosed in"]),
    (f"{json.dumps(message())}\n[1]\n", "JSON lines", ["line 2 has no usage, so it is no message of the API"]),
    (f"{json.dumps(message())}\n\n{DEEP}\n", "JSON lines", ["line 3 is nested too deeply"]),
    (f"{json.dumps(message())}\n{'9' * 5_000}\n", "JSON lines", ["line 2 "]),
    (f"{json.dumps(message())[:-9]}\n{json.dumps(message())}\n", "JSON lines", ["line 1 is not JSON: "]),
    (f'{{"id": "a",\n{json.dumps(message())}\n', "JSON lines", ["line 1 is not JSON: "]),
    (b"\xff\xfe\n%b\n" % json.dumps(message()).encode(), "JSON lines", ["line 1 is no UTF-8 text"]),
    (b"%b\n\xff\n" % json.dumps(message()).encode(), "JSON lines", ["line 2 is no UTF-8 text"]),
    (json.dumps([message(), 3]), "a JSON list", ["item 2 has no usage, so it is no message of the API (it is no JSON"]),
    (json.dumps([message(), {"custom_id": "a", "result": {"type": ["lost"] * 99}}]), "a JSON list",
     ["item 2 is a batch's result of an unknown type, which is no text"]),
    (json.dumps([message(), {"a\n" * 99: 1}]), "a JSON list", ["item 2 has no usage"]),
    (sse(START, DELTA) + f"data: {{\n\ndata: {DEEP}\n\n", "an event stream",
     ["the event that ends at line 8 is not JSON", "the event that ends at line 10 is nested too deeply"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form", "mistakes"), WRONG)
def test_what_cannot_be_read_is_named_and_the_rest_is_priced(otel_claude, tmp_path, text, form, mistakes):
    file = tmp_path / "stored"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, out, err = otel_claude("price", file)
    said = json.loads(out)
    assert (code, said["usd"], said["status"], said["form"]) == (1, USD, "lower_bound", form)
    assert (said["answers"], said["unread"], said["reasons"]) == (1, len(mistakes), {"invalid_result": len(mistakes)})
    assert said["reason"] == "invalid_result"
    lines = err.splitlines()
    assert len(lines) == len(mistakes)
    for line, mistake in zip(lines, mistakes, strict=True):
        assert line.startswith(f"otel-claude: price: {file}: {mistake}")
        assert len(line) < 500
    code, out, strict = otel_claude("price", "--strict", file)
    assert (code, out, strict) == (2, "", f"{lines[0]}\n")


def test_of_many_lines_that_cannot_be_read_the_first_are_named(otel_claude, tmp_path):
    file = tmp_path / "stored"
    file.write_text(f"{json.dumps(message())}\n" + "no\n" * 5_000)
    code, out, err = otel_claude("price", file)
    assert (code, json.loads(out)["unread"]) == (1, 5_000)
    assert len(err.splitlines()) == 11
    assert err.endswith("4,990 more could not be read\n")


def test_a_batch_that_cost_nothing_and_a_line_that_cannot_be_read(otel_claude, tmp_path):
    file = tmp_path / "stored"
    file.write_text(f"{json.dumps(result('errored'))}\nno\n")
    code, out, _ = otel_claude("price", file)
    said = json.loads(out)
    assert (code, said["usd"], said["status"], said["free"]) == (1, None, "unpriced", {"errored": 1})


def test_lines_are_priced_as_each_by_itself(price):
    """Ordinary ones are summed up before they are priced: to the same numbers."""
    model = "claude-haiku-5-5"  # its prices depend on the length of the prompt
    usages = [
        {"input_tokens": 7, "output_tokens": 3},
        {"input_tokens": 100_001, "output_tokens": 3},
        {"input_tokens": 7, "output_tokens": None},
        {"input_tokens": 7, "output_tokens": 3, "inference_geo": "us"},
        {"input_tokens": 7, "output_tokens": 3, "service_tier": "priority"},
        {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 11, "iterations": []},
        {"input_tokens": 7, "output_tokens": 3, "server_tool_use": {"web_search_requests": 1}},
        {"input_tokens": 7, "output_tokens": 0},
    ]
    messages = [message(model=model, usage=usage) for usage in usages]
    messages += [message(model=model, usage=USAGE, stop_reason="refusal"), message(model="claude-new"), message()]
    messages *= 2_000 // len(messages)
    whole = price("\n".join(map(json.dumps, messages)))
    alone = [price(each) for each in messages[:11]]
    times = len(messages) // 11
    assert Decimal(whole["usd"]) == times * sum(Decimal(each["usd"] or 0) for each in alone)
    for part in ("parts", "tokens"):
        sums = {kind: times * sum(Decimal(each[part].get(kind, 0)) for each in alone) for kind in whole[part]}
        assert {kind: Decimal(number) for kind, number in whole[part].items()} == sums
        assert all(set(each[part]) <= set(sums) or part == "parts" for each in alone)
    for part in ("saved_usd", "overhead_usd"):
        assert Decimal(whole["cache"][part]) == times * sum(Decimal(each["cache"][part]) for each in alone)
    assert whole["answers"] == len(messages)
    assert whole["status"] == "lower_bound"
    assert sum(whole["reasons"].values()) == times * sum(each["status"] != "exact" for each in alone)


FINE = {"discounts": [{"factor": "0.000000000001", "model": "claude-haiku-5-5"}, {"factor": "0.333333333333"}]}
"""Prices of which a token costs no whole number of pico-dollars, and some cost none."""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [MODEL, "claude-haiku-5-5", "claude-haiku-4-5", "vertex_ai/claude-sonnet-5-5", "new", None]
            ),
            st.fixed_dictionaries(
                {"input_tokens": st.integers(0, 9) | st.just(100_001), "output_tokens": st.none() | st.integers(0, 9)},
                optional={
                    "cache_read_input_tokens": st.integers(0, 9), "cache_creation_input_tokens": st.integers(0, 9),
                    "service_tier": st.sampled_from(["standard", "batch", "priority"]), "speed": st.just("fast"),
                    "inference_geo": st.sampled_from(["us", "eu"]), "iterations": st.just([]),
                    "server_tool_use": st.fixed_dictionaries({}, optional={
                        f"{tool}_requests": st.integers(-1, 2) for tool in ("web_search", "web_fetch", "code_execution")
                    }),
                },
            ),
            st.sampled_from(["end_turn", "refusal"]),
        ),
        max_size=9,
    ),
    st.booleans(),
    st.sampled_from([ANTHROPIC, Platform("bedrock", "us-east-1"), Platform("vertex", "global")]),
)  # fmt: skip
def test_sums_are_those_of_each_by_itself(tmp_path_factory, answers, fine, platform):
    """Whatever can be summed up before it is priced."""
    file = tmp_path_factory.getbasetemp() / "fine.json"
    file.write_text(json.dumps(FINE))
    table = load(str(file) if fine else None)
    parsed = [parse_message(message(model=model, usage=usage, stop_reason=stop)) for model, usage, stop in answers] * 3
    sums = Sums(table, at=time.time(), platform=platform, requested_model=None)
    for each in parsed:
        sums.add(each)
    found = sums.priced()
    alone = [price_response(table, each, at=time.time(), platform=platform) for each in parsed]
    charges = [charge for each in alone for charge in each.charges]
    assert found.total == sum(charge.total for charge in charges)
    assert {kind: amount for kind, amount in found.parts.items() if amount} == {
        kind: amount for number, kind in enumerate(COST_TYPES) if (amount := sum(c.parts[number] for c in charges))
    }
    assert (found.saved, found.overhead) == (
        sum(charge.savings for charge in charges), sum(charge.overhead_5m + charge.overhead_1h for charge in charges)
    )  # fmt: skip
    assert found.reasons == Counter(each.reason for each in alone if each.reason)
    assert found.status == joint_status(each.status for each in alone)
    assert {model for model, parts in found.models.items() if any(parts.values())} == {
        charge.model for charge in charges if charge.total
    }


MEMORY = """
import re, sys
from otel_claude.cli import main
try:
    main(["price", sys.argv[1]])
finally:  # the most memory that this process had at once, in kilobytes
    sys.stderr.write(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.parametrize("form", ["lines", "events"])
def test_a_large_file_takes_no_memory(tmp_path, form):
    """Of 20 MB of lines: what is kept does not grow with the file."""
    one = f"{json.dumps(result('succeeded'))}\n" if form == "lines" else sse(START, TEXT, DELTA, STOP)
    many = 20_000_000 // len(one)
    used = []
    for number in (1, many):
        file = tmp_path / f"stored-{number}"
        file.write_text(one * number)
        done = subprocess.run([sys.executable, "-c", MEMORY, str(file)], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["answers"] == number
        used.append(int(done.stderr))
    assert used[1] < used[0] + 4_000
    assert used[1] < 60_000


# On a quiet machine: make test ARGS="-m timed tests/cli/test_price_command.py"
@pytest.mark.timed
@pytest.mark.parametrize(
    ("usage", "own"),
    [({}, {}),
     ({"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}, "service_tier": "standard"}, {}),
     ({"server_tool_use": {"web_search_requests": 2}}, {}), ({"inference_geo": "eu"}, {}), ({}, FINE),
     ({"service_tier": "priority"}, {})],
    ids=["ordinary", "web searches", "web searches of batches", "lower bounds", "fine discounts", "unpriced"],
)  # fmt: skip
def test_a_line_takes_three_times_what_reading_its_json_does(tmp_path, usage, own):
    """CPU time, of which the best of some runs counts: the machine does other things too."""
    raw = f"{json.dumps(result('succeeded', **usage))}\n".encode() * 5_000
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(own))
    table = load(str(file) if own else None)

    def decode():
        for line in io.BytesIO(raw):
            json.loads(line)

    def price():
        sums = Sums(table, at=time.time(), platform=ANTHROPIC, requested_model=None)
        Answers(io.BytesIO(raw)).read(sums.add)
        assert sums.priced().answers == 5_000

    def seconds(work):
        begun = time.process_time()
        work()
        return time.process_time() - begun

    assert min(seconds(price) for _ in range(7)) < 3 * min(seconds(decode) for _ in range(7))


def test_how_far_the_reading_is_on_a_terminal(tmp_path):
    file = tmp_path / "stored"
    line = f"{json.dumps(message())}\n"
    file.write_text(line * (6_000_000 // len(line)))
    code, out = on_terminal("price", file, term="xterm")
    assert code == 0
    assert re.search(r"Reading .*\d\d%", out)
    file.write_text(line * 3)
    assert "Reading" not in on_terminal("price", file, term="xterm")[1]


TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["message", "message_start", "message_delta", "succeeded", "error", MODEL]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["type", "message", "usage", "result", "custom_id", "model", "input_tokens", "iterations"])
        | st.text(max_size=4),
        inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.binary(max_size=200)
    | st.lists(
        TEXTS.map(lambda value: json.dumps(value).encode())
        | st.sampled_from([json.dumps(message()).encode(), sse(START).encode(), sse(DELTA).encode(), DEEP.encode()])
        | st.binary(max_size=20),
        max_size=6,
    ).map(b"\n".join)
    | st.lists(TEXTS.map(lambda value: f"data: {json.dumps(value)}\n\n".encode()), max_size=6).map(b"".join)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_input_has_its_exit_code_and_no_traceback(otel_claude, tmp_path, stored):
    file = tmp_path / "stored"
    file.write_bytes(stored)
    code, out, err = otel_claude("price", file)
    assert "Traceback" not in err
    assert "fault of otel-claude" not in err
    assert code in {0, 1, 2}
    assert bool(err) == (code != 0)
    assert bool(out) == (code != 2)
    assert all(line.startswith("otel-claude: price: ") for line in err.splitlines())
    if out:
        said = json.loads(out)
        assert (said["unread"] > 0) == (code == 1)
        assert said["status"] != "exact" or code == 0


PRICE_FILES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["list", "1.1", "2026-01-01", MODEL, f"us.anthropic.{MODEL}", "9" * 5_000, "1" * 300]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["models", "aliases", "prefixes", "discounts", "platforms", "name", "standard", "fast", "input", "output",
             "effective_from", "prompt_tiers", "prompt_tokens_over", "factor", "endpoint", "anthropic", MODEL]
        ) | st.text(max_size=4),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(PRICE_FILES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40) | st.just(b"[" * 100_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_price_file_is_used_or_its_mistakes_are_said(otel_claude, tmp_path, content):
    file, prices = tmp_path / "stored", tmp_path / "prices.json"
    file.write_text(json.dumps(message()))
    prices.write_bytes(content)
    code, out, err = otel_claude("price", "--prices", prices, file)
    assert (code, bool(out), bool(err)) in {(0, True, False), (2, False, True)}
    # It says that the file has mistakes, and stops: nothing is ignored, and no other prices are used.
    assert code == 0 or err.startswith(f"otel-claude: price: the price file {prices} has ")
    assert "ignored" not in err
    assert "Traceback" not in err


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20) | st.sampled_from(["bedrock", "vertex"]))
@example("", "arn:aws:bedrock:us-east-1:1:application-inference-profile/a", "bedrock")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_options(otel_claude, tmp_path, region, model, platform):
    file = tmp_path / "stored"
    file.write_text(json.dumps(message(model=model)))
    for what in ([str(file)], ["--list"]):
        code, out, err = otel_claude("price", *what, f"--region={region}", f"--model={model}", f"--platform={platform}")
        assert (code, bool(out)) in {(0, True), (2, False)}
        assert "Traceback" not in err
        assert "fault of otel-claude" not in err


@given(st.text(max_size=40) | st.datetimes().map(str) | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-9:+-]+)?"))
@example("0001-01-01T00:00+12:00")
@example("9999-12-31T23:59-12:00")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_day_is_one_or_is_none(otel_claude, tmp_path, text):
    file = tmp_path / "stored"
    file.write_text(json.dumps(message()))
    for what in (["--list"], [str(file)]):
        code, out, err = otel_claude("price", *what, f"--at={text}")
        assert (code, bool(out)) in {(0, True), (2, False)}
        assert code == 0 or err.startswith("otel-claude: price: --at ")
        assert "Traceback" not in err


@pytest.mark.parametrize("at", ["0001-01-01T00:00+12:00", "9999-12-31T23:59-12:00"])
def test_a_day_that_no_calendar_has(otel_claude, at):
    code, out, err = otel_claude("price", "--list", "--at", at)
    assert (code, out) == (2, "")
    assert err == (
        f"otel-claude: price: --at '{at}' is no date. Write it as 2026-11-22, or 2026-11-22T13:00:00+00:00\n"
    )


def test_standard_input_that_is_closed():
    done = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *OURS, "price", "-"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "otel-claude: price: standard input: it is closed\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "price: none: No such file or directory"),
        (["."], "price: .: Is a directory"),
        (["binary"], "price: binary: it is no UTF-8 text"),
        ([], "price: name a FILE (or - for standard input), or --list, or --check."),
        (["good", "--list"], "price: name a FILE"),
        (["--list", "--check"], "price: name a FILE"),
        (["good", "--at", "yesterday"], "price: --at 'yesterday' is no date. Write it as 2026-11-22"),
        (["good", "--platform", "azure"], "price: --platform 'azure' is not known. It takes one of: anthropic, aws"),
        (["good", "--prices", "none"], "price: the price file none has 1 mistake:\n  $: "),
        (["--list", "--model", "claude-sonet-5"], "price: the table has no model 'claude-sonet-5'. Did you mean "),
        (["--list", "--model", "gpt"], "price: the table has no model 'gpt'. All of them: otel-claude price --list"),
    ],
)  # fmt: skip
def test_bad_usage(otel_claude, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").write_text(json.dumps(message()))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    code, out, err = otel_claude("price", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"otel-claude: {said}")
    assert "Traceback" not in err


def test_list(otel_claude):
    code, out, err = otel_claude("price", "--list", "--at", "2026-11-20")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert [MODEL, "2026-10-07", "2.00", "0.10", "2.50", "4.00", "10.00"] in rows
    assert ["claude-haiku-5-5", ">100k", "2026-10-07", "0.50", "0.05", "0.625", "1.00", "2.50"] in rows
    assert ["claude-opus-5", "fast", "2026-07-24", "10.00", "50.00"] in rows
    assert max(map(len, out.splitlines())) <= 80
    assert f"Table of {shipped().date}" in out
    # No row is broken: ids of 26 characters fit.
    assert "claude-sonnet-4-5-20250929 " in out


def test_list_of_another_day_and_of_one_model(otel_claude):
    assert MODEL not in otel_claude("price", "--list", "--at", "2026-01-01")[1]
    assert (
        "No price is in force on that day." in otel_claude("price", "--list", "--model", MODEL, "--at", "2020-01-01")[1]
    )
    data = json.loads(otel_claude("price", "--list", "--model", f"anthropic.{MODEL}-v1:0", "--json")[1])
    assert data["unit"] == "USD per 1,000,000 tokens"
    assert {row["model"] for row in data["rows"]} == {MODEL}
    assert data["rows"][0]["input"] == "2.00"


def on_terminal(*arguments, term="dumb"):
    """What a command writes to a terminal."""
    return cli_programs.on_terminal([*map(str, arguments)], {**os.environ, "COLUMNS": "80", "TERM": term})


def test_on_a_terminal(tmp_path):
    file = tmp_path / "message.json"
    file.write_text(json.dumps(message(usage={**USAGE, "server_tool_use": {"web_search_requests": 2}})))
    code, out = on_terminal("price", "--at", "2026-11-20", file)
    assert code == 0
    assert out.startswith(f"$0.0335 (exact)\nJSON. Prices of 2026-11-20, from the table of {shipped().date}.\n")
    rows = [line.split() for line in out.splitlines()]
    assert ["input,", "uncached", "1,000", "2.00", "0.002"] in rows
    assert ["cache", "write", "1h", "1,000", "4.00", "0.004"] in rows
    assert ["web", "search", "0.02"] in rows
    assert ["total", "0.0335"] in rows
    assert "The cache saved $0.0095, cost $0.003 more: net +$0.0065." in out


def test_why_on_a_terminal(tmp_path):
    file = tmp_path / "messages.json"
    file.write_text(json.dumps([message(), message(model="claude-new"), {"type": "error", "error": {}}]))
    _, out = on_terminal("price", file)
    assert out.startswith(f"at least ${USD} (lower_bound)\n2 answers in a JSON list; 1 refused, free.")
    assert "unknown_model (1 answer): The price table has no such model, or the answer names none. Upgrade" in (
        " ".join(out.split())
    )
    file.write_text(json.dumps(message(model="claude-new")))
    assert on_terminal("price", file)[1].startswith("not known (unpriced)\n")


def test_json_on_a_terminal_if_asked_for(tmp_path):
    file = tmp_path / "message.json"
    file.write_text(json.dumps(message()))
    assert json.loads(on_terminal("price", "--json", file)[1])["usd"] == USD


def check_of(*differences, installed=True):
    return lambda *_, **__: [Result("genai-prices", installed, 7, differences, ("us",))]


@pytest.mark.parametrize(
    ("differences", "code", "said"),
    [
        ((), 0, ["genai-prices:", "7", "prices", "compared,", "none", "differs."]),
        ([("input", Decimal(2_000_000), Decimal(2_500_000))], 1, [MODEL, "input", "2", "2.5"]),
        ([("web_search", Decimal(10**10), Decimal(12 * 10**9))], 1, [MODEL, "web_search", "10", "12"]),
        ([("model", Decimal(2), None)], 0, [MODEL, "everything"]),
        ([("model", None, Decimal(2))], 0, [MODEL, "everything"]),
        ([(f"{kind} batch", Decimal(1), None) for kind in TOKEN_TYPES], 0, [MODEL, "batch"]),
    ],
)  # fmt: skip
def test_check(otel_claude, monkeypatch, differences, code, said):
    rows = [Difference(MODEL, *row) for row in differences]
    monkeypatch.setattr(price_check, "check", check_of(*rows))
    got, out, _ = otel_claude("price", "--check")
    assert got == code
    assert said in [line.split() for line in out.splitlines()]


def test_check_finds_a_model_that_we_do_not_know(otel_claude, monkeypatch):
    monkeypatch.setattr(price_check, "check", check_of(Difference("claude-new", "model", None, Decimal(10**6))))
    code, out, _ = otel_claude("price", "--check")
    assert code == 1
    assert ["claude-new", "model", "none", "1"] in [line.split() for line in out.splitlines()]


def test_check_with_nothing_to_compare_with(otel_claude, monkeypatch):
    monkeypatch.setattr(price_check, "check", check_of(installed=False))
    code, out, _ = otel_claude("price", "--check")
    assert code == 0
    assert "genai-prices: not installed." in out
    assert "pip install genai-prices litellm" in out


def test_check_of_what_is_installed(otel_claude):
    code, out, _ = otel_claude("price", "--check", "--json", "--at", "2026-11-22")
    libraries = {row["library"]: row for row in json.loads(out)["libraries"]}
    assert set(libraries) == {"genai-prices", "litellm"}
    # Python 3.10 has no genai-prices.
    assert libraries["litellm"]["installed"]
    assert all(row["compared"] > 100 for row in libraries.values() if row["installed"])
    numbers = [(row["ours"], row["theirs"]) for library in libraries.values() for row in library["differences"]]
    assert code == 0, numbers
    assert all("none" in pair for pair in numbers)
