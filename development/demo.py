"""python -m development.demo: both services with something in them, and the mail that they send.

What it keeps stays in .eventpost/demo/; the mail goes to a server of its own, which shows it.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from itertools import islice
from pathlib import Path

import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

import fixtures
from development import command_line
from development.both_services import both_services, watch
from development.service_process import ServiceFailure

_PROJECT = Path(__file__).resolve().parent.parent

# How many of each there are to begin with.
_SEEDED = 200

_REMINDED_IN = timedelta(seconds=5)

_SENDER = "eventpost@example.org"

_BANNER = """
EventPost runs, with {seeded} events and as many reminders. Five things to try:

  1  read the API, and try it, in a browser      {events}/docs
  2  find what is on near Berlin in a month      curl '{events}/events?near=52.52,13.4&radius=50&from={today}&to={later}'
  3  subscribe to it with a calendar program     {events}/events.ics?near=52.52,13.4
  4  have a reminder sent, and see it here       curl {notifications}/notifications -H 'Content-Type: application/json' -d '{reminder}'
  5  look at what the service counts             curl {events}/metrics

A first reminder is due in {reminded_in:.0f} seconds. Ctrl-C stops everything; the data stay in .eventpost/demo/.
"""  # noqa: E501 - what is to be pasted stands in one line

_REMINDER = (
    '{"subject": "Jazz in the park tonight", "content": "It starts at eight. Bring a blanket.",'
    ' "to_mail": "guest@example.com", "scheduled_time": "2027-01-01T00:00:00Z"}'
)


class Mailbox:
    """Shows each message that arrives (aiosmtpd, "handlers")."""

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Accept a message, and print what a person reads of it."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = message.get_body()
        text = body.get_content().strip() if body is not None else ""
        print(f"\nmail for {message['To']}: {message['Subject']}\n  {text}", flush=True)
        return "250 accepted"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _seed(url: str, name: str) -> None:
    """Fill a collection that is empty."""
    if requests.get(f"{url}?limit=1", timeout=fixtures.TIMEOUT_S).json():
        return
    made = islice(fixtures.RESOURCES[name](random.Random(1)), _SEEDED)  # noqa: S311 - seed data
    for _ in fixtures.seed(url, made):
        pass


def _remind(url: str) -> None:
    reminder = {
        "subject": "EventPost sends reminders",
        "content": "This one was due a few seconds after the demonstration began.",
        "to_mail": "you@example.com",
        "scheduled_time": (datetime.now(UTC) + _REMINDED_IN).isoformat(),
    }
    requests.post(url, json=reminder, timeout=fixtures.TIMEOUT_S).raise_for_status()


def demonstrate(first_port: int) -> None:
    """Run both services until Ctrl-C.

    Raises:
        ServiceFailure: one of them cannot run.
    """
    mailbox = Controller(Mailbox(), hostname="127.0.0.1", port=_free_port())
    mailbox.start()
    try:
        smtp = f"smtp://127.0.0.1:{mailbox.port}?starttls=none"
        settings = {"notifications": {"SMTP_URL": smtp, "MAIL_FROM": _SENDER}}
        with both_services(first_port, _PROJECT / ".eventpost" / "demo", settings) as services:
            urls = {name: service.url for name, service in services.items()}
            for name, url in urls.items():
                _seed(f"{url}/{name}", name)
            _remind(f"{urls['notifications']}/notifications")
            today = datetime.now(UTC).date()
            print(
                _BANNER.format(
                    **urls,
                    seeded=_SEEDED,
                    today=today,
                    later=today + timedelta(days=30),
                    reminder=_REMINDER.replace("2027-01-01T00:00:00Z", f"{today}T00:00:00Z"),
                    reminded_in=_REMINDED_IN.total_seconds(),
                ),
                flush=True,
            )
            watch(services)
    finally:
        mailbox.stop()


def main() -> None:
    """Demonstrate; the status is 1, with one line, where a service cannot run."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument(
        "--port",
        type=lambda text: command_line.whole_number(text, 1, 65534),
        default=8000,
        help="where events listens; notifications takes the next one (8000)",
    )
    arguments: argparse.Namespace = parser.parse_args()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        demonstrate(arguments.port)
    except (ServiceFailure, fixtures.Refused, requests.RequestException) as failure:
        sys.exit(f"the demonstration stopped: {failure}")
    except KeyboardInterrupt:
        print("The demonstration has stopped.")


if __name__ == "__main__":
    command_line.run(main)
