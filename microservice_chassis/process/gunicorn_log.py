"""Gunicorn's log, as one with that of the rest of the service."""

from __future__ import annotations

import logging

from gunicorn.config import Config
from gunicorn.glogging import Logger


class GunicornLog(Logger):  # type: ignore[misc]  # it comes without type information
    """Writes what Gunicorn says, and uvicorn, as everybody else writes to standard error."""

    def setup(self, cfg: Config) -> None:
        """Take the settings; where they name a file, Gunicorn writes to it as ever."""
        super().setup(cfg)
        if cfg.errorlog == "-":
            self.error_log.handlers = list(logging.root.handlers)
