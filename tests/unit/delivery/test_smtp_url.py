"""What an SMTP_URL means."""

from __future__ import annotations

import ssl

import pytest

from notifications_microservice.delivery.smtp_url import SmtpServer, smtp_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://a", SmtpServer("a", 587, None, None, False, True, None)),
        ("smtp://a:25?starttls=required", SmtpServer("a", 25, None, None, False, True, None)),
        ("smtp://a?starttls=none", SmtpServer("a", 587, None, None, False, False, None)),
        (
            "smtp://us%40er:p%3Aw%2F@a/?cafile=/ca.pem",
            SmtpServer("a", 587, "us@er", "p:w/", False, True, "/ca.pem"),
        ),
        ("smtps://u:p@[::1]", SmtpServer("::1", 465, "u", "p", True, False, None)),
    ],
)
def test_a_url_names_host_port_user_and_how_it_is_kept_private(
    url: str, server: SmtpServer
) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize("url", ["smtp://a", "smtps://a"])
def test_certificates_and_names_are_checked(url: str) -> None:
    context = smtp_server(url).tls_context()
    assert context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_without_tls_there_is_nothing_to_check() -> None:
    assert smtp_server("smtp://a?starttls=none").tls_context() is None
