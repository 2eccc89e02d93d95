"""`otel-claude export`: dashboards, rules and deployment files for the stack that one already has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..export import TARGETS, ExportError, Options, export
from .output import fail, shown

_TARGETS = ", ".join(TARGETS)


def command(  # noqa: PLR0913, PLR0917 - Typer makes an option of each parameter
    target: Annotated[str, typer.Argument(help=f"One of: {_TARGETS}.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="The directory to write into.", show_default=False)],
    name_style: Annotated[
        str, typer.Option("--naming", help="How the metrics store writes names: underscores, or utf8 with the dots.")
    ] = Options.name_style,
    store: Annotated[
        str, typer.Option("--for", help="What dashboards and rules ask: prometheus, mimir or victoria-metrics.")
    ] = Options.store,
    process_label: Annotated[
        list[str] | None,
        typer.Option(
            "--process-label",
            metavar="LABEL",
            help="A further label of yours that names a process or its host, as node. Sums are recorded without it. "
            "Can be given several times.",
            show_default=False,
        ),
    ] = None,
    monthly_budget: Annotated[
        float, typer.Option("--monthly-budget", help="US dollars in thirty days, all services together.")
    ] = Options.monthly_budget,
    daily_budget: Annotated[
        float, typer.Option("--daily-budget", help="US dollars in 24 hours, all services together.")
    ] = Options.daily_budget,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="TAG=VALUE:USD",
            help="US dollars in thirty days for one value of a tag, as tenant=acme:500. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    grafana_url: Annotated[
        str, typer.Option("--grafana-url", help="Where alerts link to dashboards.")
    ] = Options.grafana_url,
    runbook_url: Annotated[
        str, typer.Option("--runbook-url", help="Where you publish docs/runbooks.md; alerts link to its headings.")
    ] = Options.runbook_url,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write dashboards, rules and deployment files."""
    try:
        options = Options(
            name_style, monthly_budget, daily_budget, grafana_url, runbook_url,
            budgets=tuple(budget or ()), store=store, process_labels=tuple(process_label or ()),
        )  # fmt: skip
        written = export(target, out, options, force=force)
    except ExportError as error:
        fail(str(error))
    for path in written:
        typer.echo(shown(str(path)))
