"""Seams: where the anthropic SDK is seen. The only package that knows its internals; it decides nothing.

One table of functions through which every call passes, on sync and async clients and on every platform's, whatever
method began it: `create`, `stream`, `parse`, `tool_runner`, beta, raw and streaming responses, `client.post`. They
stand with these names and arguments in every version from 0.40.0 to 2.12.0. Beside the set that was known to suffice,
`_build_request` is among them: it is sync in both clients, runs once for every attempt before it is sent, hops of a
fallback included, and has the SDK's own span current. So attempts are counted where they are made, each request
carries its attempt in its `extensions` (which outlive responses that a middleware rebuilds), and a call that never
gets an answer still has its span.
"""

from .patches import Seams
from .replacements import Listeners, Overhear

__all__ = ["Listeners", "Overhear", "Seams"]
