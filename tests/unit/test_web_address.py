"""Addresses in settings: in one form, or refused with what is allowed."""

from __future__ import annotations

import pytest

from events_microservice.settings import Settings
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.settings import read_settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("HTTPS://Example.ORG:443/Event-Post/v1/", "https://example.org/Event-Post/v1"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[0::1]:80/a", "http://[::1]/a"),
        ("http://my_host/%41~a", "http://my_host/%41~a"),
    ],
)
def test_a_public_url_is_kept_without_a_slash_behind_it(value: str, expected: str) -> None:
    assert read_settings(Settings, {"PUBLIC_URL": value}).public_url == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "example.org",
        "//example.org",
        "ftp://example.org",
        "https://",
        "https:///a",
        "https:/example.org",
        "https://user:secret@example.org",
        "https://example.org:0",
        "https://example.org:65536",
        "https://example.org?a=b",
        "https://example.org/a?b",
        "https://example.org/#a",
        "https://example.org/a//b",
        "https://example.org/a/../b",
        "https://example.org/.",
        "https://example.org/a b",
        "https://example.org/%2",
        'https://example.org/"',
        "https://[example.org]",
        "https://[::1",
        "https://exämple.org",
        "https://example.org\n",
        " https://example.org",
    ],
)
def test_what_is_no_public_url_is_refused(value: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^PUBLIC_URL .* must be the URL below") as caught:
        read_settings(Settings, {"PUBLIC_URL": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("*", "*"),
        ("https://app.example", "https://app.example"),
        (
            "https://App.example:443, http://localhost:3000",
            "https://app.example,http://localhost:3000",
        ),
    ],
)
def test_origins_are_kept_as_browsers_send_them(value: str, expected: str) -> None:
    assert read_settings(Settings, {"CORS_ALLOW_ORIGINS": value}).cors_allow_origins == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "app.example",
        "https://app.example/",
        "https://*.example",
        "*,https://a.example",
        ",",
    ],
)
def test_what_is_no_origin_is_refused(value: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^CORS_ALLOW_ORIGINS=.* must be origins whose"):
        read_settings(Settings, {"CORS_ALLOW_ORIGINS": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("127.0.0.1", "127.0.0.1/32"),
        ("10.0.0.0/8, ::1,fd00::/8", "10.0.0.0/8,::1/128,fd00::/8"),
    ],
)
def test_proxies_are_addresses_and_networks(value: str, expected: str) -> None:
    assert read_settings(Settings, {"TRUSTED_PROXIES": value}).trusted_proxies == expected


@pytest.mark.parametrize("value", ["", "*", "localhost", "10.0.0.1/8", "127.0.0.1,", "10.0.0.0/33"])
def test_what_is_no_proxy_is_refused(value: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^TRUSTED_PROXIES=.* must be addresses and networks"):
        read_settings(Settings, {"TRUSTED_PROXIES": value})
