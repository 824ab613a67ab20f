"""What an SMTP server answers, in words for those who read them and those who mend it.

RFC 5321, section 4.2, says what the codes mean.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import Literal, NamedTuple

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from notifications_microservice.models.attempt import Outcome
from notifications_microservice.models.figures import Failure

# Which answers are good, and which are refusals for good; any other refusal is for now.
SUCCESS = range(200, 300)
_PERMANENT = range(500, 600)

_LONGEST_DETAIL = 300
_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

# What is wrong with a message: nothing, what passes with the connection, or what it can fail for.
Reason = Literal["", "connection"] | Failure


class Answer(NamedTuple):
    """What became of a message, in words, and what it was refused for."""

    outcome: Outcome
    detail: str
    reason: Reason = ""


def refusal(response: SMTPResponse, reason: Reason) -> Answer:
    """Return what becomes of a message that was refused."""
    outcome: Outcome = "refused" if response.code in _PERMANENT else "deferred"
    return Answer(outcome, said(response), reason)


def why_unavailable(error: Exception) -> str:
    """Return why no message can be handed in, with nothing of the user or the password."""
    if isinstance(error, SMTPAuthenticationError):
        return f"it refuses the user or the password of SMTP_URL (code {error.code})"
    if isinstance(error, SMTPResponseException):
        return f"it says {said(SMTPResponse(error.code, error.message))}"
    cause = error.__cause__ if isinstance(error, SMTPConnectError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "TLS fails"
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return "it does not answer"
    if isinstance(cause, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, SMTPServerDisconnected):
        return "it closes the connection"
    if isinstance(cause, OSError) and cause.strerror:
        return f"it cannot be reached: {cause.strerror}"
    if isinstance(error, SMTPConnectError):
        return "it cannot be reached"
    return "it does not offer what SMTP_URL asks for: STARTTLS, or a way to authenticate"


def said(response: SMTPResponse) -> str:
    """Return what a server said in one line that can be kept and shown."""
    text = f"{response.code} {response.message}"
    return " ".join(_NOT_SHOWN.sub(" ", text).split())[:_LONGEST_DETAIL]
