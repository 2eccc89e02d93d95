"""What the tests of the Claude Agent SDK share: options for a program, turns of it, and the telemetry that is left."""

import dataclasses
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, query

SCRIPTED = Path(__file__).parent / "scripted_claude.py"
FIELDS = {field.name for field in dataclasses.fields(ClaudeAgentOptions)}
SONNET, HAIKU = "claude-sonnet-4-6", "claude-haiku-4-5"
SECRET = "planted-in-a-message-4711"


def options(**wanted: Any) -> ClaudeAgentOptions:
    """Options with what the installed SDK knows of these."""
    return ClaudeAgentOptions(**{name: value for name, value in wanted.items() if name in FIELDS})


class Program:
    """A program that says what a test wrote, found as the SDK finds the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def options(self, *turns: list[dict[str, Any]], **more: Any) -> ClaudeAgentOptions:
        """Options for one run of it: a turn for each prompt."""
        self._made += 1
        place = self.folder / f"run {self._made}"
        place.mkdir()
        (place / "turns.json").write_text(json.dumps(turns))
        claude = place / "claude"
        claude.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SCRIPTED}" "{place / "turns.json"}" "$@"\n')
        claude.chmod(claude.stat().st_mode | stat.S_IXUSR)
        # Older versions know no `cli_path`, and look for it in the path.
        os.environ["PATH"] = f"{place}{os.pathsep}{os.environ['PATH']}"
        return options(cli_path=str(claude), cwd=str(self.folder), **more)


async def by_client(chosen: ClaudeAgentOptions, *prompts: str) -> list[Any]:
    """All messages of a client's turns."""
    found: list[Any] = []
    async with ClaudeSDKClient(options=chosen) as client:
        for prompt in prompts:
            await client.query(prompt)
            found.extend([message async for message in client.receive_response()])
    return found


async def by_query(chosen: ClaudeAgentOptions, prompt: str = "hello") -> list[Any]:
    """All messages of a `query()`."""
    return [message async for message in query(prompt=prompt, options=chosen)]


# Messages, as the program says them (2.1.330).


def usage(tokens: tuple[int, int, int, int], cost: float, **more: Any) -> dict[str, Any]:
    """Of one model: uncached input, cache reads, cache writes, output."""
    names = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")
    rest = {"webSearchRequests": 0, "costUSD": cost, "contextWindow": 200000, "maxOutputTokens": 32000}
    return {**dict(zip(names, tokens, strict=True)), **rest, **more}


def result(
    totals: Any = None, new: Any = None, turn: tuple[int, int, int, int] | None = None, **more: Any
) -> dict[str, Any]:
    """The end of a turn. `totals` and `new` by model; `turn`: what its main loop used."""
    told = {} if totals is None else {"modelUsage": totals}
    if new is not None:
        told["model_usage_since_last_result"] = new
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    if turn is not None:
        told["usage"] = dict(zip(names, turn, strict=True))
    return {
        "type": "result", "subtype": "success", "is_error": False, "duration_ms": 72, "duration_api_ms": 25,
        "num_turns": 1, "session_id": "session-1", "total_cost_usd": 0.1, "result": SECRET, "uuid": "uuid-1",
        **told, **more,
    }  # fmt: skip


def assistant() -> dict[str, Any]:
    """An answer, whose usage is not final."""
    counts = {"input_tokens": 999, "output_tokens": 999}
    content = [{"type": "text", "text": SECRET}]
    message = {"model": SONNET, "id": "msg_1", "role": "assistant", "content": content, "usage": counts}
    return {"type": "assistant", "message": message, "session_id": "session-1", "uuid": "uuid-2"}


def rate_limit(**info: Any) -> dict[str, Any]:
    """A change of a limit."""
    return {"type": "rate_limit_event", "rate_limit_info": info, "uuid": "uuid-3", "session_id": "session-1"}


RESET = {"type": "conversation_reset", "new_conversation_id": "new", "uuid": "uuid-4", "session_id": "session-1"}
