"""Claude called by LiteLLM, or by httpx itself: what both send passes `httpx.Client.send`.

`patches` sees a request and its response; `requests` says what a request asks of whom; `bodies` follows how a body is
read.
"""

from .instrumentor import ClaudeLiteLLMInstrumentor

__all__ = ["ClaudeLiteLLMInstrumentor"]
