from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from tests.integration.http.served import Served, serving
from tests.services import KINDS


@pytest.fixture(scope="module", params=KINDS)
async def either(request: pytest.FixtureRequest, mongodb: EmbeddedMongoDB) -> AsyncIterator[Served]:
    """Each of the two services in turn."""
    async with serving(request.param, mongodb) as served:
        yield served
