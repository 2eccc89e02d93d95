"""A made-up value that fits a JSON schema, for tool inputs and structured outputs. Knows JSON schema.

Covered: what the SDK's `transform_schema` and pydantic write: types, `enum`, `const`, `anyOf`, `oneOf`, `allOf`,
`$ref`, `format`, bounds of numbers, strings and arrays. Optional properties are given too, until schemas that refer to
themselves get deep. A `pattern` is not obeyed.
"""

from __future__ import annotations

from random import Random

from otel_claude_demo.simulator.jsons import Json, as_list, as_object

_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT1H",
    "email": "simulated@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/simulated",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_DEEP = 5


def fitting(schema: object, random: Random) -> object:
    """A value that validates against the schema."""
    return _Fit(as_object(schema), random).value(as_object(schema), 0)


class _Fit:
    def __init__(self, root: Json, random: Random) -> None:
        self.root = root
        self.random = random

    def value(self, schema: Json, depth: int) -> object:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if as_list(schema.get("enum")):
            return self.random.choice(as_list(schema["enum"]))
        choices = as_list(schema.get("anyOf")) or as_list(schema.get("oneOf"))
        if choices:
            return self.value(self._simplest(choices, depth), depth + 1)
        return self._of_type(self._type(schema), schema, depth)

    def _resolved(self, schema: Json) -> Json:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = self.root
            for step in reference.removeprefix("#").strip("/").split("/"):
                target = as_object(target.get(step)) if step else target
            return self._resolved(target) if target is not schema else {}
        parts = [self._resolved(as_object(part)) for part in as_list(schema.get("allOf"))]
        if not parts:
            return schema
        merged: Json = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            properties = {**as_object(merged.get("properties")), **as_object(part.get("properties"))}
            required = [*as_list(merged.get("required")), *as_list(part.get("required"))]
            merged = {**merged, **part, "properties": properties, "required": required}
        return merged

    def _simplest(self, choices: list[object], depth: int) -> Json:
        options = [as_object(choice) for choice in choices]
        if depth >= _DEEP:
            for option in options:
                if self._type(self._resolved(option)) not in {"object", "array"}:
                    return option
        return options[0]

    @staticmethod
    def _type(schema: Json) -> str:
        named = schema.get("type")
        if isinstance(named, str):
            return named
        if as_list(named):
            return str(as_list(named)[0])
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def _of_type(self, kind: str, schema: Json, depth: int) -> object:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in {"integer", "number"}:
            return self._number(kind, schema)
        if kind == "boolean":
            return self.random.random() < 0.5  # noqa: PLR2004 - a coin
        return None if kind == "null" else self._string(schema)

    def _object(self, schema: Json, depth: int) -> Json:
        properties = as_object(schema.get("properties"))
        required = as_list(schema.get("required"))
        wanted = [name for name in properties if depth < _DEEP or name in required]
        return {name: self.value(as_object(properties[name]), depth + 1) for name in wanted}

    def _array(self, schema: Json, depth: int) -> list[object]:
        low = int(schema.get("minItems", 0))
        high = int(schema.get("maxItems", max(low, 2)))
        size = low if depth >= _DEEP else min(max(low, 1), high)
        fixed = as_list(schema.get("prefixItems"))
        if fixed:
            return [self.value(as_object(item), depth + 1) for item in fixed]
        return [self.value(as_object(schema.get("items")), depth + 1) for _ in range(size)]

    def _number(self, kind: str, schema: Json) -> float:
        step = schema.get("multipleOf") or 1
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if low is None:
            low = 0 if high is None or high > 0 else high - 10 * step
        if high is None:
            high = low + 100 * step
        middle = round((low + high) / 2 / step) * step
        # A number that happens to be whole would validate too, but hide a mistake of the application's.
        return int(middle) if kind == "integer" or schema.get("multipleOf") else (low + high) / 2

    def _string(self, schema: Json) -> str:
        known = _FORMATS.get(str(schema.get("format")))
        if known:
            return known
        text = f"simulated {self.random.randrange(1000)}"
        low, high = int(schema.get("minLength", 0)), schema.get("maxLength")
        text = text.ljust(low, "x")
        return text[: int(high)] if high is not None else text
