"""Variables: what a viewer can choose on a dashboard, the matchers these make, annotations and links."""

from __future__ import annotations

from typing import Any, Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric
from otel_claude.semconv import agents as a
from otel_claude.semconv import claude_code as cc

from ..promql.names import ALERTS, JOB, NameTranslator
from ..promql.queries import LEVEL, LONG, Queries
from ..promql.recorded import HOURS, MINUTES, gauge_name, increase_name
from .panels import About

Json = dict[str, Any]

DATASOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
_HIDDEN: Final = 2
"""Grafana's number for a variable that is not shown."""
TAG: Final = "$tag"
"""The variable that names a label: a tag of the applications, or `job` where they set none."""
ALERT_PREFIX: Final = "Claude"
"""What the names of all our alerts begin with."""
_UNTAGGED: Final[dict[About, str]] = {
    "calls": "rate limits, and times, tokens and cost per call as histograms have them",
    "agents": "sessions and rate limits",
    "claude_code": "nothing",
    "organization": "nothing",
}


_ABSENT: Final[dict[About, frozenset[str]]] = {
    "calls": frozenset({"team"}),
    "agents": frozenset({"team", "model", "key", "library", "budget"}),
    "claude_code": frozenset({"model", "key", "library", "tag", "tag_value", "budget"}),
    "organization": frozenset({"job", "team", "model", "key", "library", "tag", "tag_value", "budget"}),
}
"""The variables that a dashboard does not have."""
_SPENDERS: Final[dict[About, tuple[Metric, ...]]] = {
    "agents": (a.AGENT_RESULTS, a.SESSIONS),
    "claude_code": (cc.CODE_COST, cc.CODE_SESSIONS),
}


def matchers(translator: NameTranslator, about: About = "calls", *, tags: bool = True) -> tuple[str, ...]:
    """The matchers of the variables. The job's comes first.

    `All` is `.*` where a label can be absent (an API key that is not shown, a limit that an agent reported, a call
    without a tag), else `.+`.
    """
    narrowed = {
        "job": translator.match(JOB, "=~", "$job"),
        "team": translator.match(cc.TEAM, "=~", "$team"),
        "model": translator.match(c.REQUEST_MODEL, "=~", "$model"),
        "key": translator.match(c.API_KEY_HINT, "=~", "$key"),
        "library": translator.match(c.CLIENT_LIBRARY, "=~", "$library"),
        "tag_value": translator.match(TAG, "=~", "$tag_value"),
    }
    absent = _ABSENT[about] if tags else _ABSENT[about] | {"tag_value"}
    return tuple(matcher for name, matcher in narrowed.items() if name not in absent)


def variables(queries: Queries, monthly_budget: float, about: About, *, one_job: bool) -> list[Json]:
    """Data source, service, model, key, library, tag and its values, and the monthly budget: those of a dashboard."""
    # A program that reads results of batches alone makes no calls, and one whose calls have no price costs nothing.
    spenders = _SPENDERS.get(about, (c.CALLS, c.COST))
    translator, absent = queries.translator, _ABSENT[about]
    names = [translator.series(metric) for metric in spenders]
    if queries.recorded:
        # The raw series are of each process there was in the range: at 500 pods a choice would take seconds.
        names = [
            gauge_name(metric, "max") if metric.kind == "gauge" else increase_name(metric, MINUTES.name)
            for metric in spenders
        ]
    else:
        absent |= {LEVEL}
    everything = translator.either(names)
    of_job = translator.either(names, translator.match(JOB, "=~", "$job"))
    tag = translator.bare(c.TAG_PREFIX).replace(".", r"\.")
    every: list[Json] = [
        {
            "current": {}, "includeAll": False, "label": "Data source", "multi": False, "name": "datasource",
            "options": [], "query": "prometheus", "refresh": 1, "regex": "", "type": "datasource",
        },
        _query("job", "Service", f"label_values({everything}, {JOB})", many=not one_job, everything=".+"),
        _query("team", "Team", f"label_values({of_job}, {translator.bare(cc.TEAM)})"),
        _query("model", "Model", f"label_values({of_job}, {translator.bare(c.REQUEST_MODEL)})"),
        _query("key", "API key", f"label_values({of_job}, {translator.bare(c.API_KEY_HINT)})"),
        _query(
            "library", "Client library", f"label_values({of_job}, {translator.bare(c.CLIENT_LIBRARY)})",
            about="The library through which an application calls Claude.",
        ),
        _query(
            "tag", "Tag", f"label_names({everything})", many=False, regex=f"/^({tag}.+|{JOB})$/",
            about="A label to split by: any tag that the applications set, or the service.",
        ),
        _query(
            "tag_value", "Value of the tag", f"label_values({of_job}, $tag)",
            about=f"Narrows everything but {_UNTAGGED[about]}, which have no tags.",
        ),
        {
            "current": {"text": _plain(monthly_budget), "value": _plain(monthly_budget)},
            "description": "What the projection is compared with.",
            "label": "Monthly budget, USD", "name": "budget",
            "options": [{"selected": True, "text": _plain(monthly_budget), "value": _plain(monthly_budget)}],
            "query": _plain(monthly_budget), "type": "textbox",
        },
        {
            **_query(
                LEVEL, "", f"query_result({_level()})", many=False, regex=f'/{LEVEL}="([^"]+)"/',
                about="The slots that the time range adds up: of five minutes, or of hours for more than a week.",
            ),
            "current": {"selected": True, "text": MINUTES.name, "value": MINUTES.name}, "hide": _HIDDEN,
        },
    ]  # fmt: skip
    return [variable for variable in every if variable["name"] not in absent]


def _level() -> str:
    """One series, which says in a label which slots the range adds up."""
    hours, minutes = (f'label_replace(vector(1), "{LEVEL}", "{level.name}", "", "")' for level in (HOURS, MINUTES))
    return f"{hours} and on () (vector($__range_s) > {LONG}) or on () {minutes}"


def _query(
    name: str, label: str, query: str, *, many: bool = True, everything: str = ".*", regex: str = "", about: str = ""
) -> Json:
    chosen: Json = {"selected": True, "text": ["All"], "value": ["$__all"]} if many else {}
    return {
        **({"allValue": everything} if many else {}),
        "current": chosen,
        "datasource": DATASOURCE,
        "definition": query,
        "description": about,
        "includeAll": many,
        "label": label,
        "multi": many,
        "name": name,
        "options": [],
        "query": {"qryType": 5, "query": query, "refId": name},
        "refresh": 2,
        "regex": regex,
        "sort": 1,
        "type": "query",
    }


def firing_alerts(translator: NameTranslator) -> list[Json]:
    """Our alerts while they fire."""
    firing = translator.select_name(ALERTS, f'alertname=~"{ALERT_PREFIX}.+"', 'alertstate="firing"')
    return [
        {
            "datasource": DATASOURCE, "enable": True, "expr": firing, "hide": False, "iconColor": "red",
            "name": "Firing alerts", "step": "60s", "tagKeys": "severity,job", "textFormat": "{{job}}",
            "titleFormat": "{{alertname}}",
        }
    ]  # fmt: skip


def links(tag: str) -> list[Json]:
    """The other dashboards, with the same time range and choices."""
    return [
        {
            "asDropdown": False, "icon": "external link", "includeVars": True, "keepTime": True, "tags": [tag],
            "targetBlank": False, "title": "Claude", "tooltip": "The other dashboards of otel-claude",
            "type": "dashboards", "url": "",
        }
    ]  # fmt: skip


def _plain(number: float) -> str:
    return f"{number:g}" if number < 1e6 else str(int(number))  # noqa: PLR2004 - from here `g` writes an exponent
