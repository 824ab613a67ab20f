"""Addresses of e-mail, by their syntax alone (RFC 5321, RFC 6531); nobody asks the DNS."""

from __future__ import annotations

from functools import partial

from email_validator import EmailNotValidError, validate_email

from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.scalars import line

# RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3 (a path has two brackets more), in octets of UTF-8.
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254

# NOTE: the library refuses these, which mean something within a network (RFC 6761, RFC 6762), and
#   takes no argument that would let them through; it is asked about a name of equal length instead.
_WITHIN_A_NETWORK = {"local": "lokal", "test": "text"}
_THIS_MACHINE = {"localhost": "localpost"}


def mail_address_rule(*, bare_hosts: bool = False) -> Rule:
    """Return the rule of an address; `bare_hosts` allows a host without a dot."""
    host = r"[^\s@<>\[\]]+" if bare_hosts else r"[^\s@<>\[\].]+(?:\.[^\s@<>\[\].]+)+"
    return Rule(
        f"an e-mail address, up to {LONGEST_ADDRESS} octets",
        partial(mail_address, bare_hosts=bare_hosts),
        # RFC 6531, and without what is refused by name.
        {"format": "idn-email", "pattern": rf'^[^\s@"<>]{{1,{LONGEST_LOCAL_PART}}}@{host}$'},
    )


def mail_address(value: str, *, bare_hosts: bool = False) -> str:
    """An address of e-mail, as it is.

    Raises:
        ValueError: it is none; Malformed where there is more to say.
    """
    line(value)
    if value.endswith(">"):
        raise Malformed("it must be the address alone, without a name or brackets")
    local_part, _, host = value.rpartition("@")
    if not local_part or not host:
        raise Malformed("an address has an @ between a name and a host")
    _check_local_part(local_part)
    if len(value.encode()) > LONGEST_ADDRESS:
        raise Malformed(f"it has more than {LONGEST_ADDRESS} octets")
    if host.startswith("["):
        raise Malformed("an IP address in the place of a host is not accepted")
    if "." not in host and not bare_hosts:
        raise Malformed("a host without a dot is not accepted")
    try:
        validate_email(
            f"{local_part}@{_without_special_use(host)}",
            check_deliverability=False,
            globally_deliverable="." in host,
        )
    except EmailNotValidError:
        raise ValueError("not an address") from None
    return value


def _check_local_part(local_part: str) -> None:
    if local_part.startswith('"'):
        raise Malformed("a quoted local part is not accepted")
    if "@" in local_part:
        raise Malformed("it has more than one @")
    if len(local_part.encode()) > LONGEST_LOCAL_PART:
        raise Malformed(f"what is before the @ has more than {LONGEST_LOCAL_PART} octets")


def _without_special_use(host: str) -> str:
    """Return a host with another top-level domain where the library refuses what is fine here."""
    domain, dot, top = host.rpartition(".")
    names = _WITHIN_A_NETWORK if dot else _WITHIN_A_NETWORK | _THIS_MACHINE
    return f"{domain}{dot}{names.get(top.lower(), top)}"
