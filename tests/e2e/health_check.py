"""What the HEALTHCHECK of the images does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def check(**settings: str) -> tuple[int, str]:
    """The status of a health check with these settings, and what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "microservice_chassis.process.health_check"],
        env={**os.environ, **settings},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return ended.returncode, ended.stderr
