"""States in which a document must not be written, whatever else its dator says of it."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from events_microservice.models.event_dator import EventDator
from microservice_chassis.errors import StateConflict
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.refusals import Refusal
from tests.kinds import EVENTS

CLOSED = Refusal({"title": "Closed"}, "It is closed.")


class ClosableDator(EventDator):
    """One that has states, and says nothing of what needs no look."""

    plain: ClassVar[Document] = {}
    unchangeable = (CLOSED,)
    undeletable = (CLOSED,)


async def test_what_must_not_be_written_is_not_where_a_change_needs_no_look(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS._replace(dator_class=ClosableDator).dator(database)
    stored = await dator.insert(dator.schema.parse({**EVENTS.example, "title": "Closed"}))
    identifier = stored.resource.id
    with pytest.raises(StateConflict, match="closed"):
        await dator.replace(identifier, dator.schema.parse(EVENTS.example))
    for patch in (Patch({"title": "Open"}), Patch({"description": "Another text."})):
        with pytest.raises(StateConflict, match="closed"):
            await dator.patch(identifier, patch)
    with pytest.raises(StateConflict, match="closed"):
        await dator.delete(identifier)
    assert await dator.find(identifier) == stored
