"""What a registrar does in a real browser before a real registry: report the day's attendance, on a desk by keyboard
and on a phone by thumb; call back who is suspended too long; settle what lists and agencies say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from services.registry.commands import (
    EnrolStudents,
    LeaveRegister,
    MemberRecord,
    RecordLeaving,
    RecordListEntries,
    RegisterHousehold,
    RegisterSchools,
    StudentRecord,
)
from services.registry.handlers import (
    enrol_students,
    record_leaving,
    record_list_entries,
    register_schools,
    students_named,
)
from services.registry.households.households import change_household, register_household
from services.registry.households.reach import Reach
from services.registry.lists.freshness import Contract
from services.registry.lists.reporting import Reporting
from services.registry.lists.single_rows import single_row
from services.registry.reference.reference import ActivateCalendar, activate_calendar
from services.registry.sheets.schools import SchoolDirectory
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.standards.school_calendar import CalendarYear, Span
from tests.journeys.pages.test_pages import PHONE
from tests.journeys.pages.test_registry_pages import SCHOOLS, number, page, proper, row, signed_in
from tests.support.registry_portal import RegistryPortal, command, registry_portal

__all__ = ["page"]  # a fixture
SINCE = date(2020, 9, 1)
NAMES = ("张小明", "张晓明", "李小红", "王二妮", "陈大力")


def pupil(name: str, sequence: int, grade: str, class_name: str) -> StudentRecord:
    own, place = number(sequence), SCHOOLS[0]
    words = {"stage": "primary", "grade": grade, "class_name": class_name}
    return StudentRecord(name, place.school_code, place.division_code, own, f"G{own}", "G", **words)  # type: ignore[arg-type]


PUPILS = [
    *(pupil(name, 20 + place, "三年级", "1班") for place, name in enumerate(NAMES)),
    pupil("孙小五", 30, "三年级", "2班"),
    pupil("周小六", 31, "一年级", "1班"),
]


@pytest.fixture(scope="module")
def free() -> date:
    """A day on which the calendar says there is no school: further back than any that is reached from today."""
    return today() - timedelta(days=7)


@pytest.fixture(scope="module")
def running(postgres: Any, free: date) -> Iterator[RegistryPortal]:
    with registry_portal(postgres) as made:
        register_schools(made.registry, RegisterSchools(SCHOOLS, SINCE), command())
        enrol_students(made.registry, EnrolStudents(tuple(PUPILS), SINCE), command())
        first = today() - timedelta(days=60)
        term = Span(first, first + timedelta(days=140), f"{first.year}-spring")
        year = CalendarYear((term,), rest_weekdays=(), holidays=(Span(free, free, "校庆"),))
        activate_calendar(
            made.registry, Scope(division="46"), ActivateCalendar("469000", None, first.year, year, first), command()
        )
        made.pump()
        yield made


def test_a_registrar_reports_the_day_by_keyboard_and_corrects_it_and_the_county_sees_it(
    browser: Browser, running: RegistryPortal, free: date, tmp_path: Path
) -> None:
    school = {"school": SCHOOLS[0].school_code}
    with signed_in(browser, running, "/attendance", "registrar", **school) as page:
        expect(page.locator("h1")).to_contain_text(SCHOOLS[0].name)
        expect(page.locator("table.rows tbody tr")).to_have_count(3)
        expect(page.locator("table.rows tbody tr td").first).to_have_text("小学 一年级 1班")
        proper(page, tmp_path / "classes")
        page.keyboard.press("j")
        page.keyboard.press("a")
        page.wait_for_url("**done=attendance")
        expect(row(page, "一年级 1班")).to_contain_text("已报,全员到齐")
        expect(page.locator(".balance")).to_have_text("已报 1 个班,共 3 个班")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/attendance/class*")
        absent = page.locator("li", has_text="李*红")
        absent.locator("select").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.locator("li", has_text="王*妮").locator("select").select_option("late")
        proper(page, tmp_path / "class")
        page.get_by_role("button", name="上报").press("Enter")
        page.wait_for_url("**done=attendance")
        expect(row(page, "三年级 1班")).to_contain_text("缺勤 1 人,迟到 1 人")
        row(page, "三年级 1班").get_by_role("link", name="更正").click()
        expect(page.locator("li", has_text="李*红").locator("select")).to_have_value("sick")
        expect(page.locator("li", has_text="李*红").locator("input")).to_be_checked()
        page.locator("li", has_text="李*红").locator("select").select_option("leave")
        page.locator("li", has_text="王*妮").locator("select").select_option("")
        page.get_by_role("button", name="保存更正").click()
        expect(row(page, "三年级 1班")).to_contain_text("缺勤 1 人,迟到 0 人 (更正过)")
        page.locator("summary", has_text="未报的 1 个班全部到齐").press("Enter")
        page.get_by_role("button", name="确认全部到齐").press("Enter")
        expect(page.locator(".balance")).to_have_text("已报 3 个班,共 3 个班")
        page.locator("input[type=date][name=day]").fill(free.isoformat())
        page.get_by_role("button", name="查看").click()
        expect(page.locator(".opinion")).to_contain_text("不是上课日")
        expect(page.locator("summary", has_text="全部到齐")).to_have_count(0)
        proper(page, tmp_path / "free-day")
    running.pump()
    with signed_in(browser, running, "/attendance", "aid_clerk") as page:
        expect(row(page, SCHOOLS[0].name)).to_be_visible()
        expect(row(page, SCHOOLS[0].name).locator("td").nth(2)).to_have_text("3")
        proper(page, tmp_path / "schools")
        row(page, SCHOOLS[0].name).get_by_role("link").click()
        expect(page.locator("#classes tbody tr")).to_have_count(3)


def test_what_was_chosen_stays_when_the_registry_refuses(browser: Browser, running: RegistryPortal) -> None:
    school = {"school": SCHOOLS[0].school_code}
    with signed_in(browser, running, "/attendance", "registrar", PHONE, **school) as page:
        page.get_by_role("link", name="前一天").click()
        page.get_by_role("link", name="前一天").click()
        row(page, "三年级 1班").get_by_role("link", name="填写缺勤").click()
        day = page.locator("input[name=day]")
        day.evaluate("field => { field.value = '2021-01-05' }")
        page.locator("li", has_text="陈*力").locator("select").select_option("unexplained")
        page.get_by_role("button", name="上报").click()
        expect(page.get_by_role("alert")).to_contain_text("距今过久")
        expect(page.locator("li", has_text="陈*力").locator("select")).to_have_value("unexplained")


def test_who_is_suspended_too_long_is_extended_or_back_from_the_row(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    registry, wide = running.registry, Scope(division="46")
    due = today() - timedelta(days=10)
    ids = students_named(registry, PUPILS[-2:])
    for student in ids:
        away = RecordLeaving(student, due - timedelta(days=30), "suspended", due)
        record_leaving(registry, wide, away, command())
    running.pump()
    page.goto("/suspensions")
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    expect(row(page, "周*六")).to_contain_text(SCHOOLS[0].name)
    proper(page, tmp_path / "suspensions")
    first = row(page, "周*六")
    first.locator("summary", has_text="延长休学").press("Enter")
    first.get_by_label("应复学日期").fill((today() + timedelta(days=30)).isoformat())
    first.get_by_role("button", name="延长休学").click()
    expect(page.locator(".notice")).to_contain_text("已登记延长")
    second = row(page, "孙*五")
    second.locator("summary", has_text="已复学").press("Enter")
    second.get_by_role("button", name="已复学").click()
    expect(page.locator(".notice")).to_contain_text("已登记复学")
    running.pump()
    page.goto("/suspensions")
    assert page.locator("table.rows tbody tr").count() == 0
    page.get_by_role("link", name="全部", exact=True).click()
    expect(page.locator("table.rows tbody tr")).to_have_count(1)


def test_two_agencies_about_one_person_stand_side_by_side(page: Page, running: RegistryPortal, tmp_path: Path) -> None:
    page.goto("/contradictions")
    expect(page.locator(".empty")).to_have_text("目前没有互相矛盾的记录")
    for agency, name in (("poverty_office", "王二妮"), ("disability_federation", "王二尼")):
        fields = {"name": name, "id_number": number(40), "household_type": "脱贫户"}
        read = single_row("poverty", 1, fields, SchoolDirectory.of(()))
        intent = RecordListEntries(agency, "poverty", ((read, 1),), today())
        record_list_entries(running.registry, intent, "poverty", command())
    running.pump()
    page.reload()
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    expect(row(page, "王*妮")).to_contain_text("姓名: 王*妮")
    expect(row(page, "残联")).to_contain_text("王*尼")
    proper(page, tmp_path / "contradictions")


def test_a_rhythm_is_agreed_with_an_agency_from_its_row(page: Page, running: RegistryPortal, tmp_path: Path) -> None:
    registry = running.registry
    contract = Contract(since=today() - timedelta(days=40), every_days=7)
    Reporting(registry.store, registry.keys, registry.division).activate(
        registry.database, "civil_affairs", "civil", contract, today(), command()
    )
    page.goto("/freshness")
    agreed = row(page, "民政局")
    expect(agreed.locator("td").nth(4)).to_have_text((today() - timedelta(days=40)).isoformat())
    agreed.locator("summary").press("Enter")
    proper(page, tmp_path / "freshness")
    agreed.get_by_label("周期").select_option("day_of_month")
    agreed.locator("input[name=number]").fill("5")
    agreed.locator("textarea").fill("2026-10-01")
    agreed.get_by_role("button").click()
    expect(agreed.get_by_role("alert")).to_contain_text("假期第1行应为")
    expect(agreed.locator("textarea")).to_be_focused()
    expect(agreed.get_by_label("周期")).to_have_value("day_of_month")
    expect(agreed.locator("input[name=number]")).to_have_value("5")
    proper(page, tmp_path / "freshness refused")
    agreed.locator("textarea").fill("2026-10-01 2026-10-07")
    agreed.get_by_role("button").click()
    expect(page.locator(".notice")).to_have_text("约定已生效")
    expect(row(page, "民政局").locator("td").nth(4)).not_to_have_text((today() - timedelta(days=40)).isoformat())


def test_what_happens_to_a_student_is_recorded_on_her_page(page: Page, running: RegistryPortal, tmp_path: Path) -> None:
    child = PUPILS[2]
    student = students_named(running.registry, [child])[0]

    def opens(act: str) -> Any:
        running.pump()
        page.goto(f"/students/{student}")
        form = page.locator(f"#life-{act}")
        form.locator("summary").press("Enter")
        return form

    moved = opens("class")
    moved.get_by_label("班级").fill("2班")
    moved.get_by_role("button").press("Enter")
    expect(page.locator(".notice")).to_have_text("已登记,稍后显示")
    corrected = opens("correct")
    corrected.get_by_label("身份证号", exact=True).fill("123")
    corrected.get_by_role("button").press("Enter")
    expect(page.get_by_role("region", name="学籍变动").get_by_role("alert")).to_be_visible()
    expect(page.locator("#life-correct").get_by_label("身份证号", exact=True)).to_have_value("123")
    page.locator("#life-correct").get_by_label("身份证号", exact=True).fill("")
    page.locator("#life-correct").get_by_label("联系电话").fill("13911112222")
    page.locator("#life-correct").get_by_role("button").press("Enter")
    left = opens("leave")
    expect(page.locator("dl.particulars").first).to_contain_text("139****2222")
    left.get_by_label("原因").select_option("suspended")
    left.get_by_label("应复学日期").fill((today() + timedelta(days=200)).isoformat())
    proper(page, tmp_path / "life")
    left.get_by_role("button").press("Enter")
    back = opens("return")
    expect(page.locator(".place").first).to_contain_text("2班")
    back.get_by_role("button").press("Enter")
    gone = opens("transfer-out")
    gone.get_by_label("转往何处").select_option("elsewhere")
    gone.get_by_role("button").press("Enter")
    accepted = opens("accept-elsewhere")
    accepted.get_by_label("转入地行政区划代码").fill("440103")
    accepted.get_by_role("button").press("Enter")
    opens("return")
    expect(page.locator(".place").first).to_contain_text("已由外地接收")
    with signed_in(page.context.browser, running, "/search", "auditor") as auditor:  # type: ignore[arg-type]
        auditor.goto(f"/students/{student}")
        expect(auditor.locator("[id^=life-]")).to_have_count(0)


def test_a_clerk_records_another_head_a_move_and_an_entry_after_seeing_before_and_after(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    child = PUPILS[0]
    people = (MemberRecord("王建国", number(60), "户主", head=True), MemberRecord(child.name, child.id_number, "长子"))
    told = RegisterHousehold("poverty", "H-60", "469001", people, SINCE, "脱贫户")
    house = running.registry.keys.household("poverty", "H-60")
    register_household(running.registry, told, command())
    lifted = LeaveRegister(house, "lifted", today() - timedelta(days=30))
    change_household(running.registry, Reach(frozenset({"poverty"})), lifted, command())
    running.pump()
    page.goto(f"/household-changes/of/{house}")
    expect(page.locator("#register-times")).to_contain_text("脱贫")
    page.locator("#members a").press("Enter")  # the pupil's own page, and back
    page.wait_for_url("**/students/*")
    page.locator("#households a").press("Enter")
    page.wait_for_url(f"**/household-changes/of/{house}*")
    head = page.locator("#ask-head")
    head.locator("summary").press("Enter")
    head.get_by_label("新户主").select_option(index=1)
    head.get_by_label("自何日起").fill("2019-01-01")
    head.get_by_role("button", name="查看前后情况").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("2020-09-01")
    head.get_by_label("自何日起").fill(today().isoformat())
    head.get_by_role("button", name="查看前后情况").press("Enter")
    expect(head.locator("#before")).to_contain_text("王*国 户主")
    expect(head.locator("#after")).to_contain_text("张*明 户主")
    head.get_by_role("button", name="登记").press("Enter")
    expect(page.locator(".notice")).to_have_text("已登记")
    expect(page.locator("#members tr", has_text="户主")).to_contain_text("张*明")
    move = page.locator("#ask-move")
    move.locator("summary").press("Enter")
    move.get_by_label("迁入地行政区划代码").fill("469002")
    move.get_by_label("新住址").fill("琼海市嘉积镇东门街八号")
    move.get_by_role("button", name="查看前后情况").press("Enter")
    expect(move.locator("#after")).to_contain_text("469002 琼海市嘉积镇****")
    move.get_by_role("button", name="登记").press("Enter")
    expect(page.locator(".place")).to_contain_text("469002")
    entry = page.locator("#ask-register-entry")
    entry.locator("summary").press("Enter")
    entry.get_by_label("户类型").fill("脱贫不稳定户")
    entry.get_by_role("button", name="查看前后情况").press("Enter")
    expect(entry.locator("#before")).to_contain_text("不在册")
    proper(page, tmp_path / "entry")
    entry.get_by_role("button", name="登记").press("Enter")
    expect(page.locator("#register-times tbody tr")).to_have_count(2)
    expect(page.locator("#register-times")).to_contain_text("在册至今")
    expect(page.locator("#ask-register-entry")).to_have_count(0)


def test_a_clerk_asks_for_a_split_a_merger_and_an_exit_after_seeing_before_and_after(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    for house, sequences in (("H-1", (50, 51, 52)), ("H-2", (53,))):
        people = [
            MemberRecord(name, number(each), None, head=place == 0)
            for place, (each, name) in enumerate(zip(sequences, ("王建国", "李秀英", "王小明"), strict=False))
        ]
        told = RegisterHousehold("poverty", house, "469001", tuple(people), SINCE, "脱贫户")
        register_household(running.registry, told, command())
    page.goto("/household-changes")
    page.get_by_label("户编号").fill("H-9")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("没有这一户")
    page.get_by_label("户编号").fill("H-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/household-changes/of/*")
    here = page.url
    expect(page.locator("#members tr")).to_have_count(3)
    split = page.locator("#ask-split")
    split.locator("summary").press("Enter")
    split.get_by_label("新户编号").fill("H-2")
    split.get_by_label("申请理由").fill("子女婚后分户")
    split.get_by_role("button", name="查看前后情况").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("请勾选分出去的成员")
    split.locator("fieldset label", has_text="王*明").locator("input").press("Space")
    split.get_by_role("button", name="查看前后情况").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("该户编号已有登记")
    expect(split.get_by_label("申请理由")).to_have_value("子女婚后分户")
    expect(split.locator("fieldset label", has_text="王*明").locator("input")).to_be_checked()
    expect(split.get_by_role("button", name="提交申请")).to_have_count(0)
    split.get_by_label("新户编号").fill("H-3")
    split.get_by_role("button", name="查看前后情况").press("Enter")
    expect(split.locator("#after")).to_contain_text("王*明")
    proper(page, tmp_path / "household")
    split.get_by_role("button", name="提交申请").press("Enter")
    page.wait_for_url(lambda address: "/of/" not in address)
    expect(page.locator("h1")).to_have_text("分户")
    expect(page.locator("#before tr")).to_have_count(2)
    page.locator("details.close > summary").press("Enter")
    numbered = f"{number(90)} 已另行登记"
    why = page.locator("input[name=reason]")
    why.fill(numbered)
    why.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("请不要写号码")
    expect(why).to_have_value(numbered)
    expect(why).to_be_visible()
    page.goto(here)
    merge = page.locator("#ask-merge")
    merge.locator("summary").press("Enter")
    merge.get_by_label("并入户编号").fill("H-2")
    merge.get_by_label("申请理由").fill("两户合并居住")
    merge.get_by_role("button", name="查看前后情况").press("Enter")
    expect(merge.locator("#after")).to_contain_text("已并入另一户")
    leave = page.locator("#ask-register-exit")
    leave.locator("summary").press("Enter")
    leave.get_by_label("退出原因").select_option("lifted")
    leave.get_by_label("申请理由").fill("收入稳定达标")
    leave.get_by_role("button", name="查看前后情况").press("Enter")
    expect(leave.locator("#after")).to_contain_text("不在册")
    leave.get_by_role("button", name="提交申请").press("Enter")
    expect(page.locator("h1")).to_have_text("退出建档立卡")
    page.goto("/household-changes")
    expect(page.locator("#proposals tbody tr")).to_have_count(2)
    with signed_in(page.context.browser, running, "/household-changes", "aid_clerk", PHONE) as phone:  # type: ignore[arg-type]
        proper(phone, tmp_path / "proposals")
