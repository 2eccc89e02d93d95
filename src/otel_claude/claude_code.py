"""The settings with which Claude Code exports telemetry that adds up, and what each variable lets out.

As of 2.1.332. `otel-claude export claude-code` writes them, `otel-claude doctor --claude-code` compares with them.
"""

from __future__ import annotations

from typing import Final

TELEMETRY: Final = "CLAUDE_CODE_ENABLE_TELEMETRY"
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
TEMPORALITY: Final = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
INTERVAL: Final = "OTEL_METRIC_EXPORT_INTERVAL"
COLLECTOR: Final = "http://otel-claude-code:4318"
"""To be changed: where the Collector of claude-code.yaml is."""

SETTINGS: Final = {
    TELEMETRY: ("1", "Turns it on."),
    "OTEL_METRICS_EXPORTER": (
        "otlp",
        (
            "Dollars, tokens and sessions, each with the user's id (a hash; with an account its id, the e-mail address "
            "and the organization's id too), the session's id, models, and the kind of terminal. No text."
        ),
    ),
    "OTEL_LOGS_EXPORTER": (
        "otlp",
        (
            "Events: the same of each request and tool, lengths of prompts, names of tools and plugins, and the text "
            "of the API's errors. Prompts and answers are redacted."
        ),
    ),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("http/protobuf", "What the Collector takes on port 4318."),
    ENDPOINT: (COLLECTOR, "Your Collector: everything goes there, and nowhere else."),
    TEMPORALITY: ("delta", "The program's own default. With `cumulative` a resumed session overwrites sums."),
    INTERVAL: ("10000", "Milliseconds. What a session that is killed had not exported is lost: a minute by default."),
}
"""Variable → its value, and what it does or lets out."""
LEAKS: Final = {
    "OTEL_LOG_USER_PROMPTS": "the text of prompts",
    "OTEL_LOG_ASSISTANT_RESPONSES": "the text of answers",
    "OTEL_LOG_TOOL_DETAILS": "commands, paths and arguments of tools, and names of MCP servers",
    "OTEL_LOG_TOOL_CONTENT": "what tools were given and gave back, files included",
    "OTEL_LOG_RAW_API_BODIES": "whole requests and answers of the API",
    "OTEL_METRICS_INCLUDE_REPOSITORY": "names of repositories",
}
"""Variables that these settings leave as they are, and what they let out when they are set."""


def managed_settings(endpoint: str = COLLECTOR) -> dict[str, dict[str, str]]:
    """The managed settings file, which beats the user's own settings and environment."""
    return {"env": {name: value for name, (value, _) in SETTINGS.items()} | {ENDPOINT: endpoint}}


def direct_settings() -> dict[str, dict[str, str]]:
    """The same without a Collector: metrics alone, into VictoriaMetrics, which keeps deltas of each session."""
    env = {name: value for name, (value, _) in SETTINGS.items() if name != "OTEL_LOGS_EXPORTER"}
    del env[ENDPOINT]
    metrics = "http://victoria-metrics:8428/opentelemetry/v1/metrics"
    return {"env": {**env, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": metrics}}
