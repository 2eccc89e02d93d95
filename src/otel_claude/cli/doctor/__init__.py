"""`otel-claude doctor`: the command is in `page`, and each other module has checks."""

from .page import command

__all__ = ["command"]
