from __future__ import annotations

from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from tests.kinds import KINDS, Kind


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def dator(kind: Kind, database: AsyncDatabase[Document]) -> Dator[Any]:
    return kind.dator(database)
