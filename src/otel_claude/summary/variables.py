"""Variables: the summary's environment variables. Also for commands without the SDK: imports nothing."""

from __future__ import annotations

from typing import Final

JSON: Final = "OTEL_CLAUDE_SUMMARY_JSON"
"""The file that the summary is written to, as JSON."""
PROCESS_GROUP: Final = "OTEL_CLAUDE_SUMMARY_PROCESS_GROUP"
"""Set for descendants, as `<pid of the root>:<folder>`. Not for users."""
