"""python -m events_microservice: the whole events service."""

from __future__ import annotations

from microservice_chassis.process.early_signals import end_at_once

if __name__ == "__main__":
    end_at_once()
    # NOTE: only now, since to import these takes longer than a signal may wait.
    from events_microservice.settings import Settings
    from microservice_chassis.process.launcher import launch

    launch("events_microservice.app", Settings)
