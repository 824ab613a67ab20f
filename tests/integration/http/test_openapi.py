"""/openapi.json: valid, served like any representation, and about every path and method."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.integration.http.served import Served, problem

# What a path stands for whose answer any id will do for.
_ID = "f" * 24


async def document(served: Served) -> dict[str, Any]:
    answer = await served.worker.request("GET", "/openapi.json")
    assert answer.status == 200
    read: dict[str, Any] = json.loads(answer.body)
    return read


async def test_the_document_is_valid(either: Served) -> None:
    OpenAPIV31SpecValidator(await document(either)).validate()


async def test_it_is_answered_as_any_other_representation(either: Served) -> None:
    got = await either.worker.request("GET", "/openapi.json", headers={"accept": "text/html"})
    assert (got.status, got.headers["content-type"]) == (200, "application/json")
    assert got.headers["cache-control"] == "no-cache"
    again = await either.worker.request(
        "GET", "/openapi.json", headers={"if-none-match": got.headers["etag"]}
    )
    assert (again.status, again.body) == (304, b"")
    head = await either.worker.request("HEAD", "/openapi.json/")
    assert (head.status, head.headers["etag"]) == (200, got.headers["etag"])
    assert head.headers["content-length"] == str(len(got.body))
    options = await either.worker.request("OPTIONS", "/openapi.json")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    problem(await either.worker.request("POST", "/openapi.json"), 405)
    problem(await either.worker.request("GET", "/openapi.json?x=1"), 400)


async def test_every_method_of_every_path_is_there(either: Served) -> None:
    paths = (await document(either))["paths"]
    assert {either.collection, f"{either.collection}/{{id}}", "/health/live", "/docs"} <= set(paths)
    for template, methods in paths.items():
        path = template.replace("{id}", _ID)
        allow = (await either.worker.request("OPTIONS", path)).headers["allow"]
        assert {method.upper() for method in methods} == set(allow.split(", "))


async def test_each_operation_has_a_name_of_its_own(either: Served) -> None:
    paths = (await document(either))["paths"]
    names = [each["operationId"] for methods in paths.values() for each in methods.values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z]+[A-Za-z]+", name) for name in names)


async def test_the_parameters_are_those_that_are_taken(either: Served) -> None:
    parameters = (await document(either))["paths"][either.collection]["get"]["parameters"]
    listed = {each["name"] for each in parameters if each.get("in") == "query"}
    refused = await either.worker.request("GET", f"{either.collection}?x=1")
    taken = problem(refused, 400)["detail"].partition("here are: ")[2].rstrip(".")
    assert listed == set(taken.split(", "))


async def test_the_representations_are_those_that_are_offered(either: Served) -> None:
    paths = (await document(either))["paths"]
    for path in (either.collection, f"{either.collection}/{{id}}"):
        content = paths[path]["get"]["responses"]["200"]["content"]
        created = await either.create()
        asked = created if "{id}" in path else path
        refused = await either.worker.request("GET", asked, headers={"accept": "x/y"})
        said = problem(refused, 406)["detail"].removeprefix("The answer is ").partition(";")[0]
        assert re.split(", | or ", said) == list(content)


@pytest.mark.parametrize("number", ["one", "several"])
async def test_the_examples_are_accepted_and_answered_as_shown(either: Served, number: str) -> None:
    post = (await document(either))["paths"][either.collection]["post"]
    (body,) = post["requestBody"]["content"].values()
    sent = body["examples"][number]["value"]
    answer = await either.worker.request("POST", either.collection, json.dumps(sent).encode())
    assert answer.status == 201
    (shown,) = post["responses"]["201"]["content"].values()
    expected, got = shown["examples"][number]["value"], json.loads(answer.body)
    if number == "several":
        (expected,), (got,) = expected, got
    given_anew = ("id", "created_at", "updated_at")
    assert got == {**expected, **{name: got[name] for name in given_anew}}


async def test_without_keys_nothing_is_said_of_them(either: Served) -> None:
    read = await document(either)
    assert "securitySchemes" not in read["components"]
    operations = [each for methods in read["paths"].values() for each in methods.values()]
    assert not any("security" in each or "401" in each["responses"] for each in operations)
