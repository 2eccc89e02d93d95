"""The pure parts: schemas, model names, scenarios as a table."""

from __future__ import annotations

import jsonschema
import pytest

from otel_claude_demo.simulator.catalog import limit_group, resolved
from otel_claude_demo.simulator.failures import Refused
from otel_claude_demo.simulator.fake import MARKER, identifier, prose, seeded
from otel_claude_demo.simulator.prompt import MEDIA_TOKENS, prompt_tokens
from otel_claude_demo.simulator.scenarios import SCENARIOS, parse_scenario, split_model
from otel_claude_demo.simulator.schema import fitting
from otel_claude_demo.simulator.served import key_hint

TREE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 30},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["name", "children"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS = [
    {"type": "object", "properties": {}},
    {"type": "string", "maxLength": 4},
    {"type": "integer", "minimum": 3, "maximum": 5},
    {"type": "integer", "exclusiveMinimum": 10},
    {"type": "number", "maximum": -2},
    {"type": "integer", "multipleOf": 7, "minimum": 10},
    {"type": ["null", "string"]},
    {"type": "boolean"},
    {"enum": ["a", 2, None]},
    {"const": {"x": 1}},
    {"type": "array", "items": {"type": "number"}, "minItems": 3},
    {"type": "array", "maxItems": 0},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
    {"oneOf": [{"type": "object", "properties": {"a": {"const": "b"}}, "required": ["a"]}, {"type": "null"}]},
    {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    *({"type": "string", "format": name} for name in ("date-time", "date", "email", "uri", "uuid", "ipv4", "text")),
    TREE,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_made_up_value_fits_its_schema(schema):
    for seed in range(5):
        jsonschema.validate(fitting(schema, seeded(seed)), schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize(
    ("asked", "answered", "group"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5", "sonnet-5-5"),
        ("claude-sonnet-5", "claude-sonnet-5", "sonnet-5"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", "haiku-4-5"),
        ("claude-mythos-5-1", "claude-mythos-5-1", "mythos-5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4-20250514", "sonnet-4"),
        ("anthropic.claude-opus-4-8-v1:0", "claude-opus-4-8", "opus-4"),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001", "haiku-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929", "sonnet-4"),
        ("my-claude", "my-claude", "my-claude"),
    ],
)
def test_model_names(asked, answered, group):
    assert resolved(asked) == answered
    assert limit_group(resolved(asked)) == group


def test_every_scenario_can_be_played_with_its_default():
    for name, row in SCENARIOS.items():
        found = parse_scenario(name)
        assert name in found
        assert found.word(name) == row.default
    assert str(parse_scenario("slow=1", "overloaded=2+slow", "output=3")) == "slow=0.05,overloaded=2,output=3"
    assert split_model("claude-x+a=1+b") == ("claude-x", "a=1+b")
    with pytest.raises(Refused):
        parse_scenario("nothing")


def test_prose_is_exactly_as_long_as_asked():
    for tokens in (1, 2, 3, 4, 50, 999):
        text = prose(seeded(tokens), tokens, MARKER)
        assert len(text) == 4 * tokens
        assert text.startswith(MARKER[: len(text)])


def test_ids_are_distinct_and_repeatable():
    ids = {identifier("msg_01", 0, number) for number in range(10_000)}
    assert len(ids) == 10_000
    assert identifier("msg_01", 0, 1) == identifier("msg_01", 0, 1)


def test_the_estimate_is_what_its_documentation_says():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 10_000}}
    message = {"role": "user", "content": [{"type": "text", "text": "12345"}, image]}
    assert prompt_tokens({"system": "1234", "messages": [message]}) == 1 + 2 + MEDIA_TOKENS
    assert prompt_tokens({"tools": [{"name": "ab"}], "messages": []}) == 4  # {"name":"ab"} is 13 characters


def test_hints_do_not_give_short_keys_away():
    assert key_hint(None) == ""
    assert key_hint("sk-ant-short").startswith("sha256:")
    assert "sk-ant" not in key_hint("sk-ant-short")
