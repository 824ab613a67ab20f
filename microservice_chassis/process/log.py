"""How the processes of a service write their log: as text for people, as JSON for machines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

# As Gunicorn's.
_TEXT = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S %z"

_encoder = msgspec.json.Encoder()


class JsonFormatter(logging.Formatter):
    """Makes of each record one JSON object on one line.

    `time` is RFC 3339 in UTC; a record's `fields`, a mapping that its `extra` may give, are members
    of the object, and `exception` is a traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        time = datetime.fromtimestamp(record.created, UTC)
        members: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields: Mapping[str, object] = getattr(record, "fields", {})
        members |= fields
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        # NOTE: what cannot be encoded as UTF-8, as a lone surrogate, must not cost the line.
        return _encoder.encode(_printable(members)).decode()


def configure_log(level: str, format_: str = "text") -> None:
    """Write what is said from now on, at this level or above, to standard error.

    `format_` is `text` or `json`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter() if format_ == "json" else logging.Formatter(_TEXT, _TIME_FORMAT)
    )
    logging.basicConfig(level=level.upper(), handlers=[handler])


@contextmanager
def last_line_in(format_: str) -> Iterator[None]:
    """Around what may end the process with a line: in JSON, the line is one of the log."""
    try:
        yield
    except SystemExit as end:
        if format_ != "json" or not isinstance(end.code, str):
            raise
        logging.getLogger(__name__).critical(end.code)
        sys.exit(1)


def _printable(members: Mapping[str, object]) -> dict[str, object]:
    """Return the members with every text such that it can be encoded."""
    return {
        name: value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
        for name, value in members.items()
    }
