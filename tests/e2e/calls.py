"""Requests to a running service, and what of an answer must be so whatever was asked."""

from __future__ import annotations

from typing import Any

import requests

from tests.services import Service

TIMEOUT_S = 10


def call(method: str, url: str, **arguments: Any) -> requests.Response:
    return requests.request(method, url, timeout=TIMEOUT_S, **arguments)


def create(service: Service, **members: Any) -> dict[str, Any]:
    answer = call("POST", service.collection, json={**service.example, **members})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, which must be one and complete."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert set(document) - {"errors"} == {"type", "title", "status", "detail"}
    assert document["title"]
    assert not document["title"][0].isdigit()
    assert document["detail"]
    return document
