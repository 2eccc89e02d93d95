"""What a price is made from and what it is. Knows no prices, no JSON and nothing else of ours.

The protocols describe what the API said (`otel_claude.api` has the values). Counts are disjoint classes of
tokens, and `None` means that the API did not say. Money is integer pico-dollars, 1e-12 USD, everywhere:
every list price with every published modifier is a whole number of them per token, so nothing is rounded.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

PlatformName = Literal["anthropic", "aws", "google_cloud", "vertex", "bedrock", "foundry"]
Status = Literal["exact", "lower_bound", "unpriced"]

PICO_PER_USD = 10**12


class Platform(NamedTuple):
    """Who serves the call: the kind of client, and its region or location where it has one."""

    name: PlatformName
    region: str | None = None


ANTHROPIC = Platform("anthropic")


class Counts(Protocol):
    """One set of billed token counts. None: the API did not say."""

    @property
    def input(self) -> int | None:
        """Uncached input."""
        ...

    @property
    def cache_read(self) -> int | None:
        """Input read from the cache."""
        ...

    @property
    def cache_write_5m(self) -> int | None:
        """Cache writes for five minutes, with those whose time the API did not say."""
        ...

    @property
    def cache_write_1h(self) -> int | None:
        """Cache writes for one hour."""
        ...

    @property
    def output(self) -> int | None:
        """Output, thinking included."""
        ...


class Iteration(Counts, Protocol):
    """One entry of `usage.iterations`."""

    @property
    def type(self) -> str:
        """Such as message, fallback_message, compaction, advisor_message."""
        ...

    @property
    def model(self) -> str | None:
        """The model as the API said it."""
        ...


class Usage(Counts, Protocol):
    """The `usage` of one answer."""

    @property
    def web_searches(self) -> int:
        """Web searches that did not fail."""
        ...

    @property
    def web_fetches(self) -> int:
        """Web fetches."""
        ...

    @property
    def code_executions(self) -> int:
        """Code executions."""
        ...

    @property
    def service_tier(self) -> str | None:
        """The tier as served: standard, batch, priority, or what else the API says."""
        ...

    @property
    def speed(self) -> str | None:
        """The speed as served: standard or fast."""
        ...

    @property
    def inference_geo(self) -> str | None:
        """Where it was served: global, us or not_available."""
        ...

    @property
    def fallback_credit(self) -> str | None:
        """`redeemed`, `not_applied`, or `other` for a status that is not known."""
        ...

    @property
    def iterations(self) -> Sequence[Iteration] | None:
        """The parts that the answer was sampled in. None or empty if the API did not list them."""
        ...

    @property
    def malformed(self) -> bool:
        """Some field had a wrong type or an impossible value, so not all numbers are known."""
        ...


class Answer(Protocol):
    """What one attempt's body said."""

    @property
    def model(self) -> str | None:
        """The model as the API said it."""
        ...

    @property
    def stop_reason(self) -> str | None:
        """Why the model stopped."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What was used."""
        ...

    @property
    def complete(self) -> bool:
        """False for a stream that ended before its final counts: its output is a placeholder."""
        ...


# Charge and Price are named tuples and not frozen dataclasses: they are made once per call, and making
# a frozen dataclass of ten fields takes 1.06 µs where a tuple takes 0.29 µs (Python 3.11).


class Charge(NamedTuple):
    """What one model of a call cost, by class, in pico-dollars."""

    model: str
    """The model as the API said it."""
    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    web_search: int
    savings: int
    """What cache reads cost less than the same tokens as uncached input would have."""
    overhead_5m: int
    """What five-minute cache writes cost more than uncached input would have."""
    overhead_1h: int
    """The same of one-hour cache writes."""

    @property
    def parts(self) -> tuple[int, ...]:
        """What each class cost: input, cache_read, cache_write_5m, cache_write_1h, output, web_search."""
        return self[1:7]

    @property
    def total(self) -> int:
        """The sum over the classes. Savings and overhead are comparisons and not part of it."""
        return sum(self.parts)


class Price(NamedTuple):
    """What an answer cost, or why that is not known."""

    charges: tuple[Charge, ...]
    """Per model, in the order of the answer. Empty if it is free or nothing can be said."""
    reason: str | None
    """Why it is not exact: a key of UNPRICED_REASONS. None if it is exact."""
    status: Status
    table: str
    """The date of the table that priced it; with `+name` if a file of the user's own was merged over it."""

    @property
    def total(self) -> int:
        """Pico-dollars. Of a lower bound, what is sure; 0 for an unpriced answer, so look at status."""
        return sum(charge.total for charge in self.charges)


# Making a named tuple by keyword-less tuple.__new__ takes 0.17 µs where Charge(…) takes 0.27 µs: twice per call.
made_charge: Callable[[tuple[str, int, int, int, int, int, int, int, int, int]], Charge] = partial(
    tuple[Any, ...].__new__, Charge
)
made_price: Callable[[tuple[tuple[Charge, ...], str | None, Status, str]], Price] = partial(
    tuple[Any, ...].__new__, Price
)
