"""Story: a clerk merges two schools on the page; a second clerk looks at every pupil before and after, approves, and
has it undone. A clerk corrects classes by the sheet he downloaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.services import PROCESSES
from shared.tabular.book import open_book
from tests.journeys.pages.test_pages import DESK, PHONE
from tests.shared.tabular.workbooks import workbook
from tests.support.district import District
from tests.support.system import System

CHILDREN = 8


@pytest.fixture(scope="module")
def town(postgres: Any, kafka: Any) -> Iterator[District]:
    """A registry and a portal of their own: schools end here."""
    system = System(postgres.server, kafka.broker, [spec for spec in PROCESSES if spec.name in ("registry", "portal")])
    try:
        made = District(system.start(), seed=20_261_128)
        made.found(children=0)
        yield made
    finally:
        system.stop()


def signed_in(browser: Browser, town: District, kind: str = "aid_clerk", desk: str = "") -> Page:
    """The page of the clerk (at that desk), or of who approves."""
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=f"http://127.0.0.1:{town.system.port}")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/demo-issuer/?next=/changes")
    form = page.locator(f"form:has(input[name=kind][value={kind}])")
    if desk:
        form.locator("select[name=desk]").select_option(desk)
    form.locator("button").click()
    page.wait_for_url("**/changes")
    return page


def pupils(town: District, school: str) -> list[str]:
    records = [child.record() for child in town.people.children(CHILDREN)]
    for record in records:
        record |= {"school_code": school, "school": None, "stage": "小学", "grade": "三年级", "class_name": "1班"}
    lines = "\n".join(json.dumps(record | {"enrolled_on": town.term_begin.isoformat()}) for record in records)
    headers = {"content-type": "application/x-ndjson"}
    answer = town.office.insist(
        town.office.clerk, "registry", "/students/batch", content=lines.encode(), headers=headers
    )
    students: list[str] = answer["student_ids"]
    town.system.eventually(lambda: len(shown(town, school)) == CHILDREN, "the pupils are shown")
    return students


def shown(town: District, school: str) -> list[dict[str, Any]]:
    return town.office.clerk.pages("registry", "/students", school=school)


def count(page: Page, name: str) -> Any:
    return page.locator(f'#counts tr[data-count="{name}"] td')


def test_two_clerks_merge_a_school_on_the_page_and_undo_it(browser: Browser, town: District) -> None:
    source, into = town.schools[0].code, town.schools[1].code
    pupils(town, source)
    page = signed_in(browser, town)
    page.locator("summary", has_text="撤点并校").press("Enter")
    form = page.locator("form:has(input[name=sources])")
    form.locator("input[name=sources]").fill(source)
    form.locator("input[name=into]").fill(source)
    form.locator("input[name=reason]").fill("布局调整批复")
    form.locator("input[name=reason]").press("Enter")
    expect(page.locator(".trouble[role=alert]")).to_have_text("学校不能并入自身")
    form = page.locator("form:has(input[name=sources])")
    expect(form.locator("input[name=reason]")).to_have_value("布局调整批复")  # what was typed is kept
    form.locator("input[name=into]").fill(into)
    form.get_by_role("button", name="生成预览").press("Enter")
    page.wait_for_url("**/changes/*")
    expect(page.locator(".place .code")).to_have_text("待审批", timeout=15_000)
    expect(count(page, "school_code")).to_have_text(str(CHILDREN))
    expect(page.locator("#rows tbody tr")).to_have_count(CHILDREN)
    expect(page.locator("#rows tbody tr").first).to_contain_text(into)
    expect(page.get_by_role("button", name="批准执行")).to_have_count(0)
    address = page.url

    second = signed_in(browser, town, "approver")
    second.goto(address)
    second.get_by_role("button", name="批准执行").press("Enter")
    expect(second.locator(".place .code")).to_have_text("已完成", timeout=15_000)
    expect(count(second, "changed")).to_have_text(str(CHILDREN))
    town.system.eventually(lambda: len(shown(town, into)) == CHILDREN, "the pupils are at the other school")
    second.locator("summary", has_text="撤销这次更正").press("Enter")
    second.locator("details.close").get_by_role("button", name="撤销这次更正").press("Enter")
    expect(second.locator(".place .code")).to_have_text("已撤销", timeout=15_000)
    expect(count(second, "restored")).to_have_text(str(CHILDREN))
    town.system.eventually(lambda: len(shown(town, source)) == CHILDREN, "the pupils are back")
    page.context.close()
    second.context.close()


def test_a_sheet_is_downloaded_edited_and_sent_back(browser: Browser, town: District, tmp_path: Path) -> None:
    school = town.schools[2].code
    pupils(town, school)
    page = signed_in(browser, town)
    page.locator("summary", has_text="按导出表更正").press("Enter")
    page.locator("form[action='/changes/sheet.xlsx'] input[name=school]").fill(school)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="下载学生名册表").press("Enter")
    exported = tmp_path / "export.xlsx"
    downloading.value.save_as(exported)
    rows = [list(row) for row in open_book(exported).sheets[0].iter_rows()]
    assert "*" in str(rows[1][2])
    place = rows[0].index("班级")
    for row in rows[1:4]:
        row[place] = "2班"
    page.locator("input[type=file]").set_input_files(workbook(tmp_path / "edited.xlsx", rows))
    page.locator("form[action='/changes/uploads'] input[name=reason]").fill("分班")
    page.locator("form[action='/changes/uploads'] button").press("Enter")
    page.wait_for_url("**/changes/*")
    expect(count(page, "class_name")).to_have_text("3", timeout=15_000)
    expect(page.locator("#rows tbody tr").first).to_contain_text("2班")
    page.context.close()


def test_the_page_fits_a_phone_and_speaks_english(browser: Browser, town: District) -> None:
    page = signed_in(browser, town)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/changes?lang=en")
    expect(page.locator("h1")).to_have_text("Mass changes")
    for summary in page.locator("main summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), main select')]"
        ".filter(each => !each.labels || each.labels.length === 0).length"
    )
    assert unlabelled == 0
    page.context.close()
