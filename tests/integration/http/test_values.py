"""Addresses and zones: what a setting allows, and what was accepted once."""

from __future__ import annotations

import json

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import connect
from tests.examples import EVENT, NOTIFICATION
from tests.integration.http.served import problem, serving


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_setting_allows_hosts_without_a_dot(
    mongodb: EmbeddedMongoDB, allowed: bool
) -> None:
    document = {**NOTIFICATION, "to_mail": "root@localhost"}
    async with serving("notifications", mongodb, mail_allow_bare_hosts=allowed) as served:
        path = await served.create()
        for method, target in (("POST", served.collection), ("PUT", path), ("PATCH", path)):
            answer = await served.worker.request(method, target, json.dumps(document).encode())
            if allowed:
                assert json.loads(answer.body)["to_mail"] == "root@localhost"
            else:
                (error,) = problem(answer, 422)["errors"]
                assert error["detail"].endswith("a host without a dot is not accepted")


async def test_an_address_that_was_accepted_once_stays_readable(mongodb: EmbeddedMongoDB) -> None:
    document = {**NOTIFICATION, "to_mail": "root@localhost"}
    name = "test-addresses"
    async with serving(
        "notifications", mongodb, mail_allow_bare_hosts=True, mongodb_database=name
    ) as served:
        body = json.dumps(document).encode()
        created = await served.worker.request("POST", served.collection, body)
    async with serving("notifications", mongodb, mongodb_database=name) as served:
        path = created.headers["location"]
        found = await served.worker.request("GET", path)
        assert found.body == created.body
        patched = await served.worker.request("PATCH", path, b'{"subject": "Another subject"}')
        assert json.loads(patched.body)["to_mail"] == "root@localhost"


async def test_a_zone_that_was_accepted_once_stays_readable(mongodb: EmbeddedMongoDB) -> None:
    """Some machines have zones that others do not have; no new event is in one."""
    name = "test-zones"
    async with (
        serving("events", mongodb, mongodb_database=name) as served,
        connect(mongodb.uri) as client,
    ):
        path = await served.create()
        await client[name]["Events"].update_one({}, {"$set": {"timezone": "Factory"}})
        body = json.dumps({**EVENT, "timezone": "Factory"}).encode()
        refused = problem(await served.worker.request("PUT", path, body), 422)
        assert [error["pointer"] for error in refused["errors"]] == ["/timezone"]
        for patch in (b"{}", b'{"title": "New"}', b'{"date": "2027-05-02"}'):
            patched = json.loads((await served.worker.request("PATCH", path, patch)).body)
            assert patched["timezone"] == "Factory"
        assert patched["starts_at"] == "2027-05-02T20:00:00Z"
        assert json.loads((await served.worker.request("GET", path)).body) == patched
