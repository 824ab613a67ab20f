"""python -m microservice_chassis.process.health_check: is the service of this container ready?

The status is 0 when it is; otherwise a line says what is wrong. Images call it in their
HEALTHCHECK, so that they need no HTTP client of their own.
"""

from __future__ import annotations

import os
import sys
from urllib.request import urlopen

from microservice_chassis.settings import ServerSettings, settings_or_exit

# A service answers within 2 s, whatever its MongoDB does.
TIMEOUT_S = 4.0


def main() -> None:
    """Ask the service that listens on PORT of this machine."""
    port = settings_or_exit(ServerSettings, os.environ).port
    try:
        urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=TIMEOUT_S).close()
    except OSError as error:
        # NOTE: an answer with another status than 200 is an OSError too.
        sys.exit(f"the service on port {port} is not ready: {error}")


if __name__ == "__main__":
    main()
