"""The figures of the delivery tell what became of all."""

from __future__ import annotations

from notifications_microservice.models.figures import Figures
from tests.integration.delivery.delivering import delivering, until, until_statuses
from tests.integration.delivery.post import Post
from tests.smtp_server import SmtpServer


async def test_the_figures_tell_what_became_of_all(post: Post, smtp: SmtpServer) -> None:
    await post.create(2, ago_s=365 * 86_400)
    await post.create(3)
    await post.create(1, ago_s=-3_600)
    record = post.dator.figures()
    await post.claims.prepare()
    before = await record.read()
    assert (before.due, before.sending, before.sent) == (5, 0, 0)
    assert before.oldest_s
    assert before.oldest_s > 364 * 86_400
    async with delivering(post, smtp):
        await until_statuses(post, *["missed"] * 2, *["sent"] * 3, "pending")
        smtp.behave("refuse-recipient")
        await post.create()
        await until_statuses(post, *["missed"] * 2, *["sent"] * 3, "pending", "failed")
        smtp.behave("defer-recipient")
        (identifier,) = await post.create()

        async def deferred() -> bool:
            return (await post.notification(identifier)).attempts == 1

        await until(deferred)
    after = await record.read()
    assert (after.sent, after.missed, after.deferred, after.failed) == (3, 2, 1, {"recipient": 1})
    assert sum(after.delays.values()) == 3
    assert (after.due, after.sending, after.oldest_s) == (0, 0, None)


async def test_without_any_dispatcher_the_figures_are_zero(post: Post) -> None:
    await post.claims.prepare()
    assert await post.dator.figures().read() == Figures(0, 0, 0, {}, {}, 0, 0, None)
