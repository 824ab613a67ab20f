"""The API page of a service, in a headless Chromium, as a person uses it.

python -m tests.e2e.api_page starts the events service, creates and reads an event through its page,
and writes docs/images/api-page.png.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from playwright.async_api import Locator, Page, async_playwright

from tests.services import Service, service

# What to install where it is missing.
PACKAGE = "chromium"

_PICTURE = Path(__file__).parents[2] / "docs" / "images" / "api-page.png"


def find_chromium() -> str | None:
    """The browser that this machine has."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Answer(NamedTuple):
    """What the page shows of an answer."""

    status: int
    body: str


class ApiPage:
    """The open page of a service, and what it has asked for and complained of by now."""

    def __init__(self, page: Page, service: Service) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._url = service.url
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def open(self) -> None:
        """Open it; it is there when its operations are."""
        await self.page.goto(f"{self._url}/docs")
        await self.page.locator(".opblock").first.wait_for()

    async def send(self, operation: str, **parameters: str) -> Answer:
        """Unfold an operation, fill in its parameters, and send the request."""
        block = await self.fold(operation)
        await block.locator(".try-out__btn").click()
        for name, value in parameters.items():
            await block.locator(f'tr[data-param-name="{name}"] input').fill(value)
        await block.locator(".execute").click()
        shown = block.locator(".live-responses-table tbody tr").first
        status = await shown.locator(".response-col_status").inner_text()
        body = await shown.locator(".highlight-code code").first.inner_text()
        return Answer(int(status.split()[0]), body)

    async def fold(self, operation: str) -> Locator:
        """Unfold an operation, or fold it."""
        block = self.page.locator(f'[id$="-{operation}"].opblock')
        await block.locator(".opblock-summary-control").click()
        return block


@asynccontextmanager
async def browsing(chromium: str, service: Service) -> AsyncIterator[ApiPage]:
    """The page of a service in a browser of its own, not yet opened."""
    # NOTE: as root, as in a container, Chromium has no sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        try:
            page = await browser.new_page(viewport={"width": 1100, "height": 1600})
            yield ApiPage(page, service)
        finally:
            await browser.close()


async def create_and_read(api: ApiPage) -> tuple[Answer, Answer]:
    """Create the example of the document through the page, and read what was created."""
    created = await api.send("postEvents")
    await api.fold("postEvents")
    event: dict[str, Any] = json.loads(created.body)
    return created, await api.send("getEventsById", id=event["id"])


async def _draw(chromium: str) -> None:
    with TemporaryDirectory() as data_dir:
        events = service("events", Path(data_dir))
        with events.process as process:
            process.wait_until_ready()
            async with browsing(chromium, events) as api:
                await api.open()
                await create_and_read(api)
                await api.page.evaluate("window.scrollTo(0, 0)")
                await api.page.screenshot(path=_PICTURE)


if __name__ == "__main__":
    if (found := find_chromium()) is None:
        sys.exit(f"A browser is needed; install Debian's package {PACKAGE}.")
    asyncio.run(_draw(found))
