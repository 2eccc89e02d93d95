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

__all__ = ["HAS_MIDDLEWARE", "NEWEST", "TRACINGS", "VERSION", "anthropic", "http", "sys"]
