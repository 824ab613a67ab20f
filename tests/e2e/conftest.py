from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services import KINDS, Service, service


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Service]]:
    """Both services with 7 workers each and a MongoDB of their own, for the whole run."""
    log = (tmp_path_factory.mktemp("log") / "services.log").open("wb")
    services = {name: service(name, tmp_path_factory.mktemp(name), log) for name in KINDS}
    with log, services["events"].process as events, services["notifications"].process as others:
        events.wait_until_ready()
        others.wait_until_ready()
        yield services


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, running: dict[str, Service]) -> Service:
    """Each of the two services in turn."""
    return running[request.param]


@pytest.fixture
def events(running: dict[str, Service]) -> Service:
    return running["events"]


@pytest.fixture
def notifications(running: dict[str, Service]) -> Service:
    return running["notifications"]
