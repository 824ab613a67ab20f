"""NotificationQuery: what a client may ask the notifications for."""

from __future__ import annotations

from typing import Annotated, Literal

from microservice_chassis.schema.folding import folded
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.range_query import RangeQuery
from notifications_microservice.models.mail_address import mail_address, mail_address_rule
from notifications_microservice.models.notification import Status

Sort = Literal["id", "-id", "scheduled_time", "-scheduled_time", "updated_at", "-updated_at"]

_ADDRESS = mail_address_rule(bare_hosts=True).keywords


def address(value: str) -> str:
    """An address of e-mail, folded; whether a host without a dot is one, does not matter here."""
    return folded(mail_address(value, bare_hosts=True))


class NotificationQuery(RangeQuery, frozen=True, kw_only=True):
    """Which notifications, and in which order; all filters hold together."""

    sort: Annotated[Sort | None, Rule("id, scheduled_time or updated_at (- in front reverses)")] = (
        None
    )
    status: Status | None = None
    to_mail: Annotated[str | None, Rule("an e-mail address", address, _ADDRESS)] = None

    @property
    def order(self) -> str:
        """The sort, or the one that is natural where there is none."""
        return self.sort or ("scheduled_time" if self.ranged else "id")
