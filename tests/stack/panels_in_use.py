"""What Grafana does with a dashboard before it queries: fills in variables and intervals."""

from __future__ import annotations

import json
import re
from pathlib import Path

DASHBOARDS = Path(__file__).parents[2] / "deploy/grafana/dashboards"
ALL = {"job": ".+", "model": ".*", "key": ".*", "tag": "claude_tag_feature", "tag_value": ".*", "budget": "5000"}


ORGANIZATION = "otel-claude-organization"
"""The dashboard about what Anthropic reports, which no workload fills: `test_stack_organization` is about it."""


def dashboards(folder=DASHBOARDS, *, organization=False):
    paths = [path for path in sorted(folder.glob("*.json")) if organization or path.stem != ORGANIZATION]
    return {path.stem: json.loads(path.read_text()) for path in paths}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets(folder=DASHBOARDS):
    """(dashboard's uid, panel, target) for each query."""
    return [
        (uid, panel, target)
        for uid, dashboard in dashboards(folder).items()
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def filled(text, *, range_="1h", interval="5s", rate="1m", **chosen):
    """A query as Grafana sends it. A variable that is not known stays, and the query fails."""
    values = {"__range": range_, "__interval": interval, "__rate_interval": rate, **ALL, **chosen}

    def fill(match):
        name = match[1] or match[2]
        return values.get(name, match[0])

    return re.sub(r"\$\{(\w+)\}|\$(\w+)", fill, text)
