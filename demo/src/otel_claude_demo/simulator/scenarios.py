"""The scenarios: what a request can ask the simulator to play, in one table that documents and validates.

Asked for by the header `x-simulator-scenario: name[=argument][,name…]`, by the model's name
(`claude-sonnet-5-5+overloaded=1+output=50`; the suffix is not in the answer), or for all requests by the server's
`scenario`. Later ones win: server, model, header.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from otel_claude_demo.simulator.failures import FAILURES, Refused, invalid

HEADER = "x-simulator-scenario"

Argument = Literal["none", "times", "count", "seconds", "word"]


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the table."""

    name: str
    does: str
    argument: Argument = "none"
    default: str = ""
    """The argument's value where none is given; empty for `times`, which then means always."""
    words: tuple[str, ...] = ()
    """What a `word` can be; empty: any."""


def _fails(name: str, does: str) -> Effect:
    return Effect(name, f"{does}. With =N only the first N attempts of a call", "times")


_TABLE = (
    _fails("rate_limit", "429 rate_limit_error with retry-after"),
    _fails("ramp_limit", "429 ramp_limit_exceeded with retry-after"),
    _fails("spend_limit", "429 enforced_spend_limit_reached, without retry-after"),
    _fails("contract_limit", "429 contract_spend_limit_reached, without retry-after"),
    _fails("own_limit", "400, the organization's own spend limit"),
    _fails("workspace_limit", "400, the workspace's own spend limit"),
    _fails("credit_balance", "400, the credit balance is too low"),
    _fails("billing_error", "402 billing_error"),
    _fails("bad_key", "401 authentication_error"),
    _fails("permission", "403 permission_error"),
    _fails("unknown_model", "404 not_found_error"),
    _fails("invalid_request", "400 invalid_request_error"),
    _fails("too_large", "413 request_too_large"),
    _fails("api_error", "500 api_error"),
    _fails("timeout_error", "504 timeout_error"),
    _fails("overloaded", "529 overloaded_error"),
    _fails("compaction_unavailable", "529 compaction_unavailable"),
    _fails("bad_gateway", "502 with a proxy's HTML page"),
    _fails("disconnect", "The headers, then a lost connection before any of the body"),
    _fails("hang", "No answer at all, until the client gives up"),
    Effect("retry_after", "The retry-after of a played failure", "seconds", "1"),
    Effect("latency", "Wait so long before the answer", "seconds", "0.1"),
    Effect("slow", "Wait so long before each event of a stream", "seconds", "0.05"),
    Effect("cut", "Lose the connection after N deltas of a stream, or in the middle of a plain body", "count", "2"),
    Effect("no_stop", "End a stream cleanly after N deltas, without message_stop", "count", "2"),
    Effect("stream_error", "An `error` event (overloaded_error) after N deltas of a stream", "count", "2"),
    Effect("stall", "Send N deltas of a stream, then nothing until the client gives up", "count", "2"),
    Effect("unknown_events", "Events and deltas of unknown types in a stream"),
    Effect("early_events", "Events before message_start"),
    Effect("delta_bare", "message_delta's usage has output_tokens alone"),
    Effect("delta_nulls", "message_delta's usage has null for every count but output_tokens"),
    Effect("usage_absent", "No usage anywhere"),
    Effect("usage_null", "usage is null"),
    Effect("usage_wrong", "usage has values of wrong types"),
    Effect("usage_sparse", "usage has input_tokens and output_tokens alone, as answers of long ago"),
    Effect("output", "The text is N tokens long, if max_tokens allows", "count", "50"),
    Effect(
        "refusal",
        "stop_reason refusal: `early` before any output, `late` after some; with `fallbacks` the first of them serves",
        "word",
        "early",
        ("early", "late"),
    ),
    Effect(
        "stop",
        "Another stop_reason",
        "word",
        "pause_turn",
        ("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "model_context_window_exceeded"),
    ),
    Effect("searches", "A server tool that is offered is used N times", "count", "1"),
    Effect("iterations", "usage.iterations, also where the answer is a single one"),
    Effect("compaction", "A compaction block and its iteration"),
    Effect("advisor", "An advisor's answer and its iteration, by the model named", "word", "claude-opus-5-5"),
    Effect("fallback", "The asked model declines before output, the model named serves", "word", "claude-sonnet-5"),
    Effect("fallback_late", "As fallback, but declined after some output", "word", "claude-sonnet-5"),
    Effect("credit_not_applied", "A fallback credit token presented is not redeemed"),
    Effect("priority", "service_tier priority, and the priority limits' headers"),
    Effect("fast_limits", "The fast limits' headers, also without speed: fast"),
    Effect("unified", "The headers of a subscription's limits instead of the others"),
    Effect("no_limits", "No rate-limit headers"),
    Effect("us", "inference_geo us, as a workspace's default sets it"),
    Effect("batch_delay", "A batch takes so long to end", "seconds", "1"),
    Effect("batch_expired", "This request of a batch expires (by the model's suffix)"),
)
SCENARIOS: dict[str, Effect] = {effect.name: effect for effect in _TABLE}
"""All scenarios by name, in the order of the documentation."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The scenarios chosen for one request, with their arguments."""

    chosen: tuple[tuple[str, str], ...] = ()

    def __contains__(self, name: str) -> bool:
        return any(chosen == name for chosen, _ in self.chosen)

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" if value else name for name, value in self.chosen)

    def word(self, name: str) -> str | None:
        """The argument, if the scenario is played."""
        return dict(self.chosen).get(name)

    def count(self, name: str) -> int | None:
        """The argument as a number."""
        value = self.word(name)
        return None if value is None else int(value)

    def seconds(self, name: str) -> float | None:
        """The argument as seconds."""
        value = self.word(name)
        return None if value is None else float(value)

    def fails(self, name: str, attempt: int) -> bool:
        """Whether this failure is played on this attempt of the call."""
        times = self.word(name)
        return times is not None and (times == "" or attempt < int(times))

    def refuse(self, attempt: int) -> None:
        """Raise `Refused` with the error answer to give on this attempt, if there is one."""
        for name, _ in self.chosen:
            if name in FAILURES and self.fails(name, attempt):
                failure, wait = FAILURES[name], self.seconds("retry_after")
                raise Refused(failure if wait is None else failure.after(wait))


def parse_scenario(*texts: str) -> Scenario:
    """Read scenarios as written; raises `Refused` with a 400 that names those accepted."""
    chosen: dict[str, str] = {}
    for part in ",".join(texts).replace("+", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name:
            chosen[name] = _checked(name, value.strip())
    return Scenario(tuple(chosen.items()))


def split_model(model: str) -> tuple[str, str]:
    """A model's name without its suffix, and the suffix."""
    name, _, suffix = model.partition("+")
    return name, suffix


def _checked(name: str, value: str) -> str:
    effect = SCENARIOS.get(name)
    if effect is None:
        raise invalid(f"simulator: unknown scenario {name!r}; accepted are: {', '.join(SCENARIOS)}")
    value = value or effect.default
    if effect.argument == "none" and value:
        raise invalid(f"simulator: scenario {name!r} takes no argument")
    if effect.argument in {"times", "count"} and value and not value.isdecimal():
        raise invalid(f"simulator: scenario {name!r} takes a whole number, not {value!r}")
    if effect.argument == "seconds" and not _is_seconds(value):
        raise invalid(f"simulator: scenario {name!r} takes seconds, not {value!r}")
    if effect.words and value not in effect.words:
        raise invalid(f"simulator: scenario {name!r} takes one of {', '.join(effect.words)}, not {value!r}")
    return value


def _is_seconds(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and float(value) >= 0
    except ValueError:
        return False
