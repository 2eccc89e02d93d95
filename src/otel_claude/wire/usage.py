"""Usage: the tokens of one answer in disjoint classes, and what else of it changes the bill.

Source of the fields: `types/usage.py` and `types/beta/beta_usage.py` of anthropic 2.12.0.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .json import Json, Reader, items

_MOST_ITERATIONS: Final = 10_000


class Counts(NamedTuple):
    """Tokens as the API counts them. `creation` is all cache writes, `split_*` those of a known time to live.

    `None` is what the API did not say. `malformed`: something stood where a count belongs, and was none.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    creation: int | None = None
    split_5m: int | None = None
    split_1h: int | None = None
    malformed: bool = False

    def updated(self, usage: Json) -> Counts:
        """These counts, with those that `usage` has in their place: counts of a stream are cumulative, never added."""
        read = Reader()
        split = read.fields(usage.get("cache_creation"))
        return Counts(
            read.count(usage.get("input_tokens"), self.input),
            read.count(usage.get("output_tokens"), self.output),
            read.count(usage.get("cache_read_input_tokens"), self.cache_read),
            read.count(usage.get("cache_creation_input_tokens"), self.creation),
            read.count(split.get("ephemeral_5m_input_tokens"), self.split_5m),
            read.count(split.get("ephemeral_1h_input_tokens"), self.split_1h),
            self.malformed or read.wrong,
        )


class _Classes:
    """The disjoint classes of tokens of something that has `counts`."""

    __slots__ = ()
    counts: Counts

    @property
    def input(self) -> int | None:
        """Input neither read from the cache nor written to it."""
        return self.counts.input

    @property
    def output(self) -> int | None:
        """Output, thinking included."""
        return self.counts.output

    @property
    def cache_read(self) -> int | None:
        """Input read from the cache."""
        return self.counts.cache_read

    @property
    def cache_write_1h(self) -> int | None:
        """Input written to the cache for an hour; 0 where writes are known without a split: the rest is 5m."""
        counts = self.counts
        return 0 if counts.split_1h is None and counts.creation is not None else counts.split_1h

    @property
    def cache_write_5m(self) -> int | None:
        """Input written to the cache for five minutes, writes of no known time to live included.

        Breakpoints that server tools set by themselves are always 5m and come without a split
        (Anthropic's page on tool use with prompt caching).
        """
        counts = self.counts
        if counts.creation is None:
            return counts.split_5m
        return max(counts.creation - (counts.split_1h or 0), counts.split_5m or 0)

    @property
    def total_input(self) -> int | None:
        """All input together, as `gen_ai.usage.input_tokens` has it. `None` where the uncached input is not known."""
        if (uncached := self.counts.input) is None:
            return None
        return uncached + (self.cache_read or 0) + (self.cache_write_5m or 0) + (self.cache_write_1h or 0)


class _IterationFields(NamedTuple):
    type: str
    model: str | None
    counts: Counts


class Iteration(_IterationFields, _Classes):
    """One entry of beta `usage.iterations`: what was sampled apart, and by which model where that is said."""

    __slots__ = ()


class _UsageFields(NamedTuple):
    counts: Counts = Counts()
    thinking: int | None = None
    web_searches: int = 0
    web_fetches: int = 0
    code_executions: int = 0
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    fallback_credit: str | None = None
    iterations: tuple[Iteration, ...] | None = None
    malformed: bool = False


class Usage(_UsageFields, _Classes):
    """`usage` of one answer. `thinking` is part of the output; the rest is what the API served, not what was asked."""

    __slots__ = ()

    def updated(self, usage: object) -> Usage:
        """This usage with what the JSON `usage` says in its place. Something else than an object is malformed."""
        if usage is None:
            return self
        read = Reader()
        said = read.fields(usage)
        counts = self.counts.updated(said)
        thinking = read.fields(said.get("output_tokens_details")).get("thinking_tokens")
        tools = read.fields(said.get("server_tool_use"))
        credit = read.fields(read.fields(said.get("fallback_credit")).get("status")).get("type")
        entries = said.get("iterations")
        iterations = self.iterations if entries is None else _iterations(entries, read)
        return Usage(
            counts,
            read.count(thinking, self.thinking),
            read.count(tools.get("web_search_requests"), self.web_searches) or 0,
            read.count(tools.get("web_fetch_requests"), self.web_fetches) or 0,
            read.count(tools.get("code_execution_requests"), self.code_executions) or 0,
            read.text(said.get("service_tier"), self.service_tier),
            read.text(said.get("speed"), self.speed),
            read.text(said.get("inference_geo"), self.inference_geo),
            read.text(credit, self.fallback_credit),
            iterations,
            self.malformed or counts.malformed or read.wrong,
        )


def _iterations(entries: object, read: Reader) -> tuple[Iteration, ...] | None:
    entries = items(entries)
    if entries is None or len(entries) > _MOST_ITERATIONS:
        read.wrong = True
        return None
    return tuple([_iteration(read.fields(entry), read) for entry in entries])


def _iteration(entry: Json, read: Reader) -> Iteration:
    counts = Counts().updated(entry)
    read.wrong = read.wrong or counts.malformed
    return Iteration(read.text(entry.get("type"), None) or "", read.text(entry.get("model"), None), counts)
