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
        ("HOST", ""),
        ("WEB_CONCURRENCY", "0"),
        ("LOG_LEVEL", "loud"),
        ("MONGODB_DATABASE", "a b"),
        ("MONGODB_DATABASE", "a\n"),
        ("DATA_DIR", ""),
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


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "uri"
    secret.write_text("mongodb://user:password@db.example.com\n")
    settings = read_settings(Settings, {"MONGODB_URI_FILE": str(secret)})
    assert settings.mongodb_uri == "mongodb://user:password@db.example.com"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"MONGODB_URI_FILE=.*cannot be read"):
        read_settings(Settings, {"MONGODB_URI_FILE": str(tmp_path / "none")})


def test_a_value_and_a_file_at_once_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="both set"):
        read_settings(Settings, {"PORT": "1", "PORT_FILE": "/run/port"})
