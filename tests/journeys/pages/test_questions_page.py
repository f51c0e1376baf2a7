"""Story: an auditor asks who was paid many times, sees the records behind it, pastes the bank's statement, and takes
the answer home as a workbook to print and sign. The real portal and the real audit service; the logs are bare."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect
from python_calamine import CalamineWorkbook

from deploy.views import VIEWS
from services.audit import app
from tests.journeys.pages.test_pages import DESK, PHONE
from tests.services.audit.questions.books import Books
from tests.support.service_portal import service_portal

NUMBER, MATE = "469001201603010011", "469001201603010046"


class Audited(NamedTuple):
    url: str
    books: Books


@pytest.fixture(scope="module")
def audited(postgres: Any) -> Iterator[Audited]:
    with service_portal(postgres, "audit", lambda settings: app.build(settings, VIEWS)) as portal:
        books = Books(portal.installation, portal.service)
        for registration in range(3):
            student = books.student(number=NUMBER)
            for term, month in (("2025-autumn", 10), ("2026-autumn", 9)):
                on = date(int(term[:4]), month, 20)
                books.pay(student, term, on, 170_000, reference=f"R-{registration}-{term}")
        books.pay(books.student(number=MATE), "2026-autumn", date(2026, 9, 21), reference="R-9")
        books.archive()
        yield Audited(portal.url, books)


@pytest.fixture
def page(browser: Browser, audited: Audited) -> Iterator[Page]:
    context = browser.new_context(base_url=audited.url, viewport=DESK, locale="zh-CN")  # type: ignore[arg-type]
    opened = context.new_page()
    opened.goto("/demo-issuer/")
    opened.locator("form:has(input[value=auditor]) button").first.click()
    yield opened
    context.close()


def test_a_question_is_asked_read_and_taken_home(page: Page, audited: Audited, tmp_path: Path) -> None:
    page.goto("/audit/questions")
    page.get_by_role("link", name="同一人多次领取").click()
    page.locator("input[name=times]").fill("6")
    page.locator("select[name=within]").select_option("ever")
    page.locator("input[name=true_on]").fill("2026-11-24")
    page.get_by_role("button", name="提问", exact=True).click()
    row = page.locator("#findings tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("10,200.00")
    expect(row).to_contain_text("张*明")
    expect(row).to_contain_text("生活补助")
    expect(row).to_contain_text("另 1 条")
    assert NUMBER not in page.content()
    assert "times=6" in page.url
    expect(page.locator("pre.query")).to_contain_text("HAVING count(*) >= :times")
    with page.expect_download() as saved:
        page.get_by_role("button", name="下载可打印的工作簿").click()
    path = tmp_path / "answer.xlsx"
    saved.value.save_as(path)
    book = CalamineWorkbook.from_path(str(path))
    assert book.sheet_names == ["问题 question", "同一人多次领取", "依据 evidence"]
    cover = {str(line[0]): line[1] for line in book.get_sheet_by_name("问题 question").to_python() if line[0]}
    assert cover["参数 times"] == "6" and cover["以此日为准 true on"] == "2026-11-24"
    assert cover["结果 SHA-256"] == page.locator(".digest code").inner_text()
    assert "复核人 reviewed by" in cover
    (_, found) = book.get_sheet_by_name("同一人多次领取").to_python()
    assert (found[4], found[5]) == (6.0, 10_200.0)
    assert len(book.get_sheet_by_name("依据 evidence").to_python()) == 1 + 6
    with zipfile.ZipFile(path) as parts:
        assert "第 &amp;P 页 共 &amp;N 页" in parts.read("xl/worksheets/sheet2.xml").decode()


def test_a_statement_is_pasted_and_stays_out_of_the_address(page: Page, audited: Audited) -> None:
    page.goto("/audit/questions/anothers_card")
    page.locator("textarea[name=bank_lines]").fill("R-0-2026-autumn")
    page.get_by_role("button", name="提问", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("第 1 行应为")
    lines = f"R-0-2026-autumn\t6217000012345678\t{MATE}\t李小红\nR-9,6217000011112222,{MATE},李小红"
    page.locator("textarea[name=bank_lines]").fill(lines)
    page.get_by_role("button", name="提问", exact=True).click()
    expect(page.locator("#findings tbody tr")).to_have_count(1)
    expect(page.locator("#findings")).to_contain_text("同学")
    expect(page.locator("#findings")).to_contain_text("李*红")
    assert "6217" not in page.url
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_school_may_not_ask(browser: Browser, audited: Audited) -> None:
    context = browser.new_context(base_url=audited.url, locale="zh-CN")
    answer = context.request.post("/demo-issuer/token", form={"kind": "registrar", "school": "S1"})
    token = answer.json()["access_token"]
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "4c3d2b1a-0000-4000-8000-000000000001"}
    asked = context.request.post(f"{audited.url}/api/audit/v1/questions/late", headers=headers, data={})
    assert asked.status == 403
    wide = context.request.post("/demo-issuer/token", form={"kind": "auditor"}).json()["access_token"]
    headers["authorization"] = f"Bearer {wide}"
    wrong = context.request.post(
        f"{audited.url}/api/audit/v1/questions/late", headers=headers, data={"parameters": {"days": 0}}
    )
    assert wrong.status in (400, 422) and "days" in wrong.text()
    unknown = context.request.post(f"{audited.url}/api/audit/v1/questions/nothing", headers=headers, data={})
    assert unknown.status == 404 and unknown.json()["code"] == "unknown_question"
    context.close()
