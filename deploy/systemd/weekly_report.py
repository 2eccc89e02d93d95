"""Posts what Claude cost in the last week, and why that changed, to a chat's webhook: one message of Slack's form.

    python weekly_report.py --webhook-file FILE --prometheus URL [--bearer-token-file FILE ...]

The week is the last whole one, from Monday to Monday (UTC). Asks `otel-claude spend`, `explain` and, where there is
one, `advise`, and passes on all other options: how a server is reached, and --where. Uses the standard library alone.
The address of a webhook is a secret: it comes from a file, and is never printed.

Exit code: 0, or 2 and one sentence: then nothing was posted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

SCHEMA = 1
CAUSES = {
    # More than before, and less.
    "calls": ("more calls", "fewer calls"),
    "input": ("longer inputs", "shorter inputs"),
    "output": ("longer outputs", "shorter outputs"),
    "thinking": ("more thinking", "less thinking"),
    "cache": ("the cache saves less", "the cache saves more"),
    "price": ("a higher price per token", "a lower price per token"),
    "web_search": ("more web searches", "fewer web searches"),
    "new": ("new", "new"),
    "gone": ("gone", "gone"),
}
MOST = 5
"""Lines of each kind."""
CENT = Decimal("0.01")


class ReportError(Exception):
    """Nothing is posted. The text is one sentence without a secret, or empty where it was written already."""


def answer_of(command: str, *options: str) -> dict[str, Any]:
    """What a command of otel-claude answers. Its own sentence about a failure goes to stderr."""
    ran = subprocess.run(
        [sys.executable, "-m", "otel_claude.cli", command, "--json", *options], stdout=subprocess.PIPE, check=False
    )
    if ran.returncode:
        raise ReportError
    said: dict[str, Any] = json.loads(ran.stdout)
    if said["schema"] != SCHEMA:
        raise ReportError(f"otel-claude {command} answers by schema {said['schema']}, and this script knows {SCHEMA}")
    return said


def answer_or_none(command: str, *options: str) -> dict[str, Any] | None:
    """The same, or nothing where there is no answer: the report goes without."""
    try:
        return answer_of(command, *options)
    except ReportError as error:
        say(error)
        return None


def say(error: ReportError) -> None:
    """A line on stderr."""
    if str(error):
        sys.stderr.write(f"weekly_report: {error}\n")


def has_advice() -> bool:
    """Whether this otel-claude has `advise`."""
    command = [sys.executable, "-m", "otel_claude.cli", "advise", "--help"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def message(spend: dict[str, Any], explain: dict[str, Any] | None, advise: dict[str, Any] | None) -> str:
    """The report, in the form in which Slack and what is compatible with it write text."""
    start, end = (datetime.fromisoformat(spend[each][:10]) for each in ("from", "to"))
    days = f"{start:%Y-%m-%d} to {end - timedelta(days=1):%Y-%m-%d} (UTC)"
    lines = [f"*Claude, {days}: {dollars(spend['usd'])}*{compared(explain) if explain else ''}"]
    lines += [f"• {row_name(row)}: {dollars(row['usd'])} ({Decimal(row['share'] or 0):.1%})" for row in spend["rows"]]
    if spend["unpriced_calls"]:
        lines.append(f"{spend['unpriced_calls']:,} calls have no exact price, and are missing in whole or in part.")
    if explain is None:
        lines.append("Why it changed cannot be said; the log of this report says what is missing.")
    else:
        found = [cause for cause in explain["causes"] if abs(Decimal(cause["usd"])) >= CENT][:MOST]
        lines += ["*Why it changed*", *map(cause_line, found)] if found else []
    advice: list[dict[str, Any]] = advise["advice"][:MOST] if advise else []
    lines += ["*Where to save*", *map(advice_line, advice)] if advice else []
    return "\n".join(lines)


def compared(explain: dict[str, Any]) -> str:
    """The change against the week before, and whether such a week is normal."""
    before, change = Decimal(explain["before"]["usd"]), Decimal(explain["change_usd"])
    text = f", {dollars(change, sign=True)}{f' ({change / before:+.1%})' if before else ''} against the week before"
    normal = explain["normal"]
    if normal["is_normal"] is None:
        return f"{text}."
    low, high = (dollars(edge(map(Decimal, normal["periods_usd"]))) for edge in (min, max))
    place = "normal" if normal["is_normal"] else "not normal"
    return f"{text}. That is {place}: the last {len(normal['periods_usd'])} weeks cost {low} to {high}."


def row_name(row: dict[str, Any]) -> str:
    """A row's service, or how many services it stands for."""
    return f"{row['others']} others" if "others" in row else plain(row["job"])


def cause_line(cause: dict[str, Any]) -> str:
    """A cause, its dollars, and the place where most of them are."""
    usd, where = Decimal(cause["usd"]), cause["where"]
    name = CAUSES.get(cause["cause"], (cause["cause"],) * 2)[usd < 0]
    place = max(where, key=lambda each: abs(Decimal(each["usd"])), default=None)
    at = f", most of all {plain(place['job'])} with {plain(place['model'])}" if place else ""
    return f"• {dollars(usd, sign=True)}: {plain(name)}{at}"


def advice_line(advice: dict[str, Any]) -> str:
    """What to change, and what that is worth."""
    where = ", ".join(plain(value) for value in (advice["certainty"], *advice["where"].values()) if value)
    return f"• {dollars(advice['usd_per_month'])} a month ({where}): {plain(advice['change'])}"


def dollars(amount: Any, *, sign: bool = False) -> str:
    """An amount to the cent."""
    usd = Decimal(amount)
    return f"{'-' if usd < 0 else '+' if sign else ''}${abs(usd):,.2f}"


def plain(text: Any) -> str:
    """A text as a chat shows it: no link, no mention, on one line."""
    words = " ".join(str("(not known)" if text is None else text).split())[:300]
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def webhook_of(file: Path) -> str:
    """The address of the webhook."""
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ReportError(f"--webhook-file {file}: {why}") from None
    if len(lines) != 1 or not lines[0].startswith(("https://", "http://")):
        raise ReportError(f"--webhook-file {file}: it must have the address of the webhook alone, as https://...")
    return lines[0]


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None


def post(webhook: str, text: str) -> None:
    """Sends the message. What the webhook answers is not shown: it may repeat the address."""
    try:
        body = json.dumps({"text": text}).encode()
        request = Request(webhook, body, {"Content-Type": "application/json"})  # noqa: S310 - the scheme was checked
        with build_opener(_NoRedirect).open(request, timeout=30):
            return
    except HTTPError as error:
        error.close()
        raise ReportError(f"the webhook refuses the message ({error.code})") from None
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__
        raise ReportError(f"the webhook does not answer: {why}") from None


def report(webhook_file: Path, options: list[str]) -> None:
    """Asks, and posts."""
    webhook = webhook_of(webhook_file)
    now = datetime.now(timezone.utc)
    end = now.date() - timedelta(days=now.weekday())
    week = ["--from", str(end - timedelta(days=7)), "--to", str(end), *options]
    spend = answer_of("spend", "--by", "job", "--top", str(MOST), *week)
    post(
        webhook,
        message(spend, answer_or_none("explain", *week), answer_or_none("advise", *week) if has_advice() else None),
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Posts what Claude cost in the last week.", allow_abbrev=False)
    parser.add_argument("--webhook-file", type=Path, required=True, metavar="FILE", help="A file with its address.")
    chosen, options = parser.parse_known_args()
    try:
        report(chosen.webhook_file, options)
    except ReportError as error:
        say(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
