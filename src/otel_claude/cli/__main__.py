"""`python -m otel_claude.cli`."""

from . import main

main()
