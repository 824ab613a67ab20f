"""Virtual environments beside the project's own, for tools whose packages it must not get."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def python_with(requirements: str, directory: Path) -> Path:
    """Return a Python that has what a file in requirements/ names.

    Its environment is made in `directory`, and made again when the file has changed.

    Raises:
        SystemExit: it cannot be made; the message says why.
    """
    wanted = PROJECT / "requirements" / requirements
    python = directory / "bin" / "python"
    installed = directory / "installed.txt"
    if installed.exists() and installed.read_text() == wanted.read_text():
        return python
    what, where = wanted.relative_to(PROJECT), directory.relative_to(PROJECT)
    sys.stderr.write(f"installing {what} into {where}\n")
    for command in (
        (sys.executable, "-m", "venv", "--clear", str(directory)),
        (str(python), "-m", "pip", "install", "-qq", "-r", str(wanted)),
    ):
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(f"{what} could not be installed: the lines above say why")
    installed.write_text(wanted.read_text())
    return python


def python_for_plots() -> Path:
    """Return a Python that has matplotlib.

    Raises:
        SystemExit: its environment cannot be made; the message says why.
    """
    return python_with("plots.txt", PROJECT / ".plots")
