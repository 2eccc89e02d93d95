"""`python -m otel_claude_demo.workload`."""

import sys

from .program import main

sys.exit(main())
