"""What a dator asks of MongoDB: one operation for each method, found by the index of ids."""

from __future__ import annotations

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import connect
from tests.commands import Commands
from tests.examples import EVENT
from tests.kinds import EVENTS, Kind


async def test_each_method_is_one_operation_found_by_the_index_of_ids(
    kind: Kind, mongodb: EmbeddedMongoDB
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        database = client["operations"]
        dator = kind.dator(database)
        await dator.codec()
        commands.names.clear()
        resource = dator.schema.parse(kind.example)
        identifier = (await dator.insert(resource)).resource.id
        await dator.insert(resource)
        assert commands.names == ["insert", "insert"]
        cursor = (await dator.page(dator.query(limit=1))).next
        # What is searched follows from the whole event.
        patch = ["find", "findAndModify"] if kind is EVENTS else ["findAndModify"]
        for method, operations in (
            (dator.find(identifier), ["find"]),
            (dator.page(dator.query(limit=10, cursor=cursor)), ["find"]),
            (dator.check(), ["findAndModify"]),
            (dator.replace(identifier, resource), ["findAndModify"]),
            (dator.patch(identifier, Patch({kind.text: "Another text"})), patch),
            (dator.delete(identifier), ["findAndModify"]),
        ):
            commands.names.clear()
            await method
            assert commands.names == operations
            parts = {"lsid", "$db", "txnNumber", "readConcern"}
            asked = {name: part for name, part in commands.last.items() if name not in parts}
            explained = await database.command("explain", asked)
            plan = str(explained["queryPlanner"]["winningPlan"])
            assert "IDHACK" in plan or "'indexName': '_id_'" in plan
            assert "COLLSCAN" not in plan


async def test_the_time_limit_of_a_write_concern_does_not_count(mongodb: EmbeddedMongoDB) -> None:
    commands = Commands()
    async with connect(f"{mongodb.uri}/?wTimeoutMS=1", [commands]) as client:
        dator = EVENTS.dator(client["operations"])
        identifier = (await dator.insert(dator.schema.parse(EVENT))).resource.id
        assert commands.last["writeConcern"] == {"w": "majority", "j": True}
        await dator.delete(identifier)
        assert commands.last["writeConcern"] == {"w": "majority", "j": True}


async def test_a_patch_on_which_derived_members_depend_looks_first(
    mongodb: EmbeddedMongoDB,
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        dator = EVENTS.dator(client["operations"])
        identifier = (await dator.insert(dator.schema.parse(EVENT))).resource.id
        commands.names.clear()
        await dator.patch(identifier, Patch({"time": "10:00:00"}))
        assert commands.names == ["find", "findAndModify"]
