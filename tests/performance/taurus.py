"""Taurus in an environment of its own, with a JMeter that needs no internet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.performance import jmeter_home
from tests.performance.virtual_environment import python_with

PROJECT = Path(__file__).parents[2]
HOME = PROJECT / ".taurus"
PYTHON = HOME / "venv" / "bin" / "python"
SCRIPTS = (
    PROJECT / "tests" / "performance" / "performance_testing.yml",
    PROJECT / "tests" / "performance" / "without_internet.yml",
)

# The status of bzt where a criterion of the script failed.
_FAILED_CRITERIA = 3


def install() -> None:
    """Make the environment and the JMeter home, unless they are there.

    Raises:
        SystemExit: they cannot be made; the message says why.
    """
    jmeter_home.install(HOME / "jmeter")
    python_with("performance.txt", HOME / "venv")


def run(artifacts: Path, environment: dict[str, str]) -> bool:
    """Run the script with values for its settings.env; return whether it passed its criteria.

    What JMeter measured is in the files kpi*.jtl under `artifacts` afterwards.

    Raises:
        SystemExit: Taurus could not run it.
    """
    options = [
        f"modules.jmeter.path={HOME / 'jmeter' / 'bin' / 'jmeter.sh'}",
        f"settings.artifacts-dir={artifacts}",
        *(f"settings.env.{name}={value}" for name, value in environment.items()),
    ]
    command = [str(PYTHON), "-m", "bzt.cli", "-q", *map(str, SCRIPTS)]
    for option in options:
        command += ["-o", option]
    # NOTE: JMeter leaves a log where it is started.
    status = subprocess.run(command, cwd=HOME, stdout=sys.stderr, check=False).returncode
    if status not in (0, _FAILED_CRITERIA):
        raise SystemExit(f"Taurus ended with status {status}: {artifacts / 'bzt.log'} tells why")
    return status == 0
