"""NotificationDator: the notifications collection, as clients change it."""

from __future__ import annotations

from typing import ClassVar

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.refusals import Refusal
from notifications_microservice.models.claims import Claims
from notifications_microservice.models.notification import Notification


def _of_status(status: str) -> dict[str, object]:
    # NOTE: a query for a value finds arrays that have it, too; those are no status.
    return {"status": {"$eq": status, "$not": {"$type": "array"}}}


_SENDING = Refusal(
    _of_status("sending"),
    "The notification is being sent; it can be changed or deleted once its status is another one.",
)
_SENT = Refusal(
    _of_status("sent"),
    "The notification has been sent; it can only be deleted. POST creates another one.",
)


class NotificationDator(Dator[Notification]):
    """The notifications; `scheduled_time` is kept as a BSON date.

    Beside the members a document has what the delivery goes by; `claims` says what.
    """

    name = "notifications"
    model = Notification

    # One that nobody has tried to send: its `due_at` is its `scheduled_time`.
    plain: ClassVar[Document] = {"status": "pending", "attempts": 0}

    unchangeable = (_SENDING, _SENT)
    undeletable = (_SENDING,)

    def claims(self) -> Claims:
        """Return the claims of one who delivers."""
        return Claims(self._raw, self._writer, self._bulkhead, self.codec)
