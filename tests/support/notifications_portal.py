"""The real portal in front of real notifications on PostgreSQL; the other services are away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page

import services.notifications.app as notifications_app
from shared.hosting.service import Service
from tests.journeys.pages.test_pages import DESK
from tests.services.installation import Installation
from tests.support.service_portal import service_portal


class NotificationsPortal(NamedTuple):
    """``pump()`` after commands brings the views up to date."""

    url: str
    installation: Installation
    service: Service

    def pump(self) -> None:
        self.installation.pump(batch=500)

    def open_day(self, day: date) -> None:
        self.installation.open_day(self.service, day)
        self.pump()


@contextmanager
def notifications_portal(postgres: Any) -> Iterator[NotificationsPortal]:
    """Both on free ports, ended on exit with their databases."""
    with service_portal(
        postgres, "notifications", notifications_app.build, beside=("registry", "matching", "access")
    ) as made:
        yield NotificationsPortal(*made)


@contextmanager
def clerks_page(browser: Browser, url: str, address: str) -> Iterator[Page]:
    """The page at ``address``, opened by the clerk of the demonstration; its script must not fail."""
    context = browser.new_context(
        viewport={"width": DESK["width"], "height": DESK["height"]}, locale="zh-CN", base_url=url
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"/demo-issuer/?next={address}")
    opened.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
    opened.wait_for_url(f"**{address}")
    yield opened
    context.close()
    assert complaints == []
