"""python -m notifications_microservice.delivery: one dispatcher.

The launcher of the service starts one where SMTP_URL is set. Any number more can be started by
hand: with the DATA_DIR of a service that runs on this machine it joins that one; anywhere else it
needs MONGODB_URI, and a CACHE_TYPE that can be told of its writes.
"""

from __future__ import annotations

from microservice_chassis.process.early_signals import end_at_once

if __name__ == "__main__":
    end_at_once()
    # NOTE: only now, since to import these takes longer than a signal may wait.
    from notifications_microservice.delivery.program import main

    main()
