"""What Grafana does with a dashboard before it queries: fills in variables and intervals."""

from __future__ import annotations

import json
import re
from pathlib import Path

DASHBOARDS = Path(__file__).parents[2] / "deploy/grafana/dashboards"
ALL = {
    "job": ".+", "team": ".*", "model": ".*", "key": ".*", "library": ".*", "tag": "claude_tag_feature",
    "tag_value": ".*", "budget": "5000", "level": "5m", "__interval_ms": "300000",
}  # fmt: skip
ORGANIZATION = "otel-claude-organization"
"""The dashboard about what Anthropic reports: `test_live_organization` fills it."""
AGENTS = "otel-claude-agents"
"""The dashboard about what agents report: `test_live_agents` fills it."""
CLAUDE_CODE = "otel-claude-code"
"""The dashboard about Claude Code: `test_live_claude_code` fills it."""
CALLS = ("otel-claude-limits", "otel-claude-savings", "otel-claude-service", "otel-claude-usage")
"""Those about calls: `test_live_chain` fills them."""


def dashboards(folder=DASHBOARDS):
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets(folder=DASHBOARDS, of=None):
    """(dashboard's uid, panel, target) for each query, of all dashboards or of some."""
    return [
        (uid, panel, target)
        for uid, dashboard in dashboards(folder).items()
        if of is None or uid in of
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def filled(text, *, range_="1h", interval="5m", **chosen):
    """A query as Grafana sends it. A variable that is not known stays, and the query fails."""
    values = {"__range": range_, "__interval": interval, **ALL, **chosen}

    def fill(match):
        name = match[1] or match[2]
        return values.get(name, match[0])

    return re.sub(r"\$\{(\w+)\}|\$(\w+)", fill, text)
