"""What an agent with a subscription is told, and an API key's never is: changes of limits, and a turn without usage.

Run under `opentelemetry-instrument`, in an environment of the Claude Agent SDK, with a folder to work in. The SDK is
the real one; the program that it runs says what is written here.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "agent_sdk"))
from agent_support import SONNET, Program, by_client, by_query, rate_limit, result, usage  # noqa: E402 - path above
from agents_numbers import COUNTED, DOLLARS  # noqa: E402

HOURS = 3600.0
WARNING = {"status": "allowed_warning", "rateLimitType": "five_hour", "utilization": 0.91}
REJECTED = {"status": "rejected", "rateLimitType": "seven_day", "utilization": 1.0}


def main() -> None:
    program, now = Program(Path(sys.argv[1])), time.time()
    tokens = tuple(COUNTED[name] for name in ("input", "cache_read", "cache_write", "output"))
    counted = {SONNET: usage(tokens, DOLLARS)}
    turn = [rate_limit(**WARNING, resetsAt=now + 2 * HOURS), result(counted, turn=tokens)]
    asyncio.run(by_client(program.options(turn), "hello"))
    asyncio.run(by_query(program.options([rate_limit(**REJECTED, resetsAt=now + 50 * HOURS), result()])))
    time.sleep(2.5)  # so that there is more than one export


main()
