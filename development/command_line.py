"""What people type: how arguments are refused, and how a command ends.

The status is 2 for arguments that cannot be used, and 1 for a failure, each with one line;
as of any program 130 (128 + SIGINT) after Ctrl-C, and 141 (128 + SIGPIPE) where whoever reads the
output has gone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

USAGE = 2
INTERRUPTED = 130
CLOSED_PIPE = 141


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        """End the process, as the arguments cannot be used."""
        self.exit(USAGE, f"{self.prog}: {message} (--help tells more)\n")


def whole_number(text: str, least: int = 1, most: int = 10**9) -> int:
    """Return a number that was typed, from `least` to `most`.

    Raises:
        argparse.ArgumentTypeError: the text is no such number.
    """
    # NOTE: Python refuses to read thousands of digits.
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not digits or not least <= int(text) <= most:
        upwards = "up" if most == 10**9 else f"to {most}"
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} {upwards}")
    return int(text)


def run(command: Callable[[], None]) -> None:
    """Run a command to its end, or until it is interrupted or nobody reads its output any more."""
    try:
        try:
            command()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # NOTE: the interpreter flushes once more at its end (signal, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(INTERRUPTED)
