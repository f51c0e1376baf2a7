"""My notifications in a real browser before a real notifications service: a storm arrives live as one message, is read
once, and a person sets how they are reached."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.checker import checker
from deploy.ports import free_port
from services.notifications import app as notifications_app
from services.notifications.events import AlertRaised
from services.portal.app import application
from services.portal.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from shared.web import Authenticator
from shared.web.application import create_app
from shared.web.live import SseHub
from tests.journeys.test_registry_pages import proper
from tests.services.installation import DIVISION, Installation
from tests.support.portal import SEED
from tests.support.serving import serving

TODAY = date(2026, 11, 24)


class Running(NamedTuple):
    url: str
    installation: Installation

    def storm(self, count: int) -> None:
        """Children at many schools drop out at once."""
        for number in range(count):
            fact = AlertRaised(
                kind="dropped_out",
                student_id=uuid4(),
                entry_id=None,
                division_code="469001001",
                school_code=f"S{number % 3}",
                since=TODAY,
                evidence=(uuid4(),),
                rules_hash="0",
                explanation_code="dropped_out_of_compulsory_school",
                facts={"left_on": "2026-11-24"},
            )
            self.installation.append("notifications", uuid4(), fact, TODAY)
        self.installation.pump(batch=500)


@contextmanager
def _portal(postgres: Any) -> Iterator[Running]:
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/demo-issuer"
    demo = DemoIssuer(SEED, issuer=issuer, audience="rollcall", environment="test")
    with tempfile.TemporaryDirectory(prefix="messages-") as folder:
        installation = Installation(postgres, Path(folder))
        try:
            service = installation.start(notifications_app.build(installation.settings("notifications")))
            installation.bare("registry")
            installation.bare("matching")
            hub = SseHub(service.database.app_conninfo)
            authenticator = Authenticator(issuer=issuer, audience="rollcall", jwks=demo.jwks())
            web = create_app(
                "notifications",
                service.routers,
                authenticator=authenticator,
                database=service.database,
                parts=[hub.part],
                state={"hub": hub},
            )
            with serving(web) as behind:
                addresses = {name: behind.url if name == "notifications" else "http://127.0.0.1:1" for name in SERVICES}
                settings = PortalSettings(
                    division=DIVISION[:4],
                    environment="test",
                    issuer=issuer,
                    audience="rollcall",
                    services=addresses,
                    demo_seed=SEED,
                )
                with serving(application(settings, checker(Path(folder))), port):
                    yield Running(f"http://127.0.0.1:{port}", installation)
        finally:
            installation.close()


@pytest.fixture(scope="module")
def running(postgres: Any) -> Iterator[Running]:
    with _portal(postgres) as made:
        yield made


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=running.url)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto("/demo-issuer/?next=/messages")
    opened.locator("form:has(input[name=role][value=aid_clerk]) button").click()
    opened.wait_for_url("**/messages")
    yield opened
    context.close()
    assert complaints == []


def test_a_storm_arrives_live_as_one_message_and_is_read_once(page: Page, running: Running, tmp_path: Path) -> None:
    expect(page.locator("[data-live-state].on")).to_be_visible()
    assert page.locator("table.rows").count() == 0
    running.storm(30)
    row = page.locator("table.rows tbody tr")
    expect(row).to_contain_text("新增预警 30 条")
    expect(page.locator("[data-unread]")).to_have_text("1")
    running.storm(5)
    expect(row).to_contain_text("新增预警 35 条")
    proper(page, tmp_path / "inbox")
    row.get_by_role("button", name="已读").click()
    expect(row).to_contain_text("已读")
    expect(page.locator("[data-unread]")).to_be_hidden()
    running.storm(1)
    expect(row).to_have_count(2)
    expect(row.first).to_contain_text("新增预警 1 条")


def test_a_person_sets_how_they_are_reached(page: Page, tmp_path: Path) -> None:
    page.goto("/messages/settings")
    page.get_by_label("邮件").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".trouble")).to_contain_text("请填写邮箱")
    page.get_by_label("邮箱").fill("clerk@example.org")
    page.get_by_label("免打扰开始").select_option("22")
    page.get_by_label("免打扰结束").select_option("7")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".notice")).to_have_text("通知设置已保存")
    expect(page.locator("table.rows tbody tr")).to_contain_text("c***@example.org")
    proper(page, tmp_path / "settings")
