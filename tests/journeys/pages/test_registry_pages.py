"""The registry's own pages in a real browser before a real registry: one box finds a child by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from python_calamine import load_workbook

from services.registry.commands import CorrectStudent, EnrolStudents, RegisterSchools, SchoolRecord, StudentRecord
from services.registry.handlers import enrol_students, register_schools, students_named
from services.registry.reference.reference import (
    ActivateCalendar,
    CloseSchool,
    DivisionChange,
    activate_calendar,
    close_school,
    state_divisions,
)
from services.registry.students.particulars import correct_student
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.standards.identity_number import check_digit
from shared.standards.school_calendar import CalendarYear, Span
from tests.journeys.pages.test_pages import CONTRAST, DESK, PHONE
from tests.journeys.pages.test_review_page import TWICE_AND_UNNAMED
from tests.services.registry.year import change_all
from tests.shared.tabular.workbooks import workbook
from tests.support.registry_portal import RegistryPortal, command, registry_portal

TERM = date(2026, 9, 1)
SCHOOLS = (
    SchoolRecord("3146900101", "望潮镇第一小学", "469001"),
    SchoolRecord("3146900201", "白沙乡中心小学", "469002"),
)


def number(sequence: int) -> str:
    first = f"46900120140815{sequence:03d}"
    return first + check_digit(first)


def child(name: str, sequence: int, school: int) -> StudentRecord:
    own, place = number(sequence), SCHOOLS[school]
    return StudentRecord(
        name, place.school_code, place.division_code, own, f"G{own}", "G", grade="三年级", class_name="2班"
    )


CHILDREN = (child("单小明", 1, 0), child("张晓明", 2, 0), child("张小红", 3, 1), child("章明", 4, 1))


@pytest.fixture(scope="module")
def running(postgres: Any) -> Iterator[RegistryPortal]:
    with registry_portal(postgres) as made:
        register_schools(made.registry, RegisterSchools(SCHOOLS, TERM), command())
        enrol_students(made.registry, EnrolStudents(CHILDREN, TERM), command())
        made.pump()
        yield made


@pytest.fixture
def page(browser: Browser, running: RegistryPortal) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": DESK["width"], "height": DESK["height"]}, locale="zh-CN", base_url=running.url
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto("/demo-issuer/?next=/search")
    opened.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
    opened.wait_for_url("**/search")
    yield opened
    context.close()
    assert complaints == []


def proper(page: Page, picture: Path) -> None:
    """Nothing unnamed or twice, no weak text, no sideways scrolling at both widths; leaves a picture of each."""
    assert page.evaluate(TWICE_AND_UNNAMED) == []
    assert page.evaluate(CONTRAST) == []
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, name
        page.screenshot(path=picture.with_suffix(f".{name}.png"), full_page=True)
        assert picture.with_suffix(f".{name}.png").stat().st_size > 10_000
    page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})


@contextmanager
def signed_in(browser: Browser, running: RegistryPortal, place: str, role: str, size: Any = DESK, **fields: str) -> Any:
    """Somebody's page, at ``place``."""
    context = browser.new_context(viewport=size, locale="zh-CN", base_url=running.url)
    context.set_default_timeout(8_000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"/demo-issuer/?next={place}")
    form = opened.locator(f"form:has(input[name=kind][value={role}])")
    for name, value in fields.items():
        form.locator(f"[name={name}]").select_option(value)
    form.locator("button").click()
    opened.wait_for_url(f"**{place}*")
    yield opened
    context.close()
    assert complaints == []


def row(page: Page, words: str) -> Any:
    return page.locator("table.rows tbody tr", has_text=words)


def look_for(page: Page, typed: str) -> list[str]:
    """By keyboard alone; the names found."""
    page.keyboard.press("/")
    expect(page.locator("[data-box]")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type(typed)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    return [cell.inner_text() for cell in page.locator("table.rows tbody td.name").all()]


def test_a_child_is_found_by_whatever_is_at_hand(page: Page, tmp_path: Path) -> None:
    expect(page.locator("table.rows tbody tr")).to_have_count(4)  # nothing typed: everybody
    assert look_for(page, "shanxm") == []  # no way to say it whole, none by initials
    assert look_for(page, "shanxiao") == ["单*明"] and look_for(page, "danxm") == []
    assert look_for(page, "zxm") == ["张*明"]
    assert look_for(page, "zhang") == ["章*", "张*红", "张*明"]
    assert look_for(page, number(3)) == ["张*红"] and look_for(page, number(3)[-4:]) == ["张*红"]
    assert look_for(page, "第一小学 张") == ["张*明"]
    expect(page.locator(".recognised")).to_have_text("按以下内容查找: 第一小学 (学校) 张 (姓名)")
    proper(page, tmp_path / "search")
    page.goto(f"/students?q=zhang&school={SCHOOLS[1].school_code}")  # the former list of students leads here
    page.wait_for_url(f"**/search?q=zhang&school={SCHOOLS[1].school_code}")
    assert [cell.inner_text() for cell in page.locator("tbody td.name").all()] == ["章*", "张*红"]
    page.get_by_label("姓名、拼音或号码").fill("")
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("table.rows tbody tr")).to_have_count(2)
    expect(page.get_by_role("link", name="学生查询")).to_have_count(1)


def test_arrows_lead_from_the_box_to_a_child_and_back(page: Page) -> None:
    look_for(page, "zhang")
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("table.rows tbody tr").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[data-box]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/students/*")
    expect(page.locator("h1")).to_have_text("章*")


def test_what_is_not_understood_is_said_in_both_languages(page: Page) -> None:
    page.goto("/search?q=12")
    expect(page.locator("main")).to_contain_text("看不出要查什么")
    page.goto("/search?q=12&lang=en")
    expect(page.locator("main")).to_contain_text("What to look for is not clear")


def test_reference_data_lead_from_the_list_to_the_history_of_a_row(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    registry, wide = running.registry, Scope(division="46")
    village = SchoolRecord("3146900901", "望潮镇村小", "469001100", former_names=("望潮村小学",), stages=("primary",))
    register_schools(registry, RegisterSchools((village,), TERM), command())
    close_school(registry, wide, CloseSchool(village.school_code, date(2026, 10, 1), SCHOOLS[0].school_code), command())
    era = (
        DivisionChange("469001", date(1990, 1, 1), "added", "望潮县"),
        DivisionChange("469091", date(1980, 1, 1), "added", "老潮县"),
        DivisionChange("469091", date(1990, 1, 1), "withdrawn", successors=("469001",), source="1990年第1号"),
    )
    state_divisions(registry, era, command())
    year = CalendarYear((Span(TERM, date(2027, 1, 20), "2026-autumn"),), holidays=(Span(TERM, TERM, "开学典礼"),))
    activate_calendar(registry, wide, ActivateCalendar("469001", None, 2026, year, TERM), command())
    running.pump()
    page.goto("/reference/schools?true_on=2026-10-02")
    row = page.locator(f'tr[data-id="{village.school_code}"]')
    expect(row).to_contain_text("望潮县")
    expect(row).to_contain_text("已撤并")
    proper(page, tmp_path / "schools")
    row.get_by_role("link", name="望潮镇村小").click()
    expect(page.locator("tbody tr").first).to_contain_text(f"并入学校: {SCHOOLS[0].school_code}")
    proper(page, tmp_path / "school")
    page.goto("/reference/divisions?in_force=false")
    expect(page.locator('tr[data-id="469091"]')).to_contain_text("469001")
    proper(page, tmp_path / "divisions")
    page.goto("/reference/calendars")
    page.locator("table.rows tbody a").first.click()
    expect(page.locator("tbody tr").first).to_contain_text("开学典礼 2026-09-01 至 2026-09-01")
    page.goto("/reference/schools?known_at=2020-01-01T00:00")
    assert page.locator("table.rows").count() == 0


def test_a_household_is_registered_and_somebody_joins_and_leaves_it(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    names = {"469000": "省直辖", "469011": "新潮县", "469012": "旧潮县"}
    eras = tuple(DivisionChange(code, TERM, "added", name) for code, name in names.items())
    state_divisions(running.registry, eras, command())
    running.pump()
    page.goto("/household-changes")
    page.get_by_role("link", name="新户登记").press("Enter")
    page.get_by_label("户编号").fill("H-NEW")
    page.get_by_label("居住地行政区划代码").fill("469101")
    page.get_by_label("住址").fill("新潮县东门街八号")
    page.get_by_label("第 1 行姓名").focus()
    people = (("张建国", number(90), "户主"), ("李秀英", number(91), "配偶"), ("张小红", number(3), "长女"))
    for name, own, relation in people:
        for typed in (name, own, relation):
            page.keyboard.type(typed)
            page.keyboard.press("Tab")
    look = page.get_by_role("button", name="查看前后情况")
    look.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("469011 新潮县")
    expect(page.get_by_label("第 3 行姓名")).to_have_value("张小红")
    page.get_by_label("居住地行政区划代码").fill("469011")
    look.press("Enter")
    expect(page.locator("#after")).to_contain_text("张*国 户主")
    proper(page, tmp_path / "register")
    page.get_by_role("button", name="登记", exact=True).press("Enter")
    expect(page.locator(".notice")).to_have_text("已登记")
    expect(page.locator("#members tr")).to_have_count(3)
    expect(page.locator(".place")).to_contain_text("469011 新潮县")
    running.pump()
    join = page.locator("#ask-join")
    join.locator("summary").press("Enter")
    join.get_by_label("姓名").fill("张小宝")
    join.get_by_role("button", name="查看前后情况").press("Enter")
    expect(join.locator("#after")).to_contain_text("张*宝")
    join.get_by_role("button", name="登记").press("Enter")
    expect(page.locator("#members tr")).to_have_count(4)
    leave = page.locator("#ask-leave")
    leave.locator("summary").press("Enter")
    leave.get_by_label("减少的成员").select_option(label=f"张*国 {number(90)[:4]}**********{number(90)[-4:]} (户主)")
    leave.get_by_label("减少原因").select_option("died")
    leave.get_by_label("此后的户主").select_option(index=2)
    leave.get_by_role("button", name="查看前后情况").press("Enter")
    expect(leave.locator("#after")).not_to_contain_text("张*国")
    proper(page, tmp_path / "leave")
    leave.get_by_role("button", name="登记").press("Enter")
    expect(page.locator("#members tr")).to_have_count(3)
    page.goto("/household-changes/new")
    page.get_by_label("户编号").fill("H-NEW")
    page.get_by_label("居住地行政区划代码").fill("469011")
    page.get_by_label("第 1 行姓名").fill("张建国")
    page.get_by_role("button", name="查看前后情况").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("该户编号已有登记")
    page.get_by_label("户编号").fill("H-NEW-2")
    page.get_by_label("第 1 行身份证号").fill(number(91))
    page.get_by_role("button", name="查看前后情况").press("Enter")
    expect(page.locator("#elsewhere li")).to_have_count(1)


def test_a_grade_is_reshuffled_by_keyboard_up_to_the_preview(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    page.goto("/changes")
    page.get_by_role("link", name="分班调整").press("Enter")
    page.locator("select[name=school]").select_option(SCHOOLS[1].school_code)
    page.get_by_role("button", name="查看年级").press("Enter")
    expect(page.locator("#grades tbody tr")).to_contain_text("2班 2")
    page.locator("#grades a").press("Enter")
    seats = page.locator("#seats tbody tr")
    expect(seats).to_have_count(2)
    seats.first.locator("input[list]").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("3*班")
    page.keyboard.press("Tab")
    expect(seats.nth(1).locator("input[list]")).to_be_focused()
    page.get_by_label("事由").fill("秋季分班")
    page.get_by_role("button", name="生成预览").press("Enter")
    expect(seats.first).to_contain_text("“班级”的内容无法识别")
    expect(seats.first.locator("input[list]")).to_have_value("3*班")
    seats.first.locator("input[list]").fill("3班")
    proper(page, tmp_path / "seats")
    page.get_by_role("button", name="生成预览").press("Enter")
    page.wait_for_url("**/changes/*-*")
    change_all(running.registry)
    page.reload()
    expect(page.locator("h1")).to_have_text("分班调整")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    expect(page.locator("#rows tbody tr ins")).to_have_text("3班")
    sheet = tmp_path / "of-one-school.xlsx"
    sheet.write_bytes(page.request.get(f"/changes/sheet.xlsx?school={SCHOOLS[1].school_code}").body())
    assert len(load_workbook(sheet).get_sheet_by_index(0).to_python()) == 1 + 2


def test_what_somebody_else_corrected_meanwhile_is_settled_field_by_field(
    page: Page, running: RegistryPortal, tmp_path: Path
) -> None:
    registry = running.registry
    (student,) = students_named(registry, CHILDREN[:1])
    page.goto(f"/students/{student}")
    cells = {"phone": "13900139000", "guardian_name": "单大山"}
    theirs = Command("second clerk", uuid4(), b"")
    correct_student(registry, Scope(division="46"), CorrectStudent(student, TERM, cells), theirs, lambda _: None)
    form = page.locator("#life-correct")
    form.locator("summary").press("Enter")
    form.get_by_label("联系电话").fill("13700137000")
    form.get_by_label("监护人姓名").fill("单老大")
    form.get_by_label("住址").fill("望潮镇三村")
    form.get_by_role("button", name="登记").press("Enter")
    rows = form.locator("#conflict tbody tr")
    expect(rows).to_have_count(2)
    phone = form.locator("tr[data-field=phone]")
    expect(phone).to_contain_text("139****9000")
    expect(phone).to_contain_text("second clerk")
    expect(phone).to_contain_text("13700137000")
    proper(page, tmp_path / "conflict")
    phone.get_by_label("我填写的").check()
    form.locator("tr[data-field=guardian_name]").get_by_label("现在的").check()
    form.get_by_role("button", name="登记").press("Enter")
    expect(page.locator(".notice")).to_have_text("已登记,稍后显示")
    running.pump()
    page.reload()
    shown = page.locator("main")
    expect(shown).to_contain_text("137****7000")
    expect(shown).to_contain_text("单*山")
    expect(shown).to_contain_text("住址****")


def test_places_of_registration_lead_to_their_students(page: Page, running: RegistryPortal, tmp_path: Path) -> None:
    first = "11010120140815009"
    own = first + check_digit(first)
    place = SCHOOLS[0]
    comer = StudentRecord("外小来", place.school_code, place.division_code, own, f"G{own}", "G", grade="三年级")
    enrol_students(running.registry, EnrolStudents((comer,), TERM), command())
    running.pump()
    page.goto("/register-places")
    row = page.locator("table.rows tbody tr", has_text="110101")
    expect(row).to_contain_text("外地来此就读")
    proper(page, tmp_path / "places")
    row.get_by_role("link", name="1").click()
    expect(page.locator("table.rows tbody td.name")).to_have_text(["外*来"])
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 Excel").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_a_list_is_taken_away_in_the_offices_own_sheet(page: Page, tmp_path: Path) -> None:
    template = workbook(tmp_path / "own.xlsx", [("花名册", ""), ("姓名", "身份证号"), ("填表人:", "")])
    page.goto("/exports")
    proper(page, tmp_path / "exports")
    page.locator("select[name=school]").select_option(SCHOOLS[1].school_code)

    def taken() -> list[list[Any]]:
        with page.expect_download() as download:
            page.get_by_role("button", name="导出 Excel").click()
        kept = tmp_path / "taken.xlsx"
        download.value.save_as(kept)
        return load_workbook(kept).get_sheet_by_index(0).to_python()

    assert {row[0] for row in taken()[1:]} == {"张*红", "章*"}
    page.get_by_label("套用本单位表样").set_input_files(template)
    page.get_by_label("事由").fill("上报市级花名册")
    rows = taken()
    assert rows[0][0] == "花名册" and rows[-1][0] == "填表人:"
    assert {tuple(row) for row in rows[2:-1]} == {("张小红", number(3)), ("章明", number(4))}
    page.get_by_label("事由").fill("查 469001201408150030")
    page.get_by_role("button", name="导出 Excel").click()
    expect(page.get_by_role("alert")).to_have_text("事由中请不要写号码")
    expect(page.locator("select[name=school]")).to_have_value(SCHOOLS[1].school_code)
