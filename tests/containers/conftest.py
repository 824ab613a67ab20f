from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from development.containers import PORTS, Container, find_engine
from tests.services import free_port


@pytest.fixture(scope="module", params=PORTS)
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    """Each service in turn, in a container with a volume, both of which go away afterwards."""
    service = request.param
    started = Container(find_engine(), service, f"eventpost-test-{uuid.uuid4()}", free_port())
    try:
        started.run()
        started.wait_until_ready()
        yield started
    finally:
        if started.exists():
            started.remove()
            started.remove_volume()
