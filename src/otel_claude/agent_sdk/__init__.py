"""The Claude Agent SDK (`claude-agent-sdk`): what the `claude` program that it runs reports of its tokens and its cost.

The program makes its calls in a process of its own, so nothing of them is seen here; it tells what they used when a
turn ends. These numbers are the program's. They have metrics of their own and are added to none of ours.
"""

from .instrumentor import ClaudeAgentInstrumentor

__all__ = ["ClaudeAgentInstrumentor"]
