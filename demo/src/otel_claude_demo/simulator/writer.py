"""Writes the blocks of one answer within its max_tokens. Knows the shapes of content blocks."""

from __future__ import annotations

from random import Random

from otel_claude_demo.simulator.fake import MARKER, identifier, length, opaque, prose
from otel_claude_demo.simulator.jsons import Json, compact
from otel_claude_demo.simulator.prompt import text_tokens
from otel_claude_demo.simulator.schema import fitting

_SERVER_TOOLS = {"web_search": "web_search_", "web_fetch": "web_fetch_", "code_execution": "code_execution_"}
_CLIENT_INPUTS = {"bash": {"command": "echo simulated"}, "memory": {"command": "view", "path": "/memories"}}


def server_tool_kind(tool: Json) -> str | None:
    """`web_search`, `web_fetch`, `code_execution` or `advisor` if the API runs the tool itself."""
    kind = str(tool.get("type") or "")
    if kind.startswith("advisor_"):
        return "advisor"
    return next((name for name, prefix in _SERVER_TOOLS.items() if kind.startswith(prefix)), None)


class Writer:
    """Collects blocks and counts their tokens, until the budget is used up."""

    def __init__(self, random: Random, budget: int) -> None:
        self.random = random
        self.budget = budget
        self.blocks: list[Json] = []
        self.tokens = 0

    @property
    def full(self) -> bool:
        """Whether max_tokens is reached."""
        return self.tokens >= self.budget

    def thinking(self, most: int, *, shown: bool) -> int:
        """A thinking block; gives its tokens."""
        tokens = self._take(min(most, length(self.random, 60, 10, 2_000)))
        if tokens:
            text = prose(self.random, tokens, MARKER) if shown else ""
            self.blocks.append({"type": "thinking", "thinking": text, "signature": opaque(self.random, 88) + "=="})
        return tokens

    def text(self, tokens: int | None = None) -> None:
        """A text block of that many tokens."""
        tokens = self._take(tokens if tokens is not None else length(self.random, 65, 8, 1_200))
        if tokens:
            self.blocks.append({"type": "text", "text": prose(self.random, tokens, MARKER)})

    def json_text(self, schema: Json) -> None:
        """A text block with JSON that fits the schema."""
        text = compact(fitting(schema, self.random))
        tokens = self._take(text_tokens(text))
        if tokens:
            self.blocks.append({"type": "text", "text": text[: tokens * 4]})

    def tool_use(self, tool: Json) -> bool:
        """A call of the application's tool; says whether it fitted into max_tokens."""
        schema = tool.get("input_schema")
        given = fitting(schema, self.random) if schema else _CLIENT_INPUTS.get(tool["name"], {})
        wanted = text_tokens(tool["name"]) + text_tokens(compact(given))
        if self._take(wanted) < wanted:
            return False
        self.blocks.append(
            {
                "type": "tool_use",
                "id": self._id("toolu_01"),
                "name": tool["name"],
                "input": given,
                "caller": {"type": "direct"},
            }
        )
        return True

    def server_tool(self, kind: str) -> int:
        """A use of a server tool and its result; gives the tokens that the result adds to the next prompt."""
        given: Json = {"query": prose(self.random, 4).strip(" .")}
        result: object = [
            {
                "type": "web_search_result",
                "title": f"Simulated result {number}",
                "url": f"https://example.com/{number}",
                "encrypted_content": opaque(self.random, 200),
                "page_age": "November 1, 2026",
            }
            for number in range(3)
        ]
        if kind == "web_fetch":
            given = {"url": "https://example.com/simulated"}
            source = {"type": "text", "media_type": "text/plain", "data": prose(self.random, 100, MARKER)}
            document = {"type": "document", "title": "Simulated page", "source": source}
            result = {
                "type": "web_fetch_result",
                "url": given["url"],
                "content": document,
                "retrieved_at": "2026-11-01T00:00:00Z",
            }
        elif kind == "code_execution":
            given = {"code": "print('simulated')"}
            result = {
                "type": "code_execution_result",
                "stdout": "simulated\n",
                "stderr": "",
                "return_code": 0,
                "content": [],
            }
        return self._served(kind, given, result)

    def advice(self, tokens: int) -> None:
        """A question to the advisor and its answer, whose tokens are the advisor's own."""
        text = prose(self.random, tokens, MARKER)
        self._served("advisor", {}, {"type": "advisor_result", "text": text, "stop_reason": "end_turn"})

    def compaction(self) -> None:
        """The summary of a closed context; its tokens are those of the compaction."""
        self.blocks.append({"type": "compaction", "content": prose(self.random, 40, MARKER)})

    def fallback(self, requested: str, serving: str) -> None:
        """The mark that another model goes on."""
        trigger = {"type": "refusal", "category": "cyber"}
        self.blocks.append(
            {"type": "fallback", "from": {"model": requested}, "to": {"model": serving}, "trigger": trigger}
        )

    def cut_at(self, sequences: list[str]) -> str | None:
        """End the last text before the first stop sequence in it; gives the sequence."""
        if not self.blocks or self.blocks[-1]["type"] != "text":
            return None
        text = str(self.blocks[-1]["text"])
        found = [(text.index(sequence), sequence) for sequence in sequences if sequence in text]
        if not found:
            return None
        end, sequence = min(found)
        self.tokens -= text_tokens(text) - text_tokens(text[:end])
        self.blocks[-1]["text"] = text[:end]
        return sequence

    def _served(self, kind: str, given: Json, result: object) -> int:
        self._take(text_tokens(kind) + text_tokens(compact(given)))
        use = {"type": "server_tool_use", "id": self._id("srvtoolu_01"), "name": kind, "input": given}
        self.blocks.append(use)
        self.blocks.append({"type": f"{kind}_tool_result", "tool_use_id": use["id"], "content": result})
        return text_tokens(compact(result))

    def _take(self, tokens: int) -> int:
        taken = min(tokens, max(0, self.budget - self.tokens))
        self.tokens += taken
        return taken

    def _id(self, prefix: str) -> str:
        return identifier(prefix, self.random.random())
