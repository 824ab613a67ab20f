from __future__ import annotations

from pathlib import Path

import pytest

from events_microservice.settings import Settings
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.settings import read_settings
from notifications_microservice.settings import Settings as NotificationsSettings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings(Settings, {})
    assert settings.mongodb_uri is None
    assert settings.mongodb_database == "EventsMicroservice"
    assert (settings.host, settings.port, settings.web_concurrency) == ("127.0.0.1", 8080, 7)
    assert settings.embedded_cache_mb == 256
    assert settings.default_timezone == "UTC"
    notifications = read_settings(NotificationsSettings, {})
    assert notifications.mongodb_database == "NotificationsMicroservice"
    assert notifications.data_dir != settings.data_dir


def test_settings_are_read_from_the_environment() -> None:
    environment = {"PORT": "9000", "WEB_CONCURRENCY": "3", "DEFAULT_TIMEZONE": "Asia/Tokyo"}
    settings = read_settings(Settings, environment)
    assert (settings.port, settings.web_concurrency) == (9000, 3)
    assert settings.default_timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("True", True), ("1", True), ("false", False), ("FALSE", False), ("0", False)],
)
def test_a_switch_is_on_or_off(value: str, expected: bool) -> None:
    settings = read_settings(NotificationsSettings, {"MAIL_ALLOW_BARE_HOSTS": value})
    assert settings.mail_allow_bare_hosts is expected


@pytest.mark.parametrize("value", ["yes", "", "2", "on"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(value: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^MAIL_ALLOW_BARE_HOSTS=.*must be true or false"):
        read_settings(NotificationsSettings, {"MAIL_ALLOW_BARE_HOSTS": value})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", ""),
        ("PORT", "1e3"),
        ("PORT", "80.0"),
        ("PORT", "+80"),
        ("PORT", "٨٠"),
        ("HOST", ""),
        ("HOST", "a..b"),
        ("HOST", "[::1]"),
        ("HOST", ":::1"),
        ("HOST", "fe80::1%eth0"),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "127.0.0.1:8080"),
        ("HOST", "::1\n"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "0x7"),
        ("CACHE_TIMEOUT", " 5"),
        ("LOG_LEVEL", "loud"),
        ("MONGODB_DATABASE", "a b"),
        ("MONGODB_DATABASE", "a\n"),
        ("DATA_DIR", ""),
        ("EMBEDDED_CACHE_MB", "255"),
        ("EMBEDDED_CACHE_MB", "1000001"),
        ("EMBEDDED_CACHE_MB", "0.25"),
        ("EMBEDDED_CACHE_MB", "1GB"),
        ("DEFAULT_TIMEZONE", "Mars"),
        ("DEFAULT_TIMEZONE", "localtime"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_settings(Settings, {variable: value})
    message = str(caught.value)
    assert message.startswith(f"{variable}={value!r} cannot be used: it must be ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:80"),
        ("0.0.0.0", "0.0.0.0:80"),  # noqa: S104
        ("my_host.example.com", "my_host.example.com:80"),
        ("::", "[::]:80"),
        ("0:0::1", "[::1]:80"),
    ],
)
def test_an_ipv6_address_has_brackets_in_a_url(host: str, address: str) -> None:
    assert read_settings(Settings, {"HOST": host, "PORT": "80"}).address == address


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MONGODB_URI", "mongodb://u:s/ecret@a"), ("CACHE_REDIS_URL", "redis://:s#ecret@a")],
)
def test_what_may_hold_a_password_is_not_shown(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_settings(Settings, {variable: value})
    message = str(caught.value)
    assert message.startswith(f"{variable} cannot be used: it must be ")
    assert "ecret" not in message
    assert "\n" not in message


def test_a_cache_in_redis_needs_the_url_of_one() -> None:
    with pytest.raises(InvalidSetting, match="CACHE_REDIS_URL must be set where CACHE_TYPE is"):
        read_settings(Settings, {"CACHE_TYPE": "redis"})
    url = "redis://localhost"
    with_redis = read_settings(Settings, {"CACHE_TYPE": "redis", "CACHE_REDIS_URL": url})
    assert with_redis.redis_url == url
    assert read_settings(Settings, {"CACHE_REDIS_URL": url}).redis_url is None


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "uri"
    secret.write_text("mongodb://user:password@db.example.com\n")
    settings = read_settings(Settings, {"MONGODB_URI_FILE": str(secret)})
    assert settings.mongodb_uri == "mongodb://user:password@db.example.com"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"MONGODB_URI_FILE=.*cannot be read"):
        read_settings(Settings, {"MONGODB_URI_FILE": str(tmp_path / "none")})


def test_a_file_that_holds_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff")
    with pytest.raises(InvalidSetting, match=r"MONGODB_URI_FILE=.*cannot be read: it is no text$"):
        read_settings(Settings, {"MONGODB_URI_FILE": str(tmp_path / "secret")})


def test_a_value_and_a_file_at_once_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="both set"):
        read_settings(Settings, {"PORT": "1", "PORT_FILE": "/run/port"})


SMTP = {"SMTP_URL": "smtp://user:secret@mail.example.com", "MAIL_FROM": "events@example.org"}


def test_without_a_server_there_is_no_delivery_and_with_one_it_has_its_defaults() -> None:
    assert read_settings(NotificationsSettings, {}).smtp_url is None
    settings = read_settings(NotificationsSettings, SMTP)
    assert (settings.smtp_url, settings.mail_from) == tuple(SMTP.values())
    assert (settings.delivery_concurrency, settings.delivery_missed_after) == (10, 172_800)


def test_a_server_needs_a_sender() -> None:
    with pytest.raises(InvalidSetting, match=r"^MAIL_FROM must be set where SMTP_URL is$"):
        read_settings(NotificationsSettings, {"SMTP_URL": SMTP["SMTP_URL"]})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SMTP_URL", "smtp://user:se@cret@mail.example.com"),
        ("SMTP_URL", "smtp://user:secret@mail.example.com?starttls=none"),
        ("MAIL_FROM", "Events <events@example.org>"),
        ("MAIL_FROM", "veranstaltungen@bücher.example"),
        ("MAIL_FROM", "events@example.org\nBcc: all@example.com"),
        ("DELIVERY_CONCURRENCY", "0"),
        ("DELIVERY_CONCURRENCY", "101"),
        ("DELIVERY_MISSED_AFTER", "59"),
        ("DELIVERY_MISSED_AFTER", "2d"),
    ],
)
def test_a_setting_of_the_delivery_that_cannot_be_used_is_named(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^{variable}.* cannot be used: it must ") as caught:
        read_settings(NotificationsSettings, {**SMTP, variable: value})
    assert "secret" not in str(caught.value)
    assert "cret@" not in str(caught.value)
