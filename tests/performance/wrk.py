"""wrk, the load generator: one that is not the bottleneck."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).parent
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Result(NamedTuple):
    """What was measured in one run."""

    requests_per_second: float
    mean_ms: float
    p99_ms: float
    errors: int
    requests: int  # that were answered


class Load:
    """A run of wrk over keep-alive connections, as fast as it goes; `result` waits for its end."""

    def __init__(
        self,
        url: str,
        seconds: int,
        *,
        connections: int = 10,
        threads: int = 1,
        headers: Sequence[str] = (),
        script: str | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """`arguments` are those of the script's `init`."""
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}", "--latency"]
        for header in headers:
            command += ["-H", header]
        if script:
            command += ["-s", str(SCRIPTS / script)]
        command += [url, *(("--", *arguments) if arguments else ())]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self) -> Result:
        """Return what was measured."""
        try:
            said, _ = self._process.communicate()
        except BaseException:
            self._process.kill()
            raise
        return read(said)


def read(said: str) -> Result:
    """Return what wrk said that it measured."""
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    errors = int(failed[1]) if failed else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    return Result(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)[1]),
        _time_ms(r"Latency\s+([\d.]+)(us|ms|s)", said),
        _time_ms(r"99%\s+([\d.]+)(us|ms|s)", said),
        errors,
        int(_found(r"(\d+) requests in", said)[1]),
    )


def _found(pattern: str, said: str) -> re.Match[str]:
    match = re.search(pattern, said)
    assert match, said
    return match


def _time_ms(pattern: str, said: str) -> float:
    match = _found(pattern, said)
    return float(match[1]) * _MS[match[2]]
