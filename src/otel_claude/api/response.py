"""What one attempt's body said: of a whole message, or of the events of a stream; and the tokens that it used.

Source of the fields: `types/usage.py` and `types/beta/beta_usage.py` of anthropic 2.12.0. `parse_usage` reads what
nearly every response has in one pass; anything else goes through `_parse_carefully`, field by field.
"""

# Decoded JSON can be anything, so its types are not known until they are looked at.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from .json import MAX_COUNT, MAX_TEXT, Json, Reader, as_count, as_known_text, as_list, as_object, as_text, known_texts

_MAX_ITERATIONS: Final = 10_000


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
        """These counts, with those that `usage` has in their place."""
        split = read.as_object(usage.get("cache_creation"))
        return Counts(
            read.count(usage.get("input_tokens"), self.input),
            read.count(usage.get("output_tokens"), self.output),
            read.count(usage.get("cache_read_input_tokens"), self.cache_read),
            read.count(usage.get("cache_creation_input_tokens"), self.creation),
            read.count(split.get("ephemeral_5m_input_tokens"), self.split_5m),
            read.count(split.get("ephemeral_1h_input_tokens"), self.split_1h),
        )

    @property
    def by_type(self) -> "_ByType":
        """By disjoint types: uncached input, output, cache reads, cache writes for 5m and for 1h; and all input.

        Writes of no known time to live are 5m: breakpoints that server tools set by themselves come without a split
        (Anthropic's page on tool use with prompt caching). All input is `None` where the uncached input is not known,
        as it is not where output came of no input: no prompt has 0 tokens, but some gateways say so.
        """
        uncached, output, read, creation, write_5m, write_1h = self
        if creation is not None:
            write_1h = write_1h or 0
            write_5m = max(creation - write_1h, write_5m or 0)
        total = None if uncached is None else uncached + (read or 0) + (write_5m or 0) + (write_1h or 0)
        if not total and output:
            uncached = total = None
        return uncached, output, read, write_5m, write_1h, total


_ByType = tuple["int | None", "int | None", "int | None", "int | None", "int | None", "int | None"]

# What is read for every call is a field, and no property that works it out: `Usage(*counts.by_type, counts, …)`.


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

    The first six are `counts.by_type`. `malformed`: something stood where a count or a name belongs, and was none.
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
    plain: bool = False
    """Whether it is token counts and names alone, all of them well formed: what `rates * counts` prices exactly."""


NO_USAGE: Final = Usage(plain=True)
_new_usage: Callable[[tuple[Any, ...]], Usage] = partial(tuple[Any, ...].__new__, Usage)
_new_counts: Callable[[tuple[Any, ...]], Counts] = partial(tuple[Any, ...].__new__, Counts)
"""Making a named tuple this way takes two thirds of the time, once per response (Python 3.11)."""
_FIELDS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "output_tokens_details",
    "service_tier",
    "speed",
    "inference_geo",
    "server_tool_use",
    "iterations",
    "fallback_credit",
)
_SPLIT: Final = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_COUNT_TYPES: Final = frozenset({int, type(None)})
"""Not `bool`, though it is a subclass of `int`."""
_names: Final[set[str | None]] = {None}
"""Tiers, speeds and places that were seen to be well formed."""
_MAX_NAMES: Final = 200


def parse_usage(usage: object, known: Usage = NO_USAGE) -> Usage:  # noqa: C901 - flat, so that it is fast
    """`known` with what the JSON `usage` says in its place. Hot path: once or twice per call.

    Counts of a stream are cumulative: they replace, and are never added. A field that is absent or null leaves the old
    value. Something else than an object is malformed.
    """
    if type(usage) is not dict or not known.plain:
        return known if usage is None else _parse_carefully(usage, known)
    get: Callable[[str], Any] = usage.get
    uncached, output, read, creation, split, details, tier, speed, geo, tools, iterations, credit = map(get, _FIELDS)
    split_5m = split_1h = thinking = None
    if split is not None:
        if type(split) is not dict:
            return _parse_carefully(usage, known)
        split_5m, split_1h = map(split.get, _SPLIT)
    if details is not None:
        if type(details) is not dict:
            return _parse_carefully(usage, known)
        thinking = details.get("thinking_tokens")
    if known is not NO_USAGE:
        before: tuple[Any, ...] = (*known.counts, known.thinking, known.service_tier, known.speed, known.inference_geo)
        said: tuple[Any, ...] = (uncached, output, read, creation, split_5m, split_1h, thinking, tier, speed, geo)
        uncached, output, read, creation, split_5m, split_1h, thinking, tier, speed, geo = [
            old if new is None else new for old, new in zip(before, said, strict=True)
        ]
    counts = (uncached, output, read, creation, split_5m, split_1h, thinking)
    try:
        # One of them that is negative, or reaches the bound, which is a power of two, makes all their bits so too.
        bits = (
            (uncached or 0) | (output or 0) | (read or 0) | (creation or 0) | (split_5m or 0) | (split_1h or 0)
            | (thinking or 0)
        )  # fmt: skip
        plain = (
            0 <= bits < MAX_COUNT
            and _COUNT_TYPES.issuperset(map(type, counts))
            and tools is None
            and iterations is None
            and credit is None
            and _names.issuperset((tier, speed, geo))
        )
    except TypeError:  # no number where a count belongs, or a list or an object where a name does
        plain = False
    if not plain:
        return _parse_carefully(usage, known)
    # As `Counts.by_type`.
    write_5m, write_1h = split_5m, split_1h
    if creation is not None:
        write_1h = write_1h or 0
        write_5m = max(creation - write_1h, write_5m or 0)
    total = None if uncached is None else uncached + (read or 0) + (write_5m or 0) + (write_1h or 0)
    if not total and output:
        uncached = total = None
    return _new_usage(
        (
            uncached, output, read, write_5m, write_1h, total, _new_counts(counts[:6]), thinking, 0, 0, 0, tier, speed,
            geo, None, None, False, True,
        )
    )  # fmt: skip


def _parse_carefully(usage: object, known: Usage) -> Usage:
    """The same, field by field: for server tools, iterations, credits, and for everything malformed."""
    read = Reader()
    parsed = read.as_object(usage)
    counts = known.counts.updated(parsed, read)
    details = read.as_object(parsed.get("output_tokens_details"))
    tools = read.as_object(parsed.get("server_tool_use"))
    credit = read.as_object(read.as_object(parsed.get("fallback_credit")).get("status"))
    entries = parsed.get("iterations")
    thinking = read.count(details.get("thinking_tokens"), known.thinking)
    others = (
        read.count(tools.get("web_search_requests"), known.web_searches) or 0,
        read.count(tools.get("web_fetch_requests"), known.web_fetches) or 0,
        read.count(tools.get("code_execution_requests"), known.code_executions) or 0,
    )
    names = (
        read.text(parsed.get("service_tier"), known.service_tier),
        read.text(parsed.get("speed"), known.speed),
        read.text(parsed.get("inference_geo"), known.inference_geo),
    )
    fallback_credit = read.text(credit.get("type"), known.fallback_credit)
    iterations = known.iterations if entries is None else _iterations(entries, read)
    if len(_names) < _MAX_NAMES:
        _names.update(names)
    malformed = known.malformed or read.wrong
    plain = not (malformed or iterations or fallback_credit or any(others))
    return _new_usage(
        (*counts.by_type, counts, thinking, *others, *names, fallback_credit, iterations, malformed, plain)
    )


def _iterations(entries: object, read: Reader) -> tuple[Iteration, ...] | None:
    """None also for an empty list: nothing was sampled apart."""
    entries = as_list(entries)
    if entries is None or len(entries) > _MAX_ITERATIONS:
        read.wrong = True
        return None
    iterations = [
        Iteration(
            *Counts().updated(entry, read).by_type,
            read.text(entry.get("type"), None) or "",
            read.text(entry.get("model"), None),
        )
        for entry in map(read.as_object, entries)
    ]
    return tuple(iterations) or None


_PLACEHOLDERS: Final = frozenset({"output_tokens", "output_tokens_details"})
"""What `message_start` has a placeholder for. It is never kept: the real count comes with `message_delta`."""
_INPUT: Final = frozenset({"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation"})
"""All that total input is made of."""


class Diagnosis(NamedTuple):
    """Why the prompt cache missed, as the API says it to who asks: `diagnostics` of a message (anthropic 2.12).

    Attributes:
        reason: the type of `cache_miss_reason`; `pending` for null: the comparison was not over. None: not understood.
        missed_tokens: input tokens that the cache would have given, about; not every reason has them.
    """

    reason: str | None
    missed_tokens: int | None = None


class Response(NamedTuple):
    """What one attempt's body said. `complete` is False while a stream has not sent its stop reason, nor ended."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None
    complete: bool = False
    diagnosis: Diagnosis | None = None


_new_response: Callable[[tuple[Any, ...]], Response] = partial(tuple[Any, ...].__new__, Response)


def parse_message(message: Json, *, complete: bool = True) -> Response:
    """The response that a whole `message` is, or that of a `message_start` begins. Hot path: once per call."""
    get: Callable[[str], Any] = message.get
    message_id, model, stop_reason, usage = get("id"), get("model"), get("stop_reason"), get("usage")
    return _new_response(
        (
            # As `as_text`: an id is another one each time.
            message_id
            if type(message_id) is str and 0 < len(message_id) <= MAX_TEXT and message_id.isprintable()
            else None,
            model if type(model) is str and model in known_texts else as_known_text(model),
            stop_reason
            if stop_reason is None or (type(stop_reason) is str and stop_reason in known_texts)
            else as_known_text(stop_reason),
            None if usage is None else parse_usage(usage),
            complete,
            # Few messages have it: to look for the key is less work than to get nothing.
            _parse_diagnosis(message["diagnostics"]) if "diagnostics" in message else None,
        )
    )


def _parse_diagnosis(diagnostics: object) -> Diagnosis | None:
    """None where it is no object."""
    if (parsed := as_object(diagnostics)) is not diagnostics:
        return None
    reason = parsed.get("cache_miss_reason")
    if reason is None:
        return Diagnosis("pending")
    said = as_object(reason)
    return Diagnosis(as_text(said.get("type")), as_count(said.get("cache_missed_input_tokens")))


def parse_message_start(event: Json) -> Response:
    """The response that a `message_start` begins: its input is known, its output is not."""
    message = as_object(event.get("message"))
    usage = message.get("usage")
    if parsed := as_object(usage):
        usage = {name: value for name, value in parsed.items() if name not in _PLACEHOLDERS}
    return parse_message({**message, "stop_reason": None, "usage": usage}, complete=False)


def merge_message_delta(response: Response, event: Json) -> Response:
    """`response` with what a `message_delta` says in its place. A total input of 0 takes the place of no other."""
    stop_reason = as_text(as_object(event.get("delta")).get("stop_reason"))
    usage = event.get("usage")
    if isinstance(usage, dict) and usage.get("input_tokens") == 0 and not usage.get("iterations"):
        said = parse_usage({name: value for name, value in usage.items() if name in _INPUT})
        # No prompt has 0 tokens. With iterations, the top level can leave out all that was sampled.
        if said.total_input == 0 and not said.malformed:
            usage = {name: value for name, value in usage.items() if name not in _INPUT}
    return Response(
        response.id,
        response.model,
        stop_reason or response.stop_reason,
        response.usage if usage is None else parse_usage(usage, response.usage or NO_USAGE),
        response.complete or stop_reason is not None,
        response.diagnosis,
    )
