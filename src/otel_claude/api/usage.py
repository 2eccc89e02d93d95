"""Usage: the tokens of one answer in disjoint classes, and what else of it changes the bill.

Source of the fields: `types/usage.py` and `types/beta/beta_usage.py` of anthropic 2.12.0.
"""

from typing import Final, NamedTuple

from .json import Json, Reader, items

_UNSPLIT: Final[Json] = {}
_MOST_ITERATIONS: Final = 10_000


class Counts(NamedTuple):
    """Tokens as the API counts them. `creation` is all cache writes, `split_*` those of a known time to live.

    `None` is what the API did not say.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    creation: int | None = None
    split_5m: int | None = None
    split_1h: int | None = None

    def updated(self, usage: Json, read: Reader) -> "Counts":
        """These counts, with those that `usage` has in their place: counts of a stream are cumulative, never added."""
        creation = usage.get("cache_creation")
        split = read.fields(creation) if creation is not None else _UNSPLIT
        return Counts(
            read.count(usage.get("input_tokens"), self.input),
            read.count(usage.get("output_tokens"), self.output),
            read.count(usage.get("cache_read_input_tokens"), self.cache_read),
            read.count(usage.get("cache_creation_input_tokens"), self.creation),
            read.count(split.get("ephemeral_5m_input_tokens"), self.split_5m),
            read.count(split.get("ephemeral_1h_input_tokens"), self.split_1h),
        )

    @property
    def classes(self) -> "_Classes":
        """The disjoint classes: uncached input, output, cache reads, cache writes for 5m and for 1h; and all input.

        Writes of no known time to live are 5m: breakpoints that server tools set by themselves come without a split
        (Anthropic's page on tool use with prompt caching). All input is `None` where the uncached input is not known.
        """
        new, out, cached, creation, short, long = self
        if creation is not None:
            long = long or 0
            short = max(creation - long, short or 0)
        return new, out, cached, short, long, None if new is None else new + (cached or 0) + (short or 0) + (long or 0)


_Classes = tuple["int | None", "int | None", "int | None", "int | None", "int | None", "int | None"]

# What is read for every call is a field, and no property that works it out: `Usage(*counts.classes, counts, …)`.


class Iteration(NamedTuple):
    """One entry of beta `usage.iterations`: what was sampled apart, and by which model where that is said."""

    input: int | None
    output: int | None
    cache_read: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None
    total_input: int | None
    type: str
    model: str | None


class Usage(NamedTuple):
    """`usage` of one answer: what the API served, not what was asked. `thinking` is part of the output.

    The first six are `counts.classes`. `malformed`: something stood where a count or a name belongs, and was none.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    total_input: int | None = None
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

    def updated(self, usage: object) -> "Usage":
        """This usage with what the JSON `usage` says in its place. Something else than an object is malformed."""
        if usage is None:
            return self
        read = Reader()
        said = read.fields(usage)
        counts = self.counts.updated(said, read)
        thinking, searches, fetches, executions = (
            self.thinking,
            self.web_searches,
            self.web_fetches,
            self.code_executions,
        )
        if (details := said.get("output_tokens_details")) is not None:
            thinking = read.count(read.fields(details).get("thinking_tokens"), thinking)
        if (tools := said.get("server_tool_use")) is not None:
            tools = read.fields(tools)
            searches = read.count(tools.get("web_search_requests"), searches) or 0
            fetches = read.count(tools.get("web_fetch_requests"), fetches) or 0
            executions = read.count(tools.get("code_execution_requests"), executions) or 0
        credit, entries = said.get("fallback_credit"), said.get("iterations")
        return Usage(
            *counts.classes,
            counts,
            thinking,
            searches,
            fetches,
            executions,
            read.text(said.get("service_tier"), self.service_tier),
            read.text(said.get("speed"), self.speed),
            read.text(said.get("inference_geo"), self.inference_geo),
            self.fallback_credit if credit is None else _credit(credit, self.fallback_credit, read),
            self.iterations if entries is None else _iterations(entries, read),
            self.malformed or read.wrong,
        )


def _credit(credit: object, known: str | None, read: Reader) -> str | None:
    return read.text(read.fields(read.fields(credit).get("status")).get("type"), known)


def _iterations(entries: object, read: Reader) -> tuple[Iteration, ...] | None:
    entries = items(entries)
    if entries is None or len(entries) > _MOST_ITERATIONS:
        read.wrong = True
        return None
    return tuple([_iteration(read.fields(entry), read) for entry in entries])


def _iteration(entry: Json, read: Reader) -> Iteration:
    classes = _NO_COUNTS.updated(entry, read).classes
    return Iteration(*classes, read.text(entry.get("type"), None) or "", read.text(entry.get("model"), None))


_NO_COUNTS: Final = Counts()
