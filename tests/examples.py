"""A valid document of each kind, to be varied."""

from __future__ import annotations

from typing import Any

EVENT: dict[str, Any] = {
    "title": "Jazz night",
    "description": "Four musicians and one small stage.",
    "date": "2027-05-01",
    "time": "20:00:00",
    "place": "Kulturhaus, Berlin",
    "organizer": "Dženana Hadžić",
    "topics": "jazz, music",
    "timezone": "Europe/Berlin",
    "duration": "PT2H",
    "location": {"latitude": 52.52, "longitude": 13.405},
}

NOTIFICATION: dict[str, Any] = {
    "subject": "Reminder: Jazz night",
    "content": "The doors open at half past seven.\n\nSee you there!",
    "to_mail": "guest@example.com",
    "scheduled_time": "2027-05-01T16:00:00Z",
}

# As the original EventPost wrote them.
LEGACY_EVENT: dict[str, Any] = {
    "title": "Old days",
    "description": "Written by an earlier version.",
    "date": "2019-06-01",
    "time": "19:30",
}
LEGACY_NOTIFICATION: dict[str, Any] = {
    "subject": "Reminder: Old days",
    "content": "Written by an earlier version of EventPost.",
    "to_mail": "guest@example.com",
    "scheduled_time": "2019-06-01 17:30:00",
}
