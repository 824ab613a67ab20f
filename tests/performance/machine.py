"""What the figures were measured on."""

from __future__ import annotations

import platform
from pathlib import Path


def machine() -> str:
    """Return what this machine calls itself."""
    cpus = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in cpus.splitlines() if "model name" in line]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()
