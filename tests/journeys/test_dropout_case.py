"""A case in a real browser before real notifications: from the list over team and attempt to a closing that is refused
first, and the board whose numbers lead to their children."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from services.registry.events import ClassAttendanceReported, SchoolRegistered, StudentLeft
from shared.kernel.clock import today
from tests.journeys.pages.test_registry_pages import proper
from tests.services.happenings import enrolled, link, listed, someone
from tests.support.notifications_portal import NotificationsPortal, clerks_page, notifications_portal

NAMES = ("李小云", "王海生", "陈亚妹", "符小强")
TOWNSHIPS = ("469001101", "469001102", "469001103")
NOTE = "母亲说外出打工的父亲下周回来"


def a_dropout(running: NotificationsPortal, number: int) -> UUID:
    """A child of one of the three townships' schools who left eight days ago."""
    child, place = someone(), number % len(TOWNSHIPS)
    school, division = f"S{place}", TOWNSHIPS[place]
    fact = enrolled(
        child, school, name=NAMES[number], division_code=division, stage="junior", grade="8",
        class_name=f"{number + 1}班", left_behind=number == 1, birth_date=date(2013, 3, 1),
    )  # fmt: skip
    running.installation.append("registry", child, fact, date(2022, 9, 1))
    left = StudentLeft(school_code=school, division_code=division, reason="dropped_out")
    running.installation.append("registry", child, left, today() - timedelta(days=8))
    return child


@pytest.fixture(scope="module")
def running(postgres: Any) -> Iterator[NotificationsPortal]:
    with notifications_portal(postgres) as made:
        for number, division in enumerate(TOWNSHIPS):
            school = SchoolRegistered(
                school_code=f"S{number}", name=f"第{'一二三'[number]}中学", division_code=division
            )
            made.installation.append("registry", someone(), school, date(2020, 9, 1))
        children = [a_dropout(made, number) for number in range(len(NAMES))]
        entry = someone()
        made.installation.append("registry", entry, listed(someone(), division_code=TOWNSHIPS[0]), date(2026, 1, 1))
        made.installation.append("matching", someone(), link(entry, children[0]), date(2026, 1, 1))
        for days in (7, 0):  # the first of them raised a week ago: its deadlines are over
            made.open_day(today() - timedelta(days=days))
        yield made


@pytest.fixture
def page(browser: Browser, running: NotificationsPortal) -> Iterator[Page]:
    with clerks_page(browser, running.url, "/alerts") as opened:
        yield opened


def say(page: Page, running: NotificationsPortal, sentence: str) -> None:
    """What was done is said, and stands on the page once the views have caught up."""
    expect(page.locator(".notice")).to_have_text(sentence)
    running.pump()
    page.reload()


def test_a_case_goes_from_the_list_to_its_closing(page: Page, running: NotificationsPortal, tmp_path: Path) -> None:
    rows = page.locator("table.rows tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("李*云")  # of a poor household: before the left-behind one
    expect(rows.first).to_contain_text("困难家庭")
    expect(rows.first).to_contain_text("乡镇")  # escalated: nobody read it in time
    proper(page, tmp_path / "alerts")
    rows.first.get_by_role("link", name="学籍登记为辍学").click()
    case = page.url
    expect(page.locator("#happened")).to_contain_text("逾期未知悉")
    page.get_by_role("button", name="已知悉").click()
    say(page, running, "已记录为知悉")
    team = page.locator("section", has=page.locator("#s-team"))
    for role, account, name in (
        ("乡镇牵头人", "", "赵大海"), ("教师", "teacher-1", ""), ("村干部", "", "钱二"), ("家长或监护人", "", "孙三")
    ):  # fmt: skip
        member = team.get_by_role("group", name=role)
        member.get_by_label("账号").fill(account)
        if role != "家长或监护人":
            member.get_by_label("或姓名").fill(name)
    team.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_contain_text("帮扶小组应有")
    expect(team.get_by_role("group", name="村干部").get_by_label("或姓名")).to_have_value("钱二")
    proper(page, tmp_path / "team")
    team.get_by_role("group", name="家长或监护人").get_by_label("或姓名").fill("孙三")
    team.get_by_role("button", name="保存").click()
    say(page, running, "小组已登记")
    expect(team).to_contain_text("赵*海")
    page.get_by_text("登记劝返", exact=True).click()
    form = page.locator("form[action$='/attempts']")
    form.get_by_label("方式").select_option("home_visit")
    form.get_by_label("结果").select_option("hesitating")
    form.get_by_label("教师").check()
    form.get_by_label("下一步").select_option("phone")
    form.get_by_label("约定日期").fill((today() + timedelta(days=3)).isoformat())
    form.get_by_label("备注(仅本校和填写人可查看)").fill(NOTE)
    proper(page, tmp_path / "attempt")
    form.get_by_role("button", name="保存").click()
    say(page, running, "劝返已登记")
    expect(page.locator("#happened tbody tr").first).to_contain_text("家访 · 犹豫 · 参与:教师 · 下一步:电话联系")
    assert NOTE not in page.content()
    page.locator("section.steps").get_by_text("销号", exact=True).first.click()
    closing = page.locator("form[action$='/close']")
    expect(closing.locator(".lacking")).to_contain_text("缺少返校考勤")
    closing.get_by_label("销号理由").select_option("attending_again")
    closing.get_by_label("依据(证明文件编号)").fill("考勤表 9")
    closing.get_by_role("button", name="销号").click()
    expect(page.get_by_role("alert")).to_contain_text("目前有0个")
    expect(closing.get_by_label("依据(证明文件编号)")).to_have_value("考勤表 9")
    proper(page, tmp_path / "refused")
    closing.get_by_label("销号理由").select_option("accepted_elsewhere")
    closing.get_by_label("接收学校回执编号").fill("穗转 2026-118")
    closing.get_by_role("button", name="销号").click()
    say(page, running, "已销号")
    expect(page.locator("#happened tbody tr").first).to_contain_text("穗转 2026-118")
    page.get_by_label("事由").fill("核对劝返记录")
    page.get_by_role("button", name="查看").click()
    expect(page.locator(".revealed")).to_contain_text(NOTE)  # she wrote it herself
    expect(page.locator(".revealed")).to_contain_text("赵大海")
    proper(page, tmp_path / "closed")
    page.goto("/alerts")
    expect(rows).to_have_count(3)
    assert case.rpartition("/")[2] not in page.content()


def test_every_number_of_the_board_leads_to_its_children(
    page: Page, running: NotificationsPortal, tmp_path: Path
) -> None:
    page.goto("/dropout")
    expect(page.locator("svg.trend")).to_be_visible()
    proper(page, tmp_path / "board")
    for cell in page.locator("#places td.number a").all():
        address = cell.get_attribute("href")
        assert address is not None
        shown = page.request.get(address).text()
        assert shown.count("<tr data-id=") == int(cell.inner_text()), address
    page.locator(".townships a").last.click()
    expect(page.locator("table.rows tbody tr").first).to_contain_text("第三中学")
    page.goto("/dropout/children?ledger=dropped_out")
    proper(page, tmp_path / "children")
    for address in ("/alerts/spring?state=all", "/alerts/summer?state=all"):
        page.goto(address)
        proper(page, tmp_path / address.split("/")[2].partition("?")[0])


def a_class_with_one_away(running: NotificationsPortal) -> None:
    """Twelve weekdays of one class; one child did not come on the last six of the first nine, and came back."""
    pupils = [someone() for _ in range(3)]
    for pupil in pupils:
        fact = enrolled(
            pupil, "S1", division_code=TOWNSHIPS[1], stage="primary", grade="5", class_name="5班",
            left_behind=pupil == pupils[0],
        )  # fmt: skip
        running.installation.append("registry", pupil, fact, date(2022, 9, 1))
    days = [day for each in range(30, 8, -1) if (day := today() - timedelta(days=each)).isoweekday() < 6][:12]
    for number, day in enumerate(days):
        report = ClassAttendanceReported(
            school_code="S1", division_code=TOWNSHIPS[1], stage="primary", grade="5", class_name="5班",
            members=len(pupils), absences={"unexplained": (pupils[0],)} if 3 <= number < 9 else {},
            half_day=(), cleared=(), school_day=None, reported_by="teacher",
        )  # fmt: skip
        running.installation.append("registry", someone(), report, day)
    running.pump()


def test_thresholds_are_tried_on_a_past_and_put_into_force(
    page: Page, running: NotificationsPortal, tmp_path: Path
) -> None:
    a_class_with_one_away(running)
    page.goto("/dropout/rules")
    page.get_by_role("link", name="规则效果试算").click()
    page.locator("input[name=absent_days_running]").fill("5")
    page.locator("input[name=first]").fill((today() - timedelta(days=31)).isoformat())
    page.get_by_role("button", name="试算", exact=True).click()
    row = page.locator("#kinds tbody tr", has_text="连续缺勤")
    expect(row.locator("td.number").first).to_have_text("1")
    expect(page.locator("#schools tbody tr")).to_contain_text("S1")
    proper(page, tmp_path / "tried")
    page.get_by_role("button", name="按这组阈值更改规则").click()
    form = page.locator("#change form")
    expect(form.locator("input[name=absent_days_running]")).to_have_value("5")
    form.locator("input[name=absent_share]").fill("7")
    form.locator("input[name=as_of]").fill(today().isoformat())
    form.locator("input[name=division_0]").fill(TOWNSHIPS[2])
    form.locator("input[name=return_days_0]").fill("4")
    page.get_by_role("button", name="自该日起启用").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(form.locator("input[name=division_0]")).to_have_value(TOWNSHIPS[2])
    proper(page, tmp_path / "rules")
    form.locator("input[name=absent_share]").fill("0.3")
    page.get_by_role("button", name="自该日起启用").click()
    say(page, running, "预警规则已启用")
    thresholds = page.locator("#thresholds tbody tr", has_text="连续无故缺勤")
    expect(thresholds.locator("td.number").first).to_have_text("5")
    expect(page.locator("#thresholds thead")).to_contain_text(TOWNSHIPS[2])
    expect(page.locator("#versions tbody tr").first).to_contain_text("现行")
    expect(page.locator("#versions tbody tr").first).to_contain_text("连续无故缺勤(教学日) → 5")
    page.goto("/dropout/left-behind")
    expect(page.locator("table.rows tbody tr")).to_have_count(1)
    expect(page.locator("table.rows tbody tr")).to_contain_text("是")
    proper(page, tmp_path / "left-behind")
    page.goto("/alerts")
    page.locator("table.rows tbody tr", has_text="王*生").get_by_role("link", name="学籍登记为辍学").click()
    expect(page.locator("section", has=page.locator("#s-why"))).to_contain_text("还没有登记照护情况")
