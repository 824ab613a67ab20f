"""python -m notifications_microservice: the whole notifications service."""

from __future__ import annotations

from microservice_chassis.process.launcher import launch
from notifications_microservice.settings import Settings

if __name__ == "__main__":
    launch("notifications_microservice.app", Settings)
