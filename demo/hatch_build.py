"""Metadata of otel-claude-demo that depends on the runtime's version.

Runs in a checkout alone: the metadata of an sdist is in its PKG-INFO.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VERSION_FILE = "../src/otel_claude/version.py"


class Dependencies(MetadataHookInterface):
    """Writes `dependencies`: this exact version of the runtime, and what the demo needs beside it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds them to the project's metadata."""
        (version,) = re.findall('__version__ = "(.+)"', Path(self.root, VERSION_FILE).read_text(encoding="utf-8"))
        metadata["dependencies"] = [
            f"otel-claude[otlp,anthropic]=={version}",
            # Older versions of the SDK lack some of the shapes of call that the demo shows.
            "anthropic>=0.100,<3",
            "starlette>=0.40",
            "uvicorn>=0.30",
        ]
