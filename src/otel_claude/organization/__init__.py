"""What Anthropic says that an organization used and was billed: read from the Admin API, exported as gauges.

A process of its own, started by the user; nothing of it runs inside an instrumented application. Values are recomputed
at each poll, so a restart loses nothing and counts nothing twice. Needs the extra `organization`.
"""
