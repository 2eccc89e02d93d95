"""`otel-claude doctor`: the command in `page`, what it checks in the other modules."""

from .page import command

__all__ = ["command"]
