"""The tasks of a term in a real browser before a real registry: what is due stands on the first page, a school's own
task is recorded by that school and taken up again by the clerk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from services.registry.commands import RegisterSchools
from services.registry.handlers import register_schools
from services.registry.reference.reference import ActivateCalendar, activate_calendar
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.standards.school_calendar import CalendarYear, Span
from tests.journeys.pages.test_registry_pages import SCHOOLS, page, proper
from tests.shared.tabular.workbooks import workbook
from tests.support.registry_portal import RegistryPortal, command, registry_portal

__all__ = ["page"]  # a fixture


@pytest.fixture(scope="module")
def first() -> date:
    """The first day of the term, a Monday: the check of the term's opening is late by now."""
    return today() - timedelta(days=today().weekday() + 7)


@pytest.fixture(scope="module")
def running(postgres: Any, first: date) -> Iterator[RegistryPortal]:
    with registry_portal(postgres) as made:
        register_schools(made.registry, RegisterSchools(SCHOOLS, date(2020, 9, 1)), command())
        year = CalendarYear((Span(first, first + timedelta(days=140), f"{first.year}-spring"),))
        told = ActivateCalendar("469000", None, first.year, year, first)
        activate_calendar(made.registry, Scope(division="46"), told, command())
        made.pump()
        yield made


def act(page: Page, school: str, word: str) -> None:
    """Open the row's form and send it."""
    row = page.locator("table.rows tbody tr", has_text=school)
    row.locator("summary").click()
    if word == "重新打开":
        row.get_by_label("原因").fill("人数有误")
    row.get_by_role("button", name=word).click()


def test_what_is_due_leads_to_its_rows_and_is_done_and_taken_up_again(
    page: Page, running: RegistryPortal, first: date, tmp_path: Path
) -> None:
    page.goto("/")
    tasks = page.locator("section", has=page.locator("#tasks"))
    expect(tasks.locator("tbody tr").filter(has_text="开学核查")).to_contain_text("2 所学校未完成")
    page.screenshot(path=tmp_path / "home.png", full_page=True)
    tasks.get_by_role("link", name="开学核查").click()
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    act(page, SCHOOLS[0].name, "登记完成")
    expect(page.locator(".notice")).to_have_text("已登记完成")
    running.pump()
    page.goto(f"/terms/tasks?task=opening_check&school_year={first.year}&term={first.year}-spring")
    row = page.locator("table.rows tbody tr", has_text=SCHOOLS[0].name)
    expect(row).to_contain_text("已完成")
    proper(page, tmp_path / "tasks")
    act(page, SCHOOLS[0].name, "重新打开")
    running.pump()
    page.reload()
    expect(row).to_contain_text("人数有误")
    page.goto("/terms")
    expect(page.locator("table.rows tbody tr")).to_contain_text(f"{first.year}年春季学期")
    proper(page, tmp_path / "terms")
    page.locator("table.rows tbody td a").first.click()
    expect(page.locator("table.rows tbody tr")).to_have_count(8)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 Excel").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_the_plan_is_read_in_words_and_changed_from_a_day_on(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    page.goto("/terms")
    page.get_by_role("link", name="学期任务安排").press("Enter")
    expect(page.locator("#plan tbody tr")).to_have_count(7)
    expect(page.locator("#plan tbody tr").nth(2)).to_contain_text("“认定基准日”截止日 +3个工作日")
    expect(page.locator("#plan tbody tr").nth(5)).to_contain_text("学期第一天 +2个月 -1天")
    page.locator("#change > summary").press("Enter")
    form = page.locator("#change form")
    added = form.locator("> fieldset").last
    added.locator("[name^=task]").fill("bank_cards")
    added.locator("[name^=name_zh]").fill("银行卡收集")
    added.locator("[name^=name_en]").fill("Bank cards")
    added.locator("[name^=who]").select_option("school")
    added.locator("[name^=due_anchor]").select_option("task")
    added.locator("[name^=due_task]").fill("no_such")
    tomorrow = (today() + timedelta(days=1)).isoformat()
    form.get_by_label("自何日生效").fill(tomorrow)
    form.get_by_role("button", name="启用").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("任务“bank_cards”只能接在它前面的任务之后")
    added = form.locator("> fieldset", has=page.locator("[value=bank_cards]"))
    expect(added.locator("[name^=name_zh]")).to_have_value("银行卡收集")
    expect(form.get_by_label("自何日生效")).to_have_value(tomorrow)
    added.locator("[name^=due_task]").fill("reference_date")
    form.locator("> fieldset").filter(has=page.locator("[value=opening_check]")).get_by_label("取消此任务").press(
        "Space"
    )
    form.get_by_role("button", name="启用").press("Enter")
    expect(page.locator(".notice")).to_have_text("安排已启用")
    running.pump()
    page.reload()
    expect(page.locator("#plan tbody tr")).to_have_count(7)
    expect(page.locator("#plan tbody tr").last).to_contain_text("“认定基准日”截止日")
    expect(page.locator("#plan")).not_to_contain_text("开学核查")
    expect(page.locator("#versions tbody tr")).to_have_count(2)
    proper(page, tmp_path / "plan")
    page.locator("#change > summary").press("Enter")
    proper(page, tmp_path / "plan-form")
    page.goto("/terms/plan?lang=en")
    expect(page.locator("#plan tbody tr").first).to_contain_text("First school day")
    expect(page.locator("#plan")).not_to_contain_text("Bank cards")  # until tomorrow the former plan is in force
    page.goto("/terms?lang=zh")


def test_a_calendar_is_typed_or_sent_and_errors_stay_in_the_form(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    page.goto("/reference/calendars")
    page.get_by_role("link", name="启用校历").click()
    page.get_by_label("行政区划代码").fill("469005")
    page.get_by_label("学年").fill("2030")
    term = page.get_by_role("group", name="第1学期")
    term.get_by_label("代码").fill("2030-autumn")
    term.get_by_label("第一天").fill("2030-09-02")
    term.get_by_label("最后一天").fill("2030-08-01")
    page.get_by_label("节假日").fill("2030-10-01 国庆节")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_role("alert")).to_contain_text("第1行应为")
    proper(page, tmp_path / "calendar")
    page.get_by_label("节假日").fill("2030-10-01 2030-10-07 国庆节")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_role("alert")).to_contain_text("起止日期或名称不正确")
    expect(page.get_by_label("节假日")).to_have_value("2030-10-01 2030-10-07 国庆节")
    term.get_by_label("最后一天").fill("2031-01-20")
    page.get_by_label("补课日").fill("2030-10-12")
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".notice")).to_have_text("校历已启用")
    running.pump()
    page.reload()
    expect(page.locator("table.rows tbody tr", has_text="469005")).to_have_count(1)
    rows = [("类型", "名称", "开始日期", "结束日期"), ("学期", "2031-autumn", "2031-09-01", "2032-01-20")]
    page.goto("/reference/calendars/new")
    page.get_by_label("学年").fill("2031")
    page.get_by_label("行政区划代码").fill("469005")
    page.get_by_label("或上传校历表").set_input_files(workbook(tmp_path / "y.xlsx", rows))
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".notice")).to_have_text("校历已启用")


def test_a_school_is_closed_and_division_codes_are_sent(page: Page, running: RegistryPortal, tmp_path: Path) -> None:
    page.goto(f"/reference/schools/{SCHOOLS[1].school_code}")
    page.get_by_role("link", name="撤并学校").click()
    page.get_by_label("自何日撤销").fill("2019-01-01")
    page.get_by_label("并入学校").select_option(SCHOOLS[0].school_code)
    page.get_by_role("button", name="撤并学校").click()
    expect(page.get_by_role("alert")).to_contain_text("不能早于学校登记之日")
    expect(page.get_by_label("并入学校")).to_have_value(SCHOOLS[0].school_code)
    proper(page, tmp_path / "close")
    page.get_by_label("自何日撤销").fill("2026-11-01")
    page.get_by_role("button", name="撤并学校").click()
    expect(page.locator(".notice")).to_have_text("学校已登记撤并")
    page.goto("/reference/divisions/upload")
    header = ("代码", "名称", "变更日期", "变更类型", "撤并后代码", "依据")
    page.get_by_label("上传区划变更表").set_input_files(workbook(tmp_path / "wrong.xlsx", [header, ("1",) * 6]))
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_role("alert")).to_contain_text("第1行")
    proper(page, tmp_path / "divisions")
    good = ("469007", "新区", "2026-01-01", "设立", "", "虚构")
    page.get_by_label("上传区划变更表").set_input_files(workbook(tmp_path / "good.xlsx", [header, good]))
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".notice")).to_have_text("区划变更已登记")
