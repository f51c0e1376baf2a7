"""The check tool in a real browser: dropped, watched, left and come back to, fetched; then nothing is there."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.pages.test_pages import CONTRAST, DESK, PHONE
from tests.support import check_files
from tests.support.portal import Portal

CHECKED_MS = 100_000


@pytest.fixture(params=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Browser, portal: Portal) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": DESK["width"], "height": DESK["height"]},
        locale="zh-CN",
        base_url=portal.url,
        java_script_enabled=request.param == "script",
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto("/demo-issuer/?next=/check")
    opened.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
    opened.wait_for_url("**/check")
    yield opened
    context.close()
    assert complaints == []


def drop(page: Page, register: Path, *lists: Path) -> None:
    page.goto("/check")
    page.locator("input[name=register]").set_input_files(register)
    page.locator("input[name=lists]").set_input_files(list(lists))
    page.get_by_role("button", name="开始核对").click()
    page.wait_for_url("**/check/*")


def test_lists_are_dropped_left_come_back_to_and_fetched_once(page: Page, portal: Portal, tmp_path: Path) -> None:
    files = check_files.civil_gb18030(tmp_path), check_files.poverty_two_row_header(tmp_path)
    drop(page, check_files.register(tmp_path), *files)
    address = page.url
    page.goto("/")
    page.goto(address)
    expect(page.locator("h2").first).to_have_text("核对完成", timeout=CHECKED_MS)
    expect(page.locator('[data-balance="yes"]')).to_contain_text("共 3 行名单")
    expect(page.locator('#states tr[data-list="poverty"] td').first).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("button", name="下载结果").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert {"annotated/学籍名册.xlsx", "annotated/低保.xlsx", "roster.xlsx"} <= set(packed.namelist())
    page.goto(address)
    expect(page.locator("main")).to_contain_text("内容已全部清除")
    assert [path for path in (portal.home / "check").rglob("*") if path.is_file()] == []


def test_a_password_is_told_and_the_form_is_one_click_away(page: Page, tmp_path: Path) -> None:
    drop(page, check_files.register(tmp_path), check_files.encrypted(tmp_path))
    expect(page.get_by_role("alert")).to_contain_text("文件设有打开密码", timeout=CHECKED_MS)
    page.get_by_role("link", name="重新核对").click()
    expect(page.locator("input[name=register]")).to_be_visible()


@pytest.mark.parametrize("page", ["script"], indirect=True)
def test_a_result_fits_a_phone_and_can_be_read(page: Page, tmp_path: Path) -> None:
    drop(page, check_files.register(tmp_path), check_files.civil_gb18030(tmp_path))
    expect(page.locator("h2").first).to_have_text("核对完成", timeout=CHECKED_MS)
    assert page.evaluate(CONTRAST) == []
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.get_by_role("button", name="不下载,立即清除").click()
    expect(page.locator(".notice")).to_contain_text("已清除")
