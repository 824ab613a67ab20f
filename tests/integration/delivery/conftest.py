from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import Document
from tests.integration.delivery.post import Post
from tests.services import free_port
from tests.smtp_server import SmtpServer


@pytest.fixture(scope="module")
def smtp_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """A real SMTP server for a module of tests."""
    with SmtpServer(free_port(), tmp_path_factory.mktemp("smtp")) as server:
        yield server


@pytest.fixture
def smtp(smtp_process: SmtpServer) -> SmtpServer:
    """An SMTP server that accepts what it is given, until a test says otherwise."""
    smtp_process.behave("accept")
    return smtp_process


@pytest.fixture
def post(database: AsyncDatabase[Document]) -> Post:
    return Post(database)
