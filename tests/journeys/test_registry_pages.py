"""The registry's own pages in a real browser before a real registry: one box finds a child by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from python_calamine import load_workbook

from services.registry.commands import EnrolStudents, RegisterSchools, SchoolRecord, StudentRecord
from services.registry.handlers import enrol_students, register_schools
from services.registry.reference.reference import (
    ActivateCalendar,
    CloseSchool,
    DivisionChange,
    activate_calendar,
    close_school,
    state_divisions,
)
from shared.database.scopes import Scope
from shared.standards.identity_number import check_digit
from shared.standards.school_calendar import CalendarYear, Span
from tests.journeys.test_pages import CONTRAST, DESK, PHONE
from tests.journeys.test_review_page import TWICE_AND_UNNAMED
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
