"""How the processes of a service write their log."""

from __future__ import annotations

import logging

# As Gunicorn's.
_FORMAT = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S %z"


def configure_log(level: str) -> None:
    """Write what is said from now on, at this level or above, to standard error."""
    logging.basicConfig(level=level.upper(), format=_FORMAT, datefmt=_TIME_FORMAT)
