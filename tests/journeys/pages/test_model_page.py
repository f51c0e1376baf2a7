"""Story: one clerk proposes a model, another reads what it would change and puts it in force, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from services.matching.scoring import county_model
from tests.journeys.pages.test_pages import CONTRAST, DESK, PHONE, Opened
from tests.journeys.pages.test_review_page import TWICE_AND_UNNAMED, opened
from tests.support.models import Models
from tests.support.portal import Portal

__all__ = ["opened"]  # a fixture


@pytest.fixture
def models(portal: Portal) -> Iterator[Models]:
    portal.county.models.clear()
    yield portal.county.models
    portal.county.models.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    raw = county_model().as_json() | {"version": "county-2", "thresholds": {"automatic": 20.0, "review": 1.0}}
    path = tmp_path / "model.json"
    path.write_text(json.dumps(raw, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def propose(page: Page, file: Path) -> None:
    page.goto("/models")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="提交并比较").press("Enter")


def second(page: Page, path: str) -> None:
    """Go on as who approves."""
    page.goto("/demo-issuer/?next=" + path)
    page.locator("form:has(input[name=kind][value=approver]) button").click()
    page.wait_for_url("**" + path)


def test_two_clerks_put_a_model_in_force_without_touching_the_mouse(opened: Opened, models: Models, file: Path) -> None:
    page = opened.as_("aid_clerk", path="/models")
    propose(page, file)
    expect(page.locator("[data-working] h2")).to_have_text("正在逐行比较…")
    expect(page.locator("#summary")).to_contain_text("69 行的结果会改变", timeout=15_000)  # it came by itself
    expect(page.locator(".opinion")).to_have_text("模型由您提交,须由另一人阅后启用。")
    address = page.evaluate("location.pathname")

    second(page, address)
    page.keyboard.press("j")
    page.keyboard.press("j")
    row = page.locator("#changed-rows tr:focus")
    entry = row.get_attribute("data-id")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/reviews/{entry}")
    page.go_back()
    page.locator('#states tr[data-before="linked"] td[data-after="review"] a').press("Enter")
    page.wait_for_url("**?before_state=linked&after_state=review#changed")
    expect(page.locator("#changed-rows tbody tr")).to_have_count(50)
    page.get_by_role("link", name="下一页").press("Enter")
    expect(page.locator("#changed-rows tbody tr")).to_have_count(10)

    page.get_by_role("button", name="启用这个模型").press("Enter")
    page.wait_for_url("**/models?done=activated")
    expect(page.locator(".notice")).to_have_text("模型已启用,正在重新匹配")
    expect(page.locator("[data-taking-over]")).to_be_visible()
    assert models.in_force.version == "county-2"
    assert models.activated[-1]["activated_by"] != models.activated[-1]["proposed_by"]


def test_everything_works_without_the_script(opened: Opened, models: Models, file: Path) -> None:
    page = opened.as_("aid_clerk", path="/models", java_script_enabled=False)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="提交并比较").click()
    expect(page.locator("#summary")).to_contain_text("69 行的结果会改变", timeout=30_000)
    page.get_by_role("link", name="失去匹配").click()
    expect(page.locator("#changed-rows tbody tr")).to_have_count(50)


def test_a_wrong_file_is_refused_where_it_was_chosen(opened: Opened, models: Models, tmp_path: Path) -> None:
    page = opened.as_("aid_clerk", path="/models")
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}", encoding="utf-8")
    propose(page, wrong)
    expect(page.locator(".trouble")).to_have_text("文件不是模型")
    expect(page.locator("input[type=file]")).to_be_visible()
    assert not models.proposals


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_fit_and_can_be_read_and_heard(
    opened: Opened, models: Models, file: Path, size: dict[str, int], language: str
) -> None:
    page = opened.as_("aid_clerk", size=size)
    propose(page, file)
    expect(page.locator("#summary")).to_be_visible(timeout=15_000)
    report = page.evaluate("location.pathname")
    second(page, report)
    for place in (report, "/models"):
        page.goto(f"{place}?lang={language}")
        wide: Any = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, place
        assert page.evaluate(CONTRAST) == [], place
        assert page.locator("h1").count() == 1 and page.evaluate(TWICE_AND_UNNAMED) == [], place
        assert page.locator("thead th:not([scope])").count() == 0, place
        assert page.evaluate("document.documentElement.lang") == ("en" if language == "en" else "zh-CN")
