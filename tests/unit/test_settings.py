"""Settings: arguments over variables over defaults; each bad value is one warning and the default."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from otel_claude import pricing
from otel_claude.runtime import _price_table
from otel_claude.settings import OF_AGENTS, OF_CALLS, OF_HTTPX, Settings, read, variable

DEFAULTS = Settings(
    spans="auto",
    prices=None,
    api_key_format="hint",
    baggage_tags=(),
    tag_limit=200,
    tag_values=(),
    histogram_tags=False,
    flush_on_exit=True,
    legacy_metrics=False,
    instance_id="auto",
    agent_sdk="auto",
)


def test_the_defaults():
    assert read({}, {}) == Settings() == DEFAULTS


GOOD = [
    # field, in the environment or as an argument, what it means
    ("spans", "auto", "auto"),
    ("spans", "off", "off"),
    ("spans", "OFF", "off"),
    ("prices", "/etc/prices.json", "/etc/prices.json"),
    ("api_key_format", "hint", "hint"),
    ("api_key_format", "hash", "hash"),
    ("api_key_format", "Off", "off"),
    ("baggage_tags", "tenant", ("tenant",)),
    ("baggage_tags", " tenant , feature.name,, ", ("tenant", "feature.name")),
    ("tag_limit", "1", 1),
    ("tag_limit", "5000", 5_000),
    ("tag_values", "tenant=acme", (("tenant", "acme"),)),
    (
        "tag_values",
        " tenant = b , tenant=a,, team.name=a%2Cb=c%20d ,tenant=a",
        (("team.name", "a,b=c d"), ("tenant", "a"), ("tenant", "b")),
    ),
    *(("legacy_metrics", text, True) for text in ("true", "True", "1", "yes", "on")),
    *(("legacy_metrics", text, False) for text in ("false", "FALSE", "0", "no", "off")),
    *(("agent_sdk", text, "on") for text in ("on", "On", "true", "1")),
    *(("agent_sdk", text, "off") for text in ("off", "OFF", "false", "0")),
    ("agent_sdk", "Auto", "auto"),
    *((field, text, True) for field in ("histogram_tags", "flush_on_exit") for text in ("true", "True", "1", "on")),
    *((field, text, False) for field in ("histogram_tags", "flush_on_exit") for text in ("false", "0", "no", "off")),
    *(("instance_id", text, "on") for text in ("on", "true", "1")),
    *(("instance_id", text, "off") for text in ("OFF", "false", "0")),
    ("instance_id", "Auto", "auto"),
]
GOOD_ARGUMENTS = [
    ("prices", Path("/etc/prices.json"), "/etc/prices.json"),
    ("baggage_tags", ["tenant", "feature"], ("tenant", "feature")),
    ("baggage_tags", ("tenant",), ("tenant",)),
    ("tag_limit", 5, 5),
    ("tag_values", {"tenant": ["b", "a"], "plan": "free"}, (("plan", "free"), ("tenant", "a"), ("tenant", "b"))),
    ("tag_values", {"tenant": {"a"}}, (("tenant", "a"),)),
    ("flush_on_exit", False, False),
    ("flush_on_exit", True, True),
    ("histogram_tags", True, True),
    ("legacy_metrics", True, True),
    ("legacy_metrics", False, False),
]


@pytest.mark.parametrize(("field", "text", "value"), GOOD)
def test_a_variable(warnings, field, text, value):
    assert read({}, {variable(field): f" {text} "}) == dataclasses.replace(DEFAULTS, **{field: value})
    assert warnings() == []


@pytest.mark.parametrize(("field", "given", "value"), [*GOOD, *GOOD_ARGUMENTS])
def test_an_argument(warnings, field, given, value):
    assert read({field: given}, {}) == dataclasses.replace(DEFAULTS, **{field: value})
    assert warnings() == []


def test_an_argument_wins_over_its_variable():
    environment = {"OTEL_CLAUDE_SPANS": "off", "OTEL_CLAUDE_TAG_LIMIT": "7"}
    assert read({"spans": "auto"}, environment) == Settings(spans="auto", tag_limit=7)


def test_false_is_an_argument_and_none_is_not():
    environment = {"OTEL_CLAUDE_LEGACY_METRICS": "true", "OTEL_CLAUDE_SPANS": "off"}
    assert read({"legacy_metrics": False, "spans": None}, environment) == Settings(spans="off")


@pytest.mark.parametrize("blank", ["", "   "])
def test_a_blank_variable_is_unset(warnings, blank):
    assert read({}, {variable(field.name): blank for field in dataclasses.fields(Settings)}) == DEFAULTS
    assert warnings() == []


def test_each_instrumentor_warns_of_what_it_heeds_alone(warnings):
    environment = {"OTEL_CLAUDE_AGENT_SDK": "always", "OTEL_CLAUDE_SPANS": "always"}
    assert set(OF_CALLS) | set(OF_AGENTS) | set(OF_HTTPX) == {field.name for field in dataclasses.fields(Settings)}
    assert read({}, environment, used_settings=OF_AGENTS) == read({}, environment, used_settings=OF_CALLS) == DEFAULTS
    assert [text.partition(" ")[0] for text in warnings()] == ["OTEL_CLAUDE_AGENT_SDK", "OTEL_CLAUDE_SPANS"]


def test_the_environment_of_the_process_is_read(monkeypatch):
    monkeypatch.setenv("OTEL_CLAUDE_TAG_LIMIT", "7")
    assert read({}) == Settings(tag_limit=7)


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().spans = "off"


BAD = [
    # variable, value, what is accepted, the default that is used
    ("OTEL_CLAUDE_SPANS", "always", "it takes one of auto, off", "'auto'"),
    ("OTEL_CLAUDE_API_KEY_FORMAT", "full", "it takes one of hint, hash, off", "'hint'"),
    ("OTEL_CLAUDE_INSTANCE_ID", "pod-1", "it takes one of auto, on, off", "'auto'"),
    *(
        ("OTEL_CLAUDE_TAG_VALUES", text, "it takes tag keys with values of 1 to 200 printable characters, as", "()")
        for text in (
            "tenant",
            "tenant=",
            "=acme",
            "Tenant=acme",
            "tenant=a,b",
            "tenant=%00",
            "tenant=" + "x" * 201,
            ",",
        )
    ),
    ("OTEL_CLAUDE_TAG_LIMIT", "0", "it takes a whole number of 1 or more", "200"),
    ("OTEL_CLAUDE_TAG_LIMIT", "-5", "it takes a whole number of 1 or more", "200"),
    ("OTEL_CLAUDE_TAG_LIMIT", "many", "it takes a whole number of 1 or more", "200"),
    ("OTEL_CLAUDE_TAG_LIMIT", "5.5", "it takes a whole number of 1 or more", "200"),
    ("OTEL_CLAUDE_TAG_LIMIT", "²", "it takes a whole number of 1 or more", "200"),
    ("OTEL_CLAUDE_TAG_LIMIT", "9" * 30, "it takes a whole number of 1 or more", "200"),
    ("OTEL_CLAUDE_LEGACY_METRICS", "maybe", "it takes true or false", "False"),
    ("OTEL_CLAUDE_LEGACY_METRICS", "2", "it takes true or false", "False"),
    ("OTEL_CLAUDE_INSTANCE_ID", "pod-1", "it takes one of auto, on, off", "'auto'"),
    ("OTEL_CLAUDE_HISTOGRAM_TAGS", "some", "it takes true or false", "False"),
    ("OTEL_CLAUDE_FLUSH_ON_EXIT", "some", "it takes true or false", "True"),
    ("OTEL_CLAUDE_AGENT_SDK", "always", "it takes one of auto, on, off", "'auto'"),
    ("OTEL_CLAUDE_BAGGAGE_TAGS", "tenant-id", "it takes names of lower case letters", "()"),
    ("OTEL_CLAUDE_BAGGAGE_TAGS", "tenant,userId", "it takes names of lower case letters", "()"),
    ("OTEL_CLAUDE_BAGGAGE_TAGS", "tenant;user", "it takes names of lower case letters", "()"),
]


@pytest.mark.parametrize(("name", "value", "accepted", "default"), BAD)
def test_a_bad_variable_is_one_warning_and_the_default(warnings, name, value, accepted, default):
    assert read({}, {name: value, "OTEL_CLAUDE_PRICES": "/p"}) == Settings(prices="/p")
    (warning,) = warnings()
    assert warning.startswith(f"{name} is not accepted: {accepted}")
    assert warning.endswith(f". Using {default}.")


class Odd:
    def __repr__(self):
        return "<odd>"


BAD_ARGUMENTS = [
    ("spans", True, "it takes one of auto, off"),
    ("spans", Odd(), "it takes one of auto, off"),
    ("prices", 5, "it takes a path"),
    ("prices", Odd(), "it takes a path"),
    ("api_key_format", 5, "it takes one of hint, hash, off"),
    ("baggage_tags", 5, "it takes names of lower case letters"),
    ("baggage_tags", ["tenant", 5], "it takes names of lower case letters"),
    ("tag_limit", True, "it takes a whole number of 1 or more"),
    ("tag_limit", 5.0, "it takes a whole number of 1 or more"),
    ("tag_limit", [5], "it takes a whole number of 1 or more"),
    *(
        ("tag_values", given, "it takes tag keys with values of 1 to 200 printable characters")
        for given in ({}, {"tenant": 5}, {"tenant": None}, {5: "a"}, ["tenant=a"], {"tenant": [""]}, {"tenant": []})
    ),
    ("legacy_metrics", Odd(), "it takes true or false"),
    ("legacy_metrics", [], "it takes true or false"),
]


@pytest.mark.parametrize(("field", "value", "accepted"), BAD_ARGUMENTS, ids=repr)
def test_a_bad_argument_is_one_warning_and_the_default(warnings, field, value, accepted):
    assert read({field: value}, {}) == DEFAULTS
    (warning,) = warnings()
    assert warning.startswith(f"instrument({field}=...) is not accepted: {accepted}")


SECRETS = ["sk-ant-api03-" + "S3cret" * 12, "glsa_NotOurs", "hunter2-\x1b[2J", "Bearer abc", "x" * 5000]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Settings) if field.name != "prices"])
def test_no_value_that_is_not_accepted_is_quoted(warnings, field, secret):
    read({}, {variable(field): secret})
    read({field: secret}, {})
    assert len(warnings()) == 2 or field == "baggage_tags"  # which takes any long word
    assert not [text for text in warnings() if secret in text or secret[:12] in text]


@pytest.mark.parametrize("value", ["hash", "sk-ant-api03-" + "S3cret" * 12])
def test_the_former_name_of_a_setting_is_not_read_and_its_value_is_not_shown(warnings, value):
    assert read({}, {"OTEL_CLAUDE_API_KEY": value}) == DEFAULTS
    (warning,) = warnings()
    assert warning == (
        "OTEL_CLAUDE_API_KEY is not read: use OTEL_CLAUDE_API_KEY_FORMAT, which takes one of hint, hash, off. If there "
        "is an API key in OTEL_CLAUDE_API_KEY, remove it there."
    )


def test_the_new_name_is_read_beside_the_former_one(warnings):
    environment = {"OTEL_CLAUDE_API_KEY": "off", "OTEL_CLAUDE_API_KEY_FORMAT": "hash"}
    assert read({}, environment) == Settings(api_key_format="hash")
    assert len(warnings()) == 1
    assert read({}, environment, used_settings=OF_AGENTS) == DEFAULTS
    assert len(warnings()) == 1  # by the instrumentor that reads it, alone


def test_the_former_argument(warnings):
    assert read({"api_key": "sk-ant-api03-x"}, {}) == DEFAULTS
    assert warnings() == ["instrument(api_key=...) is not read: use instrument(api_key_format=...)."]


def test_two_bad_values_are_two_warnings(warnings):
    read({}, {"OTEL_CLAUDE_SPANS": "x", "OTEL_CLAUDE_API_KEY_FORMAT": "y"})
    assert len(warnings()) == 2


def test_an_unreadable_price_file_is_one_message_and_the_shipped_price_table(warnings, tmp_path):
    path = str(tmp_path / "absent.json")
    table = _price_table(path)
    assert table() is table() is pricing.shipped()
    (warning,) = warnings()
    assert warning.startswith("OTEL_CLAUDE_PRICES is ignored, and the shipped prices are used: ")
    assert path in warning
    assert "cannot be read" in warning


def test_a_price_file_with_mistakes_is_one_message_with_all_of_them(warnings, tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"aliases": {"a": "no-such-model", "b": "nor-this"}}')
    assert _price_table(str(path))() is pricing.shipped()
    (warning,) = warnings()
    assert "2 mistakes" in warning
    assert "no-such-model" in warning
    assert "nor-this" in warning


def test_a_good_price_file_is_used_and_nothing_is_said(warnings, tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"aliases": {"our-model": "claude-opus-5-5"}}')
    assert _price_table(str(path))().name == f"{pricing.shipped().date}+custom"
    assert warnings() == []


def test_without_a_price_file_the_table_is_read_on_first_use():
    assert _price_table(None)() is pricing.shipped()
