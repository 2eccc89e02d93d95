"""What tests ask the simulator."""

MODEL = "claude-sonnet-5-5"
HELLO = [{"role": "user", "content": "Say hello in one word."}]  # 22 characters: 6 tokens
ASK = {"model": MODEL, "max_tokens": 500, "messages": HELLO}
SEARCH = {"type": "web_search_20260209", "name": "web_search"}
WEATHER = {
    "name": "get_weather",
    "description": "Weather by city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
        "required": ["city"],
    },
}


def scenario(text: str) -> dict[str, dict[str, str]]:
    return {"extra_headers": {"x-simulator-scenario": text}}
