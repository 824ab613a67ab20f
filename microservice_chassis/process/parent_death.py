"""Processes that do not outlive their parent, however it dies (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal

# From <linux/prctl.h>; see prctl(2).
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signum: signal.Signals, parent: int) -> None:
    """Have the kernel send `signum` to this process when its parent ends.

    Call it in the child; `parent` is the process id that the child was started by,
    which tells whether that one has died before the call.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(signum))
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)
