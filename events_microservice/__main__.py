"""python -m events_microservice: the whole events service."""

from __future__ import annotations

from events_microservice.settings import Settings
from microservice_chassis.process.launcher import launch

if __name__ == "__main__":
    launch("events_microservice.app", Settings)
