"""What PyInstaller needs to freeze a program that has otel-claude in it. Found by the entry point `pyinstaller40`."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The folder of the hooks. PyInstaller is never run from an archive, so that is a path."""
    return [str(Path(__file__).parent)]
