"""`otel-claude export`: dashboards, rules and deployment files for the stack that one already has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from ..export import TARGETS, ExportError, Options, export
from .arguments import Argument, Option
from .output import fail, shown

_TARGETS = ", ".join(TARGETS)


def command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    target: Annotated[str, Argument("TARGET", f"One of: {_TARGETS}.")],
    out: Annotated[Path, Option("--out", metavar="DIRECTORY", help="The directory to write into.")],
    name_style: Annotated[
        str,
        Option(
            "--naming", metavar="STYLE", help="How the metrics store writes names: underscores, or utf8 with the dots."
        ),
    ] = Options.name_style,
    store: Annotated[
        str,
        Option("--for", metavar="STORE", help="What dashboards and rules ask: prometheus, mimir or victoria-metrics."),
    ] = Options.store,
    process_label: Annotated[
        list[str] | None,
        Option(
            "--process-label",
            metavar="LABEL",
            help="A further label of yours that names a process or its host, as node. Sums are recorded without it. "
            "Can be given several times.",
        ),
    ] = None,
    monthly_budget: Annotated[
        float, Option("--monthly-budget", metavar="USD", help="US dollars in thirty days, all services together.")
    ] = Options.monthly_budget,
    daily_budget: Annotated[
        float, Option("--daily-budget", metavar="USD", help="US dollars in 24 hours, all services together.")
    ] = Options.daily_budget,
    budget: Annotated[
        list[str] | None,
        Option(
            "--budget",
            metavar="TAG=VALUE:USD",
            help="US dollars in thirty days for one value of a tag, as tenant=acme:500. Can be given several times.",
        ),
    ] = None,
    developer_budget: Annotated[
        float, Option("--developer-budget", metavar="USD", help="US dollars in thirty days, each user of Claude Code.")
    ] = Options.developer_budget,
    team_budget: Annotated[
        float, Option("--team-budget", metavar="USD", help="US dollars in thirty days, each team's Claude Code.")
    ] = Options.team_budget,
    savings: Annotated[
        float | None,
        Option(
            "--savings",
            metavar="USD",
            help="An alert says where a service could save so many US dollars a month, exactly. Without: no alert.",
        ),
    ] = None,
    grafana_url: Annotated[
        str, Option("--grafana-url", metavar="URL", help="Where alerts link to dashboards.")
    ] = Options.grafana_url,
    runbook_url: Annotated[
        str,
        Option("--runbook-url", metavar="URL", help="Where you publish docs/runbooks.md; alerts link to its headings."),
    ] = Options.runbook_url,
    force: Annotated[bool, Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write dashboards, rules and deployment files."""
    try:
        options = Options(
            name_style, monthly_budget, daily_budget, grafana_url, runbook_url,
            budgets=tuple(budget or ()), store=store, process_labels=tuple(process_label or ()),
            developer_budget=developer_budget, team_budget=team_budget, savings=savings,
        )  # fmt: skip
        written = export(target, out, options, force=force)
    except ExportError as error:
        fail(str(error))
    for path in written:
        sys.stdout.write(f"{shown(str(path))}\n")
