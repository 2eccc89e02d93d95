"""The installed SDK: its version, its HTTP library, and which tracing it does by itself."""

import sys

import anthropic

VERSION = tuple(int(part) for part in anthropic.__version__.split(".")[:3])
NEWEST = (2, 12, 0)

if VERSION >= (1, 0):
    import httpx2 as http
else:
    import httpx as http

TRACINGS = ("native", "ours") if VERSION >= (1, 14) else ("ours",)
HAS_MIDDLEWARE = VERSION >= (0, 108)
PYTHON = (
    sys.executable, "-W", "error",
    # OpenTelemetry's API 1.42 and 1.43, at its import by Python 3.10 and 3.11.
    "-W", "ignore:SelectableGroups dict interface is deprecated. Use select.:DeprecationWarning",
)  # fmt: skip
"""What the programs of tests are run by: their warnings are errors."""

__all__ = ["HAS_MIDDLEWARE", "NEWEST", "PYTHON", "TRACINGS", "VERSION", "anthropic", "http", "sys"]
