"""The page in a real browser (Debian's chromium): lists that move by themselves, forms, keyboard, phone, print, faults.

axe is not at hand offline; labels, headings, table headers, contrast and focus are checked here by their own rules.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.portal.tables.menu import NAVIGATION
from tests.support.county_rows import name_id
from tests.support.portal import Portal

DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
SCHOOL = "3146000001"


@pytest.fixture
def opened(browser: Browser, portal: Portal) -> Iterator[Opened]:
    made = Opened(browser, portal)
    yield made
    made.close()
    assert made.complaints == []


class Opened:
    """Contexts of one test; every script error and refused resource is kept."""

    def __init__(self, browser: Browser, portal: Portal) -> None:
        self._browser, self._portal = browser, portal
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def as_(self, role: str, *, size: dict[str, int] = DESK, path: str = "/", **options: Any) -> Page:
        context = self._browser.new_context(viewport=size, locale="zh-CN", base_url=self._portal.url, **options)  # type: ignore[arg-type]
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.goto("/demo-issuer/?next=" + path)
        form = page.locator(f"form:has(input[name=kind][value={role}])")
        if role == "registrar":
            form.locator("select[name=school]").select_option(SCHOOL)
        form.locator("button").click()
        page.wait_for_url("**" + path)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def live(page: Page) -> None:
    expect(page.locator("[data-live-state].on")).to_be_visible()


def test_a_row_appears_changes_and_vanishes_by_itself_within_a_second(opened: Opened, portal: Portal) -> None:
    county = portal.county
    page = opened.as_("aid_clerk", path="/roster?category=disabled")
    live(page)
    rows = page.locator("table.rows tbody tr")
    before = rows.count()
    child = UUID(int=1)
    row = {**next(iter(county.roster.values())), "student_id": child, "category": "disabled", "name": "新*来"}
    county.roster[child] = row
    began = time.monotonic()
    county.changed("roster", child)
    mine = page.locator(f'tr[data-id="{child}"]')
    expect(mine).to_have_class("changed", timeout=1500)
    assert time.monotonic() - began < 1.5
    assert rows.count() == before + 1
    county.roster[child] = {**row, "class_name": "9班"}
    county.changed("roster", child)
    expect(mine.locator("td", has_text="9班")).to_be_visible(timeout=2000)
    county.roster[child] = {**row, "category": "registered_poor"}
    county.changed("roster", child)
    expect(mine).to_have_count(0, timeout=2000)
    del county.roster[child]


def test_another_school_sees_nothing_of_it(opened: Opened, portal: Portal) -> None:
    county = portal.county
    page = opened.as_("registrar", path="/roster")
    live(page)
    child = UUID(int=2)
    county.roster[child] = {**next(iter(county.roster.values())), "student_id": child, "school_code": "3146000002"}
    county.changed("roster", child)
    page.wait_for_timeout(1200)
    assert page.locator(f'tr[data-id="{child}"]').count() == 0
    del county.roster[child]


def test_the_first_numbers_move_and_lead_to_their_rows(opened: Opened, portal: Portal) -> None:
    county = portal.county
    page = opened.as_("aid_clerk")
    live(page)
    total = page.locator('tr[data-id="category-all"] a')
    expect(total).to_have_text("120")
    child = UUID(int=3)
    county.roster[child] = {**next(iter(county.roster.values())), "student_id": child}
    county.changed("roster", child)
    expect(total).to_have_text("121", timeout=2000)
    del county.roster[child]
    for figure in page.locator(".figure a, table td.number a").all():
        address = figure.get_attribute("href")
        assert address and page.request.get(address).status == 200


def test_an_alert_is_seen_by_key_and_closed_on_evidence(opened: Opened, portal: Portal) -> None:
    page = opened.as_("aid_clerk", path="/alerts")
    live(page)
    page.keyboard.press("j")
    row = page.locator("tr:focus")
    first = row.get_attribute("data-id")
    page.keyboard.press("s")
    expect(page.locator(".notice")).to_have_text("已记录为知悉")
    assert page.locator(f'tr[data-id="{first}"]').count() == 0
    page.goto("/alerts?state=seen")
    seen = page.locator(f'tr[data-id="{first}"]')
    seen.locator("summary").click()
    seen.locator("select[name=reason]").select_option("attending_again")
    seen.locator("input[name=evidence]").fill("考勤表 2024-09-20")
    seen.locator("details button").click()
    expect(page.locator(".notice")).to_have_text("已销号")
    assert portal.county.alerts[UUID(first)]["state"] == "closed"


def test_a_form_being_filled_in_is_not_swept_away_by_a_change(opened: Opened, portal: Portal) -> None:
    county = portal.county
    page = opened.as_("aid_clerk", path="/alerts")
    live(page)
    row = page.locator("table.rows tbody tr").first
    row.locator("summary").click()
    row.locator("input[name=evidence]").fill("写到一半")
    county.changed("alerts", name_id("alert 3"))
    page.wait_for_timeout(1200)
    expect(row.locator("input[name=evidence]")).to_have_value("写到一半")


def test_a_list_is_checked_and_imported_without_leaving_the_page(
    opened: Opened, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "名单.xlsx"
    file.write_bytes(b"PK" + bytes(300_000))
    page = opened.as_("aid_clerk", path="/imports")
    page.locator("form.import select[name=list]").select_option("poverty")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="先校验不入库").click()
    expect(page.locator("#receipt h2")).to_have_text("校验结果(未入库)")
    expect(page.locator('#receipt [data-balance="yes"]')).to_be_visible()
    with page.expect_download() as annotated:
        page.get_by_role("button", name="下载逐行校验结果").click()
    assert Path(annotated.value.path()).read_bytes() == b"PK checked"
    page.get_by_role("button", name="确认入库").click()
    expect(page.locator("#receipt h2")).to_have_text("回执")
    expect(page.locator("#history tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载退回的行(附原因)").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    assert download.value.suggested_filename.endswith(".xlsx")


def test_full_particulars_are_shown_for_a_purpose(opened: Opened) -> None:
    page = opened.as_("aid_clerk", path="/search")
    page.locator("table.rows a").first.click()
    expect(page.locator("dl.particulars").first).to_contain_text("4601**********0015")
    page.get_by_role("region", name="查看完整信息").get_by_role("button", name="查看").click()
    assert page.locator("input[name=purpose]:invalid").count() == 1
    page.locator("input[name=purpose]").fill("核对银行卡开户")
    page.get_by_role("region", name="查看完整信息").get_by_role("button", name="查看").click()
    expect(page.locator(".revealed")).to_contain_text("460106201203040015")


PLACES = [
    "/",
    "/roster",
    "/alerts",
    "/reviews",
    "/unmatched",
    "/imports",
    "/check",
    "/models",
    "/search",
    "/promotions",
    "/entitlements",
    "/audit?view=roster",
]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_no_page_needs_sideways_scrolling(opened: Opened, size: dict[str, int]) -> None:
    page = opened.as_("aid_clerk", size=size)
    for place in PLACES:
        page.goto(place)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, place


@pytest.mark.long
def test_no_page_asks_for_what_its_content_policy_forbids(opened: Opened) -> None:
    """As the browser judges it: what it refused, on every page of the menu."""
    page = opened.as_("aid_clerk")
    refused: list[str] = []
    page.expose_function("refused", lambda told: refused.append(told))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => refused(e.violatedDirective + ' ' + e.blockedURI))"
    )
    page.goto("/roster")
    page.evaluate("document.body.setAttribute('onclick', '1')")
    page.wait_for_timeout(100)
    assert refused == ["script-src-attr inline"], "a violation is seen"
    refused.clear()
    for _, address, roles in NAVIGATION:
        if "aid_clerk" in roles:
            page.goto(address)
    assert refused == []
    opened.complaints.clear()  # of the violation made on purpose, and of pages whose service this county has not


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_can_be_heard_and_reached_without_a_mouse(opened: Opened, language: str) -> None:
    page = opened.as_("aid_clerk")
    for place in PLACES:
        page.goto(place + ("&" if "?" in place else "?") + f"lang={language}")
        assert page.evaluate("document.documentElement.lang") == ("en" if language == "en" else "zh-CN")
        assert page.locator("h1").count() == 1, place
        found = page.evaluate(
            """() => {
              const usable = 'input:not([type=hidden]), select, button, a[href]';
              const unnamed = [...document.querySelectorAll(usable)].filter(
                e => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute('aria-label'));
              const headless = [...document.querySelectorAll('table thead')].filter(
                e => ![...e.querySelectorAll('th')].every(h => h.scope));
              const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
              const twice = ids.filter((id, i, all) => all.indexOf(id) !== i);
              const images = [...document.images].filter(e => !e.hasAttribute('alt'));
              return {unnamed: unnamed.map(e => e.outerHTML), headless: headless.length, twice, images: images.length};
            }"""
        )
        assert found == {"unnamed": [], "headless": 0, "twice": [], "images": 0}, place
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"


def test_text_stands_out_from_its_ground(opened: Opened) -> None:
    page = opened.as_("aid_clerk")
    for place in PLACES:
        page.goto(place)
        page.wait_for_timeout(100)
        assert page.evaluate(CONTRAST) == [], place


CONTRAST = """() => {
  const channel = v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length || e.closest('script, option')) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(walker.currentNode.data.trim() + ' ' + ratio.toFixed(2));
  }
  return weak;
}"""


def test_print_leaves_the_table_and_its_conditions_only(opened: Opened) -> None:
    page = opened.as_("aid_clerk", path="/roster?category=disabled")
    page.emulate_media(media="print")
    assert page.locator("nav.main").is_hidden() and page.locator(".filters").is_hidden()
    assert page.locator("table.rows").is_visible() and page.locator(".printed").is_visible()
    assert page.pdf(format="A4")[:4] == b"%PDF"


def test_everything_works_without_the_script(opened: Opened, portal: Portal) -> None:
    page = opened.as_("aid_clerk", path="/roster", java_script_enabled=False)
    page.get_by_label("类别").select_option("disabled")
    page.get_by_role("button", name="筛选").click()
    assert "category=disabled" in page.url and page.locator("table.rows tbody tr").count() > 0
    page.get_by_role("link", name="English").click()
    assert page.locator("h1").inner_text() == "Roster of students in hardship"
    assert "category=disabled" in page.url


def test_a_service_that_comes_back_is_shown_again_after_a_reload(opened: Opened, portal: Portal) -> None:
    page = opened.as_("aid_clerk")
    portal.county.away = {"matching"}
    try:
        page.goto("/roster")
        expect(page.locator("h1")).to_have_text("后台服务没有应答")
    finally:
        portal.county.away = set()
    page.get_by_role("link", name="重试").click()
    expect(page.locator("h1")).to_have_text("困难学生名册")
    opened.complaints.clear()


def test_signing_out_ends_the_session(opened: Opened) -> None:
    page = opened.as_("registrar")
    page.get_by_role("button", name="退出登录").click()
    page.goto("/roster")
    expect(page.locator("h1")).to_have_text("演示登录")
