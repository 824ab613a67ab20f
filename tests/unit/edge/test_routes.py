"""Where paths lead, and what their answers depend on."""

from __future__ import annotations

import pytest

from microservice_chassis.edge.routes import Routes

ROUTES = Routes("events", ["/health/live", "/health/ready"])
ID = "65a1b2c3d4e5f60718293a4b"


@pytest.mark.parametrize(
    ("path", "template", "stamp"),
    [
        ("/events", "/events", "events"),
        ("/events/", "/events", "events"),
        ("//events", "/events", "events"),
        (f"/events/{ID}", "/events/{id}", f"events/{ID}"),
        (f"/events/{ID.upper()}", "/events/{id}", f"events/{ID}"),
        (f"/events/{ID}/", "/events/{id}", f"events/{ID}"),
        ("/events/1", "/events/{id}", None),
        (f"/events/{ID}0", "/events/{id}", None),
        (f"/events/{ID[:-1]}g", "/events/{id}", None),
        (f"///events/{ID}", "/events/{id}", f"events/{ID}"),
        ("/events//", "/events/{id}", None),
        (f"/events/{ID}//", "", None),
        (f"/events//{ID}", "", None),
        (f"/events/{ID}/more", "", None),
        ("//health/live/", "/health/live", None),
        ("/eventsx", "", None),
        ("/EVENTS", "", None),
        ("/notifications", "", None),
        ("/health/live", "/health/live", None),
        ("/health", "", None),
        ("/", "", None),
        ("", "", None),
    ],
)
def test_a_path_has_a_template_and_a_resource_a_stamp(
    path: str, template: str, stamp: str | None
) -> None:
    assert ROUTES.match(path) == (template, stamp)
