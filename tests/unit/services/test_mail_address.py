"""Which addresses a notification may be sent to, and what is said of the others."""

from __future__ import annotations

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.errors import InvalidResource
from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.schema import Schema
from microservice_chassis.schema.shown import shown
from notifications_microservice.models.mail_address import mail_address, mail_address_rule
from notifications_microservice.models.notification import Notification
from tests.examples import NOTIFICATION

LABELS = ".".join("d" * 62 for _ in range(3))  # 188 octets


@pytest.mark.parametrize(
    "address",
    ["a@b.de", "ü@bücher.example.com", "a.b+c@sub.example.com", "O'Neill/x=y@example.com"]
    + ["guest@mail.local", "guest@mail.test", "guest@a.b.LOCAL", "guest@nas.lan", "a@x.internal"]
    + [f"{'l' * 64}@example.com", f"{'ü' * 32}@example.com", f"{'l' * 61}@{LABELS}.com"]
    + [f"{'l' * 59}@{LABELS}.local"],
)
def test_an_address_is_valid_by_its_syntax_and_kept_as_sent(address: str) -> None:
    assert mail_address(address) == address


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("", "an @ between"),
        ("guest", "an @ between"),
        ("guest@", "an @ between"),
        ("@example.com", "an @ between"),
        ("a@b@example.com", "more than one @"),
        ('"a b"@example.com', "quoted local part"),
        ('"a@b"@example.com', "quoted local part"),
        ('"ab"@example.com', "quoted local part"),
        ("Guest <guest@example.com>", "address alone"),
        ('"Guest" <guest@example.com>', "address alone"),
        ("<guest@example.com>", "address alone"),
        ("guest@[127.0.0.1]", "IP address"),
        ("guest@[IPv6:::1]", "IP address"),
        ("guest@mail", "without a dot"),
        ("guest@localhost", "without a dot"),
        ("guest@test", "without a dot"),
        (f"{'l' * 65}@example.com", "more than 64 octets"),
        (f"{'ü' * 33}@example.com", "more than 64 octets"),
        (f"{'l' * 63}@{LABELS}.com", "more than 254 octets"),
        (f"{'l' * 61}@{LABELS}.local", "more than 254 octets"),
        ("a@example.com\n", "control character"),
        ("a@example.com\r\nBcc: b@example.com", "control character"),
        ("a\u2028@example.com", "control character"),
    ],
)
def test_an_address_that_is_refused_is_named(address: str, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        mail_address(address)


@pytest.mark.parametrize(
    "address",
    ["a b@example.com", "a@b..com", ".a@example.com", "a.@example.com", "a@-b.com", "a@b-.com"]
    + ["a@exa mple.com", "a@example.com.", "a@1.2.3.4", "a(b)@example.com", "a@x.localhost"]
    + [
        "a@x.onion",
        "a@x.arpa",
        "a@x.invalid",
        "a@.local",
        "a@..test",
        "a@ex_ample.com",
        "a@b.de, c@d.de",
    ]
    + [f"a@{'b' * 64}.com", "a@xn--a.com", "ａ@ｅｘａｍｐｌｅ"],
)
def test_what_is_no_address_is_refused_in_no_words_of_the_library(address: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        mail_address(address)
    assert isinstance(caught.value, Malformed) or str(caught.value) == "not an address"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "mail", "test", "local", "mail-1"])
def test_a_setting_allows_a_host_without_a_dot(host: str) -> None:
    schema = Schema(Notification, rules={"to_mail": mail_address_rule(bare_hosts=True)})
    document = {**NOTIFICATION, "to_mail": f"root@{host}"}
    assert schema.parse(document).to_mail == f"root@{host}"
    with pytest.raises(InvalidResource):
        Schema(Notification).parse(document)


@pytest.mark.parametrize("address", ["root@", "root@-mail", "root@mail_1", "root@[::1]", "a b@m"])
def test_a_host_without_a_dot_is_a_host_nevertheless(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        mail_address(address, bare_hosts=True)


def test_the_library_stays_as_it_is() -> None:
    before = list(email_validator.SPECIAL_USE_DOMAIN_NAMES)
    mail_address("guest@mail.local")
    mail_address("root@localhost", bare_hosts=True)
    assert before == email_validator.SPECIAL_USE_DOMAIN_NAMES
    with pytest.raises(email_validator.EmailNotValidError):
        email_validator.validate_email("guest@mail.local", check_deliverability=False)


@given(st.text() | st.from_regex(r"\S{1,70}@\S{1,250}"), st.booleans())
def test_any_text_is_an_address_or_refused(value: str, bare_hosts: bool) -> None:
    document = {**NOTIFICATION, "to_mail": value}
    schema = Schema(Notification, rules={"to_mail": mail_address_rule(bare_hosts=bare_hosts)})
    try:
        address = schema.parse(document).to_mail
    except InvalidResource as error:
        (rule,) = error.broken_rules
        assert rule.detail.startswith(
            f"must be an e-mail address, up to 254 octets; it is {shown(value)}"
        )
    else:
        assert address == value
        assert len(address.splitlines()) == 1
        local_part, _, _ = address.rpartition("@")
        assert len(local_part.encode()) <= 64
        assert len(address.encode()) <= 254
