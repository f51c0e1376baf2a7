"""An administrator lets a school's staff in from one sheet on the page, with the keyboard, and finds them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from shared.kernel.clock import utc_now
from shared.tabular.annotating import COLUMN_TITLE
from shared.tabular.sheets import read_workbook
from tests.services.access.conftest import PASSWORD, Office
from tests.services.access.staff_sheets import register_schools, sheet, teacher
from tests.services.installation import Installation
from tests.support.access_portal import access_portal
from tests.support.access_sign_in import choose_password, sign_in

PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    installation = Installation(postgres, tmp_path_factory.mktemp("access"))
    running = Office(installation)
    running.now = utc_now()  # the page's clock is the machine's
    register_schools(running)
    yield running
    installation.close()


@pytest.fixture(scope="module")
def address(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with access_portal(office, tmp_path_factory.mktemp("portal")) as portal:
        yield portal


def test_a_sheet_is_checked_mended_imported_and_its_people_found_and_let_in(
    office: Office, address: str, browser: Browser, tmp_path: Path
) -> None:
    person, login = office.someone()
    office.post("account_administrator", holder=person)
    page = browser.new_context(locale="zh-CN", accept_downloads=True).new_page()
    sign_in(page, address, login, PASSWORD)
    page.goto(f"{address}/people/import")
    rows = [teacher("唐一", "tang1"), teacher("唐二", "tang2", "2班", ends="2020-07-01")]
    checked = _downloaded(page, sheet(tmp_path, *rows), "annotate", tmp_path / "checked.xlsx")
    assert checked[0][-1] == COLUMN_TITLE and "结束日期已过" in str(checked[2][-1])
    _pressed(page, sheet(tmp_path, *rows), "dry_run")
    assert "2 行 = 新任 1 + 变更任期 0 + 未变 0 + 待修改 1" in page.inner_text("#receipt [data-balance=yes]")
    _pressed(page, sheet(tmp_path, rows[0], teacher("唐二", "tang2", "2班")), "apply")
    assert "新任 2" in page.inner_text("#receipt [data-balance=yes]")
    with page.expect_download() as coming:
        page.focus("#receipt form button")
        page.keyboard.press("Enter")
    coming.value.save_as(tmp_path / "passwords.xlsx")
    (printed,) = read_workbook(tmp_path / "passwords.xlsx")
    start = {str(row[1]): str(row[3]) for row in list(printed.iter_rows())[1:]}
    assert set(start) == {"tang1", "tang2"}

    theirs = browser.new_context(locale="zh-CN").new_page()
    sign_in(theirs, address, "tang1", start["tang1"])
    theirs.wait_for_url("**/account/password")
    choose_password(theirs, start["tang1"], "河边的芦苇在风里低下了头去")
    assert "班主任" in theirs.inner_text("header")

    office.post("principal", school_code="3146900100", division_code="469000100")
    office.installation.pump()
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/people/import")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.goto(f"{address}/posts?state=vacant&kind=principal")
    box = page.locator("#posts input[name=person]").first
    box.press_sequentially("唐")
    page.wait_for_selector("#people-choices option[value=tang2]", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    box.fill("tang2")
    page.keyboard.press("Enter")
    page.wait_for_url("**done=people")
    office.installation.pump()
    page.goto(f"{address}/people?begins=tang2&lang=en")
    assert "Class teacher" in page.inner_text("#accounts") and "Principal" in page.inner_text("#accounts")
    assert page.locator("#accounts tbody tr").count() == 1
    with page.expect_download() as coming:
        page.click("a[href^='/people.xlsx']")
    coming.value.save_as(tmp_path / "people.xlsx")
    (listed,) = read_workbook(tmp_path / "people.xlsx")
    assert [row[1] for row in listed.iter_rows()] == ["Login name", "tang2"]


def _pressed(page: Page, path: Path, action: str) -> None:
    """The sheet is chosen and a button pressed with the keyboard; the receipt has come."""
    page.set_input_files("input[type=file]", path)
    page.focus(f"form.import button[value={action}]")
    with page.expect_response(lambda answer: "part=receipt" in answer.url):
        page.keyboard.press("Enter")
    page.wait_for_selector("#receipt [data-balance]")


def _downloaded(page: Page, path: Path, action: str, target: Path) -> list[list[Any]]:
    page.set_input_files("input[type=file]", path)
    with page.expect_download() as coming:
        page.click(f"form.import button[value={action}]")
    coming.value.save_as(target)
    (found,) = read_workbook(target)
    return list(found.iter_rows())
