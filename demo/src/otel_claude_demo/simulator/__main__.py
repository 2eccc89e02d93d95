"""`python -m otel_claude_demo.simulator`: the simulator in the foreground. Knows the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from otel_claude_demo.simulator.engine import Pace
from otel_claude_demo.simulator.failures import Refused
from otel_claude_demo.simulator.limits import Limits
from otel_claude_demo.simulator.scenarios import HEADER, SCENARIOS
from otel_claude_demo.simulator.server import Simulator

_ANNOUNCEMENT = """\
A simulated Messages API at {url} (not Claude; every answer says so). Point the SDK to it:

  export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=simulated

The Admin API is there too, with any key that starts with sk-ant-admin: `otel-claude organization --once`.
What was served: {url}/simulator/served
What can be played (request header `{header}`): {url}/simulator/scenarios
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until interrupted."""
    options = _parser().parse_args(arguments)
    if options.list_scenarios:
        sys.stdout.writelines(f"{name:<24}{row.does}\n" for name, row in SCENARIOS.items())
        return 0
    limits = Limits(options.requests, options.input_tokens, options.output_tokens)
    try:
        simulator = Simulator(
            port=options.port,
            host=options.host,
            seed=options.seed,
            limits=limits,
            pace=Pace(options.latency, options.tokens_per_second),
            scenario=options.scenario,
        )
        simulator.run(_announce)
    except (ValueError, OSError, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(_ANNOUNCEMENT.format(url=url, header=HEADER))
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    usual = Limits()
    parser = argparse.ArgumentParser(
        prog="python -m otel_claude_demo.simulator", description="A local server that speaks the Messages API."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    add("--port", type=int, default=8787, help="0 takes a free one (default: %(default)s)")
    add("--seed", type=int, default=0, help="decides texts, counts and ids (default: %(default)s)")
    add("--latency", type=float, default=0.0, help="seconds before the first byte (default: none)")
    add("--tokens-per-second", type=float, default=None, help="the pace of the output (default: at once)")
    add("--requests", type=int, default=usual.requests, help="limit per minute (default: %(default)s)")
    add("--input-tokens", type=int, default=usual.input_tokens, help="limit per minute (default: %(default)s)")
    add("--output-tokens", type=int, default=usual.output_tokens, help="limit per minute (default: %(default)s)")
    add("--scenario", default="", help="played for every request, e.g. slow=0.1,overloaded=1")
    add("--list-scenarios", action="store_true", help="print what can be played")
    return parser


if __name__ == "__main__":
    sys.exit(main())
