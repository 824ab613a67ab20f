"""Bare applications, served as the services are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from microservice_chassis.process.parent_death import die_with_parent
from tests.services import free_port

PROJECT = Path(__file__).parents[2]


@contextmanager
def served(module: str, log: IO[bytes], **settings: str) -> Iterator[str]:
    """`application` of a module beside this one, with these variables added to the environment.

    Yields its URL; `wait_until_served` tells when it answers.
    """
    port, parent = free_port(), os.getpid()
    address = {"HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "warning"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", f"tests.performance.{module}"],
        cwd=PROJECT,
        env={**os.environ, **address, **settings},
        stderr=log,
        # NOTE: as the services have it; Linux shares the processors out by sessions.
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(signal.SIGTERM, parent),
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_until_served(url: str) -> None:
    """Return when the URL answers 200."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(20, backoff_factor=0.05)))
        session.get(url, timeout=5).raise_for_status()
