"""The schemas of what `spend`, `explain` and `advise` print as JSON, as docs/schema has them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "docs/schema"
COMMANDS = ("spend", "explain", "advise")


@cache
def schema(command):
    return json.loads((FOLDER / f"{command}.schema.json").read_text())


def closed(part):
    """The same, where no field is accepted that is not written down."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: closed(each) for name, each in part.items()}
    return made | {"additionalProperties": False} if part.get("type") == "object" and "properties" in part else made


def mistakes(command, said, *, is_closed=True):
    """What is wrong with an answer, and where."""
    made = schema(command)
    found = Draft202012Validator(closed(made) if is_closed else made).iter_errors(said)
    return [f"{each.json_path}: {each.message}" for each in found]
