"""Story: what takes two people, on the page. A paper is typed with the keyboard and recorded when a second clerk typed
the same; a school asks for a correction and sees it made; a household is split when the approver agrees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.pages.test_changes_page import shown, signed_in, town
from tests.journeys.pages.test_pages import DESK, PHONE
from tests.support.district import District

__all__ = ["town"]  # a fixture


@pytest.fixture
def first(browser: Browser, town: District) -> Iterator[Page]:
    page = signed_in(browser, town)
    yield page
    page.context.close()


@pytest.fixture
def second(browser: Browser, town: District) -> Iterator[Page]:
    page = signed_in(browser, town, desk="2")
    yield page
    page.context.close()


@pytest.fixture
def approver(browser: Browser, town: District) -> Iterator[Page]:
    page = signed_in(browser, town, "approver")
    yield page
    page.context.close()


def test_a_paper_is_typed_twice_and_then_recorded(first: Page, second: Page, town: District) -> None:
    child, school = town.people.child(), town.schools[3]
    first.goto("/papers")
    expect(first.locator("input[name=name]")).to_be_focused()
    first.keyboard.type(child.name)
    first.keyboard.press("Tab")
    first.keyboard.type(child.number)
    first.locator("input[name=school_code]").fill(school.code)
    first.keyboard.press("Enter")
    first.wait_for_url("**/papers/*")
    expect(first.locator(".place .code")).to_have_text("待复核")
    scan = {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 one page"}
    first.locator("input[type=file]").set_input_files(scan)  # type: ignore[arg-type]
    first.get_by_role("button", name="附上扫描件").press("Enter")
    expect(first.get_by_role("button", name="查看扫描件(将被记录)")).to_be_visible()
    expect(first.get_by_role("button", name="核对并入库")).to_have_count(0)
    assert child.number not in first.content()

    second.goto(first.url)
    expect(second.locator("input[name=name]").first).to_be_focused()
    second.keyboard.type(child.name)
    second.keyboard.press("Tab")
    second.keyboard.type(child.number[:-2] + ("00" if not child.number.endswith("00") else "11"))
    second.keyboard.press("Enter")
    expect(second.locator("#differing")).to_contain_text(child.number)
    assert shown(town, school.code) == []
    second.locator("form[action$='/check'] input[name=id_number]").fill(child.number)
    second.keyboard.press("Enter")
    expect(second.locator(".place .code")).to_have_text("已入库")
    town.system.eventually(lambda: len(shown(town, school.code)) == 1, "the child is enrolled")


def test_a_school_asks_and_the_owner_corrects(browser: Browser, second: Page, town: District) -> None:
    child, own, other = town.people.child(), town.schools[3], town.schools[2]
    record = child.record() | {"school_code": own.code, "school": None}
    student = town.office.clerk.do("registry", "/students", record)["student_ids"][0]
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=f"http://127.0.0.1:{town.system.port}")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/demo-issuer/?next=/requests")
    form = page.locator("form:has(input[name=kind][value=registrar])")
    form.locator("select[name=school]").select_option(other.code)
    form.locator("button").click()
    page.wait_for_url("**/requests")
    page.locator("input[name=record]").fill(f"http://127.0.0.1/students/{student}")
    page.locator("input[name=to_phone]").fill("13911112222")
    page.locator("input[name=reason]").fill("家长来电更正")
    page.locator("input[name=evidence]").fill("来电登记本")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*")
    expect(page.locator("#values tr[data-field=phone]")).to_contain_text("139****2222")
    expect(page.get_by_role("button", name="同意更正")).to_have_count(0)

    def waits() -> bool:
        second.goto("/requests")
        return second.locator("#inbox-rows tbody tr").count() == 1

    town.system.eventually(waits, "the request is in the inbox")
    second.locator("#inbox-rows tbody a").press("Enter")
    second.get_by_role("button", name="同意更正").press("Enter")
    expect(second.locator(".place .code")).to_have_text("已更正")
    town.system.eventually(
        lambda: town.office.clerk.read("registry", f"/students/{student}")["phone"] == "139****2222", "it is corrected"
    )
    context.close()


def test_a_household_is_split_when_the_approver_agrees(approver: Page, town: District) -> None:
    clerk, people = town.office.clerk, town.people.children(2)
    members = [{"name": each.name, "id_number": each.number, "head": each is people[0]} for each in people]
    body: dict[str, Any] = {"list": "poverty", "household_number": "PAGE-1", "members": members}
    household = clerk.do("registry", "/households", body)["household_id"]
    path = f"/households/{household}"
    town.system.eventually(lambda: clerk.http.get(clerk.url("registry", path)).is_success, "the household is shown")
    member = clerk.read("registry", path)["members"][1]["member_id"]
    split = {"household_number": "PAGE-2", "member_ids": [member], "on": town.today.isoformat(), "why": "子女分户"}
    clerk.do("registry", f"{path}/split", split)
    approver.goto("/household-changes")
    approver.locator("#proposals tbody a").first.press("Enter")
    expect(approver.locator("#before tr")).to_have_count(2)
    expect(approver.locator("#after")).not_to_contain_text("(无成员)")
    approver.get_by_role("button", name="批准执行").press("Enter")
    expect(approver.locator(".place .code")).to_have_text("已办理")


@pytest.mark.parametrize(
    ("path", "title"),
    [("/requests", "Requests to correct"), ("/papers", "From paper"), ("/household-changes", "Changes of households")],
)
def test_the_pages_fit_a_phone_and_speak_english(first: Page, path: str, title: str) -> None:
    first.set_viewport_size(PHONE)  # type: ignore[arg-type]
    first.goto(f"{path}?lang=en")
    expect(first.locator("h1")).to_have_text(title)
    assert first.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
