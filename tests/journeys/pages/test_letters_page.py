"""Letters in a real browser before a real disbursement service: places told, a letter drafted, signed off by a second
person, sent, and its answers typed by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from playwright.sync_api import Browser, Page, expect

from services.disbursement import app
from shared.kernel.clock import today
from tests.journeys.pages.test_registry_pages import proper
from tests.services.disbursement.letters.office import LONG_AGO, Office
from tests.support.notifications_portal import clerks_page
from tests.support.service_portal import ServicePortal, service_portal

LETTER = "table#letters tbody a"


@pytest.fixture(scope="module")
def running(postgres: Any) -> Iterator[ServicePortal]:
    with service_portal(postgres, "disbursement", app.build, beside=("registry", "matching", "access")) as made:
        office = Office(made.installation, made.service)
        office.division("460200", "三亚市")
        office.went("460200", LONG_AGO.replace(year=2024))
        office.listed("三亚市第一小学", lists=2)
        office.settle()
        yield made


@pytest.fixture
def page(browser: Browser, running: ServicePortal) -> Iterator[Page]:
    with clerks_page(browser, running.url, "/letters") as opened:
        yield opened


def in_post(page: Page, kind: str, address: str) -> None:
    """The same browser in another post of the demonstration."""
    page.goto(f"/demo-issuer/?next={address}")
    page.locator(f"form:has(input[name=kind][value={kind}]) button").click()
    page.wait_for_url(f"**{address}")


def press(page: Page, *keys: str) -> None:
    """Keys by their names, anything else typed."""
    for key in keys:
        if key.isascii() and key.isalpha():
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)


def test_a_letter_from_its_place_to_its_answers(page: Page, running: ServicePortal, tmp_path: Path) -> None:
    pump = running.installation.pump
    expect(page.locator("nav.pages a[aria-current=page]")).to_have_text("公函")
    page.get_by_role("link", name="填写属地").click()
    expect(page.locator("#children tr.group input")).to_have_value("三亚市")  # as the school's name begins
    page.get_by_role("button", name="保存属地").click()
    pump()
    page.goto("/letters?place=460200")
    expect(page.locator("#places tr[data-id='460200'] td.number").first).to_have_text("2")
    expect(page.locator("#children tbody tr[data-id]")).to_have_count(2)
    proper(page, tmp_path / "places")
    page.get_by_role("button", name="为 1 个属地各拟一函").click()
    expect(page.locator(".notice")).to_contain_text("请另一人签批")
    pump()
    page.reload()
    page.locator(LETTER).click()
    expect(page.get_by_text("须由另一人办理").or_(page.get_by_text("拟稿人不能签批"))).to_be_visible()
    letter = page.url.removeprefix(running.url)
    in_post(page, "approver", letter)
    page.get_by_role("button", name="签批").click()
    pump()
    in_post(page, "aid_clerk", letter)
    page.get_by_label("文号").fill("望教助函〔2026〕1号")
    page.get_by_label("答复期限").fill(str(today() + timedelta(days=30)))
    page.get_by_role("button", name="登记发出").click()
    pump()
    page.reload()
    expect(page.locator("[data-state]")).to_have_attribute("data-state", "sent")
    with page.expect_download() as taken:
        page.get_by_role("link", name="下载公函").click()
    assert taken.value.suggested_filename.startswith("公函-460200-")
    page.get_by_role("textbox", name="事由").fill("核对 11010519491231002X")
    page.get_by_role("button", name="打印完整信息").click()
    expect(page.locator(".trouble")).to_contain_text("不要写号码")
    page.get_by_role("textbox", name="事由").fill("寄送三亚市核实资助情况")
    with page.expect_download() as whole:
        page.get_by_role("button", name="打印完整信息").click()
    assert whole.value.suggested_filename.endswith("-完整信息.docx")
    asked = Document(str(whole.value.path())).tables[0]
    assert sorted(row.cells[1].text for row in asked.rows) == ["姓名", "张小明", "陈小梅"]
    page.goto(letter)

    page.get_by_label("对方文号").focus()
    press(page, "琼教〔2026〕7号", "Tab", "Tab")  # past the frame that scrolls
    press(page, "ArrowDown", "Tab", "ArrowDown", "Tab", "625", "Tab", "Tab")  # aided, living subsidy
    press(page, "ArrowDown", "ArrowDown", "ArrowDown", "Tab", "Tab", "Tab", "Enter")  # not registered
    expect(page.locator(".notice")).to_have_text("答复已保存。")
    pump()
    page.reload()
    people = page.locator("#people tbody")
    expect(people).to_contain_text("生活补助 625.00")
    expect(people).to_contain_text("补天窗")
    proper(page, tmp_path / "letter")
    expect(page.get_by_role("button", name="打印完整信息")).to_be_visible()
    in_post(page, "approver", letter)
    expect(page.get_by_role("link", name="下载公函")).to_be_visible()
    expect(page.get_by_role("button", name="打印完整信息")).to_have_count(0)


def test_another_countys_letter_is_kept_when_a_line_cannot_be_looked_for(page: Page, tmp_path: Path) -> None:
    page.get_by_role("link", name="外地来函").click()
    page.get_by_label("来函地代码").fill("460200")
    page.get_by_label("文号").fill("琼教助函〔2026〕9号")
    page.get_by_label("学期").fill("2026秋")
    page.get_by_label("答复期限").fill(str(today() + timedelta(days=20)))
    page.get_by_label("学生").fill("\n".join(["无名"] * 51))
    page.get_by_role("button", name="登记").click()
    expect(page.locator(".trouble")).to_contain_text("最多50行")
    expect(page.get_by_label("文号")).to_have_value("琼教助函〔2026〕9号")
    proper(page, tmp_path / "incoming")
