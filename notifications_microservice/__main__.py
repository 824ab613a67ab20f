"""python -m notifications_microservice: the whole notifications service."""

from __future__ import annotations

from microservice_chassis.process.early_signals import end_at_once

if __name__ == "__main__":
    end_at_once()
    # NOTE: only now, since to import these takes longer than a signal may wait.
    from microservice_chassis.process.launcher import launch
    from notifications_microservice.settings import Settings

    launch(
        "notifications_microservice.app",
        Settings,
        lambda settings: ["notifications_microservice.delivery"] if settings.smtp_url else [],
    )
