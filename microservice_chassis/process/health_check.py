"""python -m microservice_chassis.process.health_check: is the service of this container ready?

The status is 0 when it is; otherwise a line says what is wrong. Images call it in their
HEALTHCHECK, so that they need no HTTP client of their own.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

from microservice_chassis.settings import ServerSettings, settings_or_exit

# A service answers within 2 s, whatever its MongoDB does.
TIMEOUT_S = 4.0


def main() -> None:
    """Ask the service that listens on HOST and PORT."""
    settings = settings_or_exit(ServerSettings, os.environ)
    # NOTE: a proxy that is set for others (http_proxy) leads away from this machine. To connect to
    #   0.0.0.0 or [::], which are all of its addresses, is to connect to itself, on Linux.
    direct = build_opener(ProxyHandler({}))
    try:
        direct.open(f"http://{settings.address}/health/ready", timeout=TIMEOUT_S).close()
    except OSError as error:
        # NOTE: an answer with another status than 200 is an OSError too.
        reason = str(getattr(error, "reason", error))
    except HTTPException:
        reason = "what answers there does not speak HTTP"
    else:
        return
    sys.exit(f"the service on port {settings.port} is not ready: {reason}")


if __name__ == "__main__":
    main()
