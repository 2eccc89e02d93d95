"""Totals: what is new in a result, of a program that may tell only running totals. Knows neither SDK nor OpenTelemetry.

Seen with claude 2.1.85 to 2.1.330: `modelUsage` and `total_cost_usd` add up over the turns of a process. Up to 2.1.257
they begin at zero when a session is resumed, later they go on from what its transcript saved, forks included. `/clear`
sets them to zero since then. Since 2.1.309 a result also tells what came since the last one, and that is what counts.
"""

from __future__ import annotations

from typing import Final

from .messages import NOTHING, ModelUsage, Result, Usages

_MAX_SESSIONS: Final = 1_000


Sessions = dict["str | None", Usages]
"""The totals that each session had when this process last saw it, the one that was seen longest ago first."""


class Connection:
    """One run of the program. `resumes`: the session it goes on with, `""` if that is not known, None for a new one."""

    def __init__(self, sessions: Sessions, resumes: str | None) -> None:
        self._sessions = sessions
        self._resumes = resumes
        self._before: Usages | None = {} if resumes is None else None

    def reset(self) -> None:
        """The conversation was replaced by an empty one, and the totals begin at zero."""
        self._before = {}

    def since_last_result(self, result: Result) -> Usages | None:
        """What came since the last result. None: it cannot be told from what came before."""
        totals, before = result.totals, self._before
        if totals is not None:
            self._before = totals
            known: list[Usages | None] = [{}, *map(self._sessions.get, (result.session_id, self._resumes))]
            if result.session_id is not None:
                self._sessions.pop(result.session_id, None)
                self._sessions[result.session_id] = totals
                if len(self._sessions) > _MAX_SESSIONS:
                    self._sessions.pop(next(iter(self._sessions)), None)
            if result.new is None:
                return _since(before, totals) if before is not None else _first(totals, known, result.turn)
        return result.new


def _first(totals: Usages, known: list[Usages | None], turn: tuple[int, ...] | None) -> Usages | None:
    """What is new in the first result of a resumed session: what just adds up to what its turn says it used."""
    for before in known:
        if before is not None and turn is not None:
            new = _since(before, totals)
            if _together(new) == turn:
                return new
    return None


def _since(before: Usages, totals: Usages) -> Usages:
    """Totals that have become smaller began at zero again."""
    new: dict[str, ModelUsage] = {}
    for model, usage in totals.items():
        *counts, provider = usage
        earlier = before.get(model, NOTHING)[:-1]
        new[model] = ModelUsage(*[now - then for now, then in zip(counts, earlier, strict=True)], provider=provider)
    began_again = any(min(usage[:-1]) < 0 for usage in new.values()) or before.keys() - totals.keys()
    return totals if began_again else new


def _together(usages: Usages) -> tuple[int, ...]:
    listed = [
        (usage.input, usage.cache_read, usage.cache_write + usage.cache_write_5m + usage.cache_write_1h, usage.output)
        for usage in usages.values()
    ]
    return tuple(map(sum, zip(*listed, strict=True))) if listed else (0, 0, 0, 0)
