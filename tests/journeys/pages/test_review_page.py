"""Story: a clerk works the review queue with the keyboard alone, in a real browser (Debian's chromium)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.pages.test_pages import CONTRAST, DESK, PHONE, Opened
from tests.support.portal import Portal
from tests.support.reviews import Reviews


@pytest.fixture
def reviews(portal: Portal) -> Iterator[Reviews]:
    portal.county.reviews.clear()
    yield portal.county.reviews
    portal.county.reviews.clear()


@pytest.fixture
def opened(browser: Browser, portal: Portal) -> Iterator[Opened]:
    made = Opened(browser, portal)
    yield made
    made.close()
    # A refusal is an answer with a status of 4xx, which a browser always reports.
    assert [told for told in made.complaints if "the server responded with a status of 4" not in told] == []


def case(page: Page, row: int) -> None:
    expect(page.locator("h1")).to_contain_text(f"第 {row} 行")


def ready(page: Page) -> None:
    expect(page.locator("#case[data-ready]")).to_be_attached()


def test_a_queue_is_worked_without_touching_the_mouse(opened: Opened, reviews: Reviews) -> None:
    page = opened.as_("reviewer", path="/reviews")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    case(page, 12)
    ready(page)
    page.keyboard.press("2")
    case(page, 13)
    assert page.url.endswith(f"/reviews/{reviews.rows[1]}")
    expect(page.locator("#case-notice .notice")).to_have_text("已记录核对结果")
    first, second, third = reviews.rows
    assert [(each["verdict"], each["students"]) for each in reviews.rulings[first]] == [
        ("must_link", [str(reviews.student(0, 1))])
    ]
    page.keyboard.press("u")
    case(page, 12)
    expect(page.locator(".notice")).to_have_text("已撤销,请重新核对")
    assert reviews.rulings[first] == []
    ready(page)
    page.keyboard.press("Shift+Digit1")
    case(page, 13)
    assert reviews.rulings[first][0]["verdict"] == "cannot_link"
    ready(page)
    page.keyboard.press("0")
    case(page, 14)
    assert reviews.rulings[second][0] | {"by": ""} == {
        "verdict": "nobody", "students": [], "evidence": "e" * 32, "by": "",
    }  # fmt: skip
    page.keyboard.press("s")
    page.wait_for_url("**/reviews")
    assert third in reviews.asked
    expect(page.locator("table.rows")).to_contain_text("已请他人复核")


def test_next_and_previous_walk_the_queue_and_the_next_case_stands_ready(opened: Opened, reviews: Reviews) -> None:
    page = opened.as_("reviewer", path=f"/reviews/{reviews.rows[0]}")
    ready(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("n")
    case(page, 13)
    ready(page)
    assert [url for url in asked if str(reviews.rows[1]) in url] == [], "it was at hand already"
    page.keyboard.press("n")
    case(page, 14)
    page.keyboard.press("p")
    case(page, 13)
    page.go_back()
    case(page, 14)


def test_the_full_fields_come_by_key_for_a_purpose_typed_once(opened: Opened, reviews: Reviews) -> None:
    page = opened.as_("reviewer", path=f"/reviews/{reviews.rows[0]}")
    page.keyboard.press("r")
    page.keyboard.type("核对名单与学籍")
    page.keyboard.press("Enter")
    expect(page.locator("#c-1")).to_contain_text("欧阳小燕")
    expect(page.locator("table.side").first.locator("mark").first).to_have_text("雁")
    ready(page)
    page.keyboard.press("n")
    case(page, 13)
    expect(page.locator("#c-1")).not_to_contain_text("王方")
    page.keyboard.press("r")
    expect(page.locator("#c-1")).to_contain_text("王方")
    assert reviews.reads == ["核对名单与学籍"] * 2


def test_a_refused_ruling_keeps_the_case_on_the_page_and_says_why(opened: Opened, reviews: Reviews) -> None:
    page = opened.as_("reviewer", path=f"/reviews/{reviews.rows[0]}")
    page.locator("[data-purpose]").fill("写到一半")
    page.locator("h1").click()
    reviews.refuse = True
    page.keyboard.press("1")
    expect(page.locator(".trouble")).to_have_text("这一行刚有变动,请重新核对")
    case(page, 12)
    expect(page.locator("[data-purpose]")).to_have_value("写到一半")
    ready(page)
    page.keyboard.press("1")
    case(page, 13)
    assert len(reviews.rulings[reviews.rows[0]]) == 1


def test_keys_do_nothing_while_a_purpose_is_typed(opened: Opened, reviews: Reviews) -> None:
    page = opened.as_("reviewer", path=f"/reviews/{reviews.rows[0]}")
    page.locator("[data-purpose]").press_sequentially("0 1 n u s")
    case(page, 12)
    assert reviews.rulings[reviews.rows[0]] == [] and not reviews.asked


def test_everything_works_without_the_script(opened: Opened, reviews: Reviews) -> None:
    page = opened.as_("reviewer", path=f"/reviews/{reviews.rows[0]}", java_script_enabled=False)
    page.get_by_role("button", name="确认同一人").first.click()
    case(page, 13)
    page.get_by_role("button", name="撤销刚才的核对").click()
    case(page, 12)
    assert reviews.rulings[reviews.rows[0]] == []


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_fits_and_can_be_read_and_heard(
    opened: Opened, reviews: Reviews, size: dict[str, int], language: str, tmp_path: Any
) -> None:
    page = opened.as_("reviewer", size=size)
    page.goto(f"/reviews/{reviews.rows[0]}?lang={language}")
    ready(page)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    assert page.evaluate(CONTRAST) == []
    assert page.locator("h1").count() == 1 and page.evaluate(TWICE_AND_UNNAMED) == []
    for key in ("1", "0", "s", "n"):
        assert page.locator(f'[data-review-key="{key}"]').count() == 1
    assert page.locator(".keys").is_visible() is (size == DESK)


TWICE_AND_UNNAMED = """() => {
  const usable = 'input:not([type=hidden]), select, button, a[href]';
  const unnamed = [...document.querySelectorAll(usable)].filter(
    e => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute('aria-label'));
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return [...unnamed.map(e => e.outerHTML), ...ids.filter((id, i, all) => all.indexOf(id) !== i)];
}"""
