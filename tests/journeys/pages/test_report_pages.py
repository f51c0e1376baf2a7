"""Regular reports in a real browser: what is due, one report with its numbers, its sheet, another edition after a late
word, and the running period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from services.registry.events import DayOpened as RegistryDayOpened
from services.registry.events import SchoolRegistered, StudentLeft
from shared.kernel.clock import today
from shared.tabular.book import open_book
from tests.journeys.pages.test_registry_pages import proper
from tests.services.happenings import enrolled, someone
from tests.support.notifications_portal import NotificationsPortal, clerks_page, notifications_portal

SCHOOLS = {"S1": ("城关第一小学", "469001101"), "S2": ("城关第二小学", "469001101"), "S3": ("南坡小学", "469001102")}


def a_child(running: NotificationsPortal, school: str, left: date | None = None) -> None:
    child, division = someone(), SCHOOLS[school][1]
    fact = enrolled(child, school, division_code=division, class_name="1班", left_behind=left is not None)
    running.installation.append("registry", child, fact, date(2025, 9, 1))
    if left is not None:
        gone = StudentLeft(school_code=school, division_code=division, reason="dropped_out")
        running.installation.append("registry", child, gone, left)


@pytest.fixture(scope="module")
def first() -> date:
    """The first day of the month in which the last one's reports are due."""
    return today().replace(day=1)


@pytest.fixture(scope="module")
def running(postgres: Any, first: date) -> Iterator[NotificationsPortal]:
    with notifications_portal(postgres) as made:
        for code, (name, division) in SCHOOLS.items():
            fact = SchoolRegistered(school_code=code, name=name, division_code=division)
            made.installation.append("registry", someone(), fact, date(2020, 9, 1))
        for school in SCHOOLS:
            a_child(made, school)
        before = first - timedelta(days=20)
        a_child(made, "S1", before - timedelta(days=2))
        for day in (before, first):
            made.installation.append("registry", UUID(int=7), RegistryDayOpened(day=day), day)
            made.open_day(day)
        yield made


@pytest.fixture
def page(browser: Browser, running: NotificationsPortal) -> Iterator[Page]:
    with clerks_page(browser, running.url, "/dropout/reports") as opened:
        yield opened


def test_a_report_is_read_taken_away_and_issued_again(
    page: Page, running: NotificationsPortal, first: date, tmp_path: Path
) -> None:
    expect(page.locator("nav.pages a[aria-current=page]")).to_have_text("定期报告")
    due = page.locator("#due tbody tr").first
    expect(due.locator("td.number").nth(0)).to_have_text("3")
    expect(due.locator("td.number").nth(1)).to_have_text("3")
    proper(page, tmp_path / "reports")
    page.get_by_role("link", name="城关第一小学").click()
    expect(page.locator("h1")).to_contain_text("城关第一小学控辍保学月报")
    dropped = page.locator("#ledgers tbody tr").filter(has_text="辍学").last
    expect(dropped.locator("td").nth(5)).to_have_text("1")
    expect(page.locator("#confirmed tbody tr")).to_have_count(1)
    proper(page, tmp_path / "report")
    page.get_by_role("link", name="重新核算").click()
    expect(page.locator("#checked")).to_contain_text("完全一致")
    with page.expect_download() as taken:
        page.get_by_role("link", name="xlsx").click()
    path = tmp_path / "report.xlsx"
    taken.value.save_as(path)
    assert open_book(path).sheets[0].name == "三本台账"
    page.get_by_role("button", name="重新出具").click()
    expect(page.locator(".trouble")).to_contain_text("没有变化")
    a_child(running, "S1", first - timedelta(days=20))
    running.pump()
    page.get_by_role("button", name="重新出具").click()
    expect(page.locator(".notice")).to_have_text("已重新出具")
    running.pump()
    page.reload()
    expect(page.locator("#editions tbody tr")).to_have_count(2)
    expect(page.locator("#editions tbody tr").last).to_contain_text("适龄儿童 减少 辍学 1 → 2")


def test_the_running_period_is_shown_and_refused_by_its_name(page: Page, tmp_path: Path) -> None:
    page.goto("/dropout/reports/preview?level=county&place=469001")
    expect(page.locator("#places tbody tr")).to_have_count(3)
    expect(page.get_by_text("未出具,仅供查看")).to_be_visible()
    proper(page, tmp_path / "preview")
    page.goto("/dropout/reports/preview?level=city")
    expect(page.locator(".trouble")).to_contain_text("尚无校历")
