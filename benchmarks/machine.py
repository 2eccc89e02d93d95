"""Where and what is measured: the machine, the versions, the sources. No names and no paths of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .rounds import Bench
from .variants import PACKAGES, VARIANTS


def about(bench: Bench) -> dict[str, Any]:
    """The beginning of a run's results."""
    return {
        "measured": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": versions(bench),
        "source": source(bench.project),
    }


def machine() -> dict[str, Any]:
    """The processor, memory, system and Python, and how busy it was."""
    return {
        "processor": _line(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory": _memory(),
        # What a distribution adds to its release tells no more of speed.
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions(bench: Bench) -> dict[str, str]:
    """The versions of what is compared."""
    found: dict[str, str] = {}
    for variant in VARIANTS.values():
        wanted = PACKAGES.get(variant.environment, ()) if variant.environment in bench.pythons else ()
        if missing := [name for name in wanted if name not in found]:
            with bench.start(variant) as worker:
                found |= bench.ask(f"{variant.name}, versions", worker, "versions", names=missing) or {}
    return found


def source(project: Path) -> str | None:
    """The commit of the sources that are measured, and whether they were changed since."""
    command = ["git", "-C", project, "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or None


def _memory() -> str:
    kilobytes = _line(Path("/proc/meminfo"), "MemTotal")
    return f"{int(kilobytes.split()[0]) / 1e6:.0f} GB" if kilobytes else "an unknown amount"


def _line(file: Path, name: str) -> str | None:
    """The value of a line `name : value` of a file of the kernel's."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)
