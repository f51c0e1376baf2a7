"""My notifications in a real browser before a real notifications service: a storm arrives live as one message, is read
once, and a person sets how they are reached."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.checker import checker
from deploy.ports import free_port
from services.notifications import app as notifications_app
from services.notifications.delivery import delivery_store
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.planning import plan
from services.notifications.events import AlertRaised
from services.notifications.streams import Streams
from services.portal.app import application
from services.portal.people.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from shared.database.database import driver
from shared.web import Authenticator
from shared.web.application import create_app
from shared.web.live import SseHub
from tests.journeys.pages.test_registry_pages import proper
from tests.services.installation import DIVISION, Installation
from tests.support.portal import SEED
from tests.support.serving import serving

TODAY = date(2026, 11, 24)


class Running(NamedTuple):
    url: str
    installation: Installation
    desk: Desk

    def fail(self) -> None:
        """Every delivery that is due has had its last attempt."""
        now = datetime.now(UTC) + timedelta(minutes=1)
        plan(self.desk, now)
        with self.desk.database.working() as connection:
            for delivery in delivery_store.take(driver(connection), now, 10):
                delivery_store.mark(driver(connection), delivery, now, "timeout", final="failed")

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
            with pytest.MonkeyPatch.context() as told:
                told.setenv("ROLLCALL_PAGE_URL", f"http://127.0.0.1:{port}")
                gateway = Path(folder) / "gateway.toml"
                gateway.write_text('url = "https://sms.example.org"\n[fields]\nto = "{phone}"\ntext = "{text}"\n')
                told.setenv("ROLLCALL_SMS_GATEWAY", str(gateway))
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
                    streams = Streams(installation.settings("notifications").hmac_key)
                    desk = Desk(service.database, service.store, streams, DIVISION)
                    yield Running(f"http://127.0.0.1:{port}", installation, desk)
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
    opened.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
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


def test_a_text_for_a_chat_group_is_copied_as_shown_and_its_link_leads_in_once(
    browser: Browser, page: Page, running: Running, tmp_path: Path
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    running.storm(3)
    page.get_by_role("link", name="群通知文字").click()
    page.get_by_label("日期").fill(TODAY.isoformat())
    page.get_by_role("button", name="生成").click()
    expect(page.locator("#chat-text")).to_contain_text(re.compile(r"新增预警 \d+ 条:S0 \d+、S1 \d+、S2 \d+"))
    shown = page.locator("#chat-text").inner_text()
    assert "没有要报考勤的班" in shown and f"{running.url}/go/" in shown
    page.get_by_role("button", name="复制文字").click()
    expect(page.locator(".copied")).to_have_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == shown
    proper(page, tmp_path / "chat")
    link = shown[shown.index(f"{running.url}/go/") :].strip()
    stranger = browser.new_context(base_url=running.url).new_page()
    stranger.goto(link)
    stranger.wait_for_url("**/demo-issuer/**")  # nothing is shown before one's own sign-in
    stranger.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
    stranger.wait_for_url("**/attendance?day=*")
    page.goto(link)
    expect(page.locator("main")).to_contain_text("您已用过此链接")
    page.goto(link[:-2] + ("AA" if not link.endswith("AA") else "BA"))
    expect(page.locator("main")).to_contain_text("链接无效")
    stranger.context.close()


def test_a_person_sets_how_they_are_reached(page: Page, tmp_path: Path) -> None:
    page.goto("/messages/settings")
    page.get_by_label("邮件").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".trouble")).to_contain_text("请填写邮箱")
    page.get_by_label("邮箱").fill("clerk@example.org")
    page.get_by_label("短信").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".trouble")).to_contain_text("请填写手机号")
    page.get_by_label("手机号").fill("13800138000")
    page.get_by_label("免打扰开始").select_option("22")
    page.get_by_label("免打扰结束").select_option("7")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".notice")).to_have_text("通知设置已保存")
    expect(page.locator("table.rows tbody tr")).to_contain_text("c***@example.org")
    expect(page.locator("table.rows tbody tr")).to_contain_text("138****8000")
    proper(page, tmp_path / "settings")


def test_a_system_is_registered_and_what_did_not_reach_it_is_given_up(
    page: Page, running: Running, tmp_path: Path
) -> None:
    page.goto("/deliveries")
    page.get_by_label("接收地址").fill("https://127.0.0.1/hook")
    page.get_by_role("button", name="登记").click()
    expect(page.locator(".trouble")).to_contain_text("公网")
    page.get_by_label("接收地址").fill("https://receiver.example/hook")
    page.get_by_label("预警撤销或办结").uncheck()
    page.get_by_role("button", name="登记").click()
    expect(page.locator(".notice code")).to_contain_text("whsec_")
    listens = page.locator("#webhook-rows tbody tr", has_text="receiver.example")
    expect(listens).to_contain_text("新增预警 · 超期上报 · 发送失败")
    listens.get_by_role("button", name="测试").click()
    expect(page.locator(".trouble")).to_contain_text("测试消息未送达:地址无法解析")
    running.storm(1)
    running.fail()
    page.goto("/deliveries")
    row = page.locator("#failed-rows tbody tr", has_text="receiver.example").first
    expect(row).to_contain_text("没有应答")
    proper(page, tmp_path / "deliveries")
    count = page.locator("#failed-rows tbody tr").count()
    row.get_by_role("button", name="放弃").click()
    expect(page.locator("#failed-rows tbody tr")).to_have_count(count - 1)
