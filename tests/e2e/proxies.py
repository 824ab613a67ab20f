"""Proxies in front of a service: real ones, with the configurations that the documentation shows.

What differs on this machine (ports, certificates, where files are) is put in the place of what the
files say; nothing else is.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from microservice_chassis.process.parent_death import die_with_parent
from tests.process_tree import wait_for
from tests.services import free_port

HOST = "events.example.org"
CONFIGURATIONS = Path(__file__).parents[2] / "docs" / "proxies"


class Certificate(NamedTuple):
    """A certificate of the names that the configurations have, signed by itself."""

    certificate: Path
    key: Path
    both: Path

    @classmethod
    def make(cls, folder: Path) -> Certificate:
        made = cls(folder / "certificate.pem", folder / "key.pem", folder / "both.pem")
        names = f"subjectAltName=DNS:{HOST},DNS:notifications.example.org"
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ]
        command += ["-nodes", "-days", "2", "-subj", "/CN=EventPost", "-addext", names]
        command += ["-keyout", str(made.key), "-out", str(made.certificate)]
        subprocess.run(command, check=True, capture_output=True)
        made.both.write_bytes(made.certificate.read_bytes() + made.key.read_bytes())
        return made


class Proxy:
    """A running proxy, as a client on the internet sees it."""

    def __init__(self, port: int, certificate: Certificate) -> None:
        self.port = port
        self._context = ssl.create_default_context(cafile=str(certificate.certificate))

    def connect(self) -> http.client.HTTPConnection:
        """A connection with TLS to the name of the service."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sock = self._context.wrap_socket(plain, server_hostname=HOST)
        return connection

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> tuple[int, Mapping[str, str], bytes]:
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Host": f"{HOST}:{self.port}", **headers})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    @property
    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/health/ready")[0] == 200
        except OSError:
            return False


def _caddy(folder: Path, text: str, port: int, certificate: Certificate) -> list[str]:
    # NOTE: a port that is no default one has it serve TLS there alone, and ask nobody for names.
    tls = rf"\1:{port} {{\n\ttls {certificate.certificate} {certificate.key}"
    text = re.sub(r"^(\S+\.example\.org) {", tls, text, flags=re.M)
    path = folder / "Caddyfile"
    path.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)]


def _nginx(folder: Path, text: str, port: int, certificate: Certificate) -> list[str]:
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("/etc/ssl/eventpost.pem", str(certificate.certificate))
    text = text.replace("/etc/ssl/private/eventpost.key", str(certificate.key))
    paths = "".join(
        f"{kind}_temp_path {folder / kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    # NOTE: by itself it gives what root has started to somebody else, who may not write there.
    user = "user root;\n" if os.getuid() == 0 else ""
    ours = f"daemon off;\npid {folder / 'pid'};\nerror_log stderr;\nevents {{}}\n"
    path.write_text(f"{user}{ours}http {{\naccess_log off;\n{paths}{text}}}\n")
    return ["nginx", "-p", str(folder), "-c", str(path)]


def _haproxy(folder: Path, text: str, port: int, certificate: Certificate) -> list[str]:
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}")
    text = text.replace("/etc/ssl/private/eventpost.pem", str(certificate.both))
    path = folder / "haproxy.cfg"
    path.write_text(text)
    return ["haproxy", "-db", "-f", str(path)]


Prepare = Callable[[Path, str, int, Certificate], list[str]]

# By the program: its file in docs/proxies/, and what makes a command of it.
PROXIES: dict[str, tuple[str, Prepare]] = {
    "caddy": ("Caddyfile", _caddy),
    "nginx": ("nginx.conf", _nginx),
    "haproxy": ("haproxy.cfg", _haproxy),
}


def is_installed(program: str) -> bool:
    return shutil.which(program) is not None


@contextmanager
def running(program: str, folder: Path, url: str) -> Iterator[Proxy]:
    """A proxy in front of the events service at a URL."""
    file, prepare = PROXIES[program]
    certificate = Certificate.make(folder)
    text = (CONFIGURATIONS / file).read_text().replace("127.0.0.1:8000", urlsplit(url).netloc)
    proxy = Proxy(free_port(), certificate)
    parent = os.getpid()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            prepare(folder, text, proxy.port, certificate),
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            stdout=log,
            stderr=log,
            preexec_fn=partial(die_with_parent, signal.SIGKILL, parent),
        )
    try:
        wait_for(lambda: proxy.is_ready or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield proxy
    finally:
        process.terminate()
        process.wait(20)
