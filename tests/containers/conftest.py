from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from development.containers import PORTS, Container, find_engine
from tests.e2e.conftest import free_port


@pytest.fixture(scope="module", params=PORTS)
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    """Each service in turn, in a container with a volume of its own that go away afterwards."""
    service = request.param
    own = Container(find_engine(), service, f"eventpost-test-{uuid.uuid4()}", free_port())
    try:
        own.run()
        own.wait_until_ready()
        yield own
    finally:
        if own.exists():
            own.remove()
            own.remove_volume()
