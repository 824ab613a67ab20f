"""Signals that come before there is anything to end: from Python's first line on.

`__main__` calls this before its other imports. A process that is the first of a container gets
no signal for which it has no handler (pid_namespaces(7)), so the one that tells it to stop would
be lost; any other process would end with the status of the signal, or a traceback.
"""

from __future__ import annotations

import os
import signal

STOP = (signal.SIGTERM, signal.SIGINT)


def end_at_once() -> None:
    """Have SIGTERM and SIGINT end this process with status 0, and SIGHUP do nothing."""
    for signum in STOP:
        # NOTE: an exception from a handler could get lost in the middle of an import.
        signal.signal(signum, lambda *_: os._exit(0))
    # NOTE: unlike SIG_IGN, a handler is not inherited by the programs that are started.
    signal.signal(signal.SIGHUP, lambda *_: None)
