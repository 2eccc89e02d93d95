"""A second service that looks at the sessions of the first: what it hears of must not be counted twice.

Run under `opentelemetry-instrument`, with the address of a simulator.
"""

from __future__ import annotations

import sys

import anthropic

with anthropic.Anthropic(base_url=sys.argv[1], api_key="sk-ant-api03-" + "w" * 80) as client:
    sys.stdout.write(f"{len(list(client.beta.sessions.list()))}\n")
