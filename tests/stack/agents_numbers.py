"""What the scripted agent of `agents_scripted` uses and costs in its one turn that is counted."""

COUNTED = {"input": 300, "cache_read": 5_000, "cache_write": 700, "output": 900}
DOLLARS = 0.0375
