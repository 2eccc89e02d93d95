"""PyInstaller's hook: what a program needs of this package, and no `import` in the program's code leads to.

OpenTelemetry finds by entry points what it loads, and those are in the metadata of distributions. Its own hook (of
pyinstaller-hooks-contrib, which PyInstaller installs) collects providers and exporters; ours adds what instruments.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

from PyInstaller.utils.hooks import collect_data_files, collect_entry_point, copy_metadata

# The price table and its schema.
datas = collect_data_files("otel_claude", includes=["pricing/*.json"])
# Loaded when the program imports an SDK, or where a variable names the exporter.
hiddenimports = [
    "otel_claude.runtime",
    "otel_claude.agent_sdk.counting",
    "otel_claude.patching",
    "otel_claude.sdk.responses",
    "otel_claude.botocore.patches",
    "otel_claude.litellm.patches",
    "otel_claude.summary",
]

for group in ("opentelemetry_distro", "opentelemetry_configurator", "opentelemetry_instrumentor"):
    found, modules = collect_entry_point(group)
    datas += found
    hiddenimports += modules

for distribution in ("otel-claude", "anthropic", "botocore", "claude-agent-sdk", "httpx"):
    # An instrumentor asks which version of what it instruments is there.
    try:
        datas += copy_metadata(distribution)
    except PackageNotFoundError:
        continue
