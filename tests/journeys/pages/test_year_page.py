"""Story: a clerk promotes a school on the page; the registry is killed in the middle and goes on when it is back; he
sees the numbers, undoes it, and a child's own page shows what school life left on it.

A real registry behind a real portal in Chromium; the other services are not there, so their parts of a page say so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.services import PROCESSES
from tests.journeys.pages.test_pages import DESK, PHONE
from tests.support.district import District
from tests.support.system import System

CHILDREN = 12


class Doomed(System):
    """Its registry dies in the first chunk that it promotes, and does not when it is started again."""

    step: str | None = "promotion.before_commit:1"

    def variables(self, failpoint: str | None = None) -> dict[str, str]:
        return super().variables(failpoint or self.step)


@pytest.fixture(scope="module")
def town(postgres: Any, kafka: Any) -> Iterator[District]:
    """A registry and a portal of their own: whole schools move up here."""
    system = Doomed(postgres.server, kafka.broker, [spec for spec in PROCESSES if spec.name in ("registry", "portal")])
    try:
        made = District(system.start(), seed=20_261_127)
        made.found(children=0)
        system.step = None
        yield made
    finally:
        system.stop()


@pytest.fixture
def page(browser: Browser, town: District) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=f"http://127.0.0.1:{town.system.port}")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/demo-issuer/?next=/promotions")
    page.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
    page.wait_for_url("**/promotions")
    yield page
    context.close()


class School:
    """A school of the town, each taken by one test, with children of one class in the third grade and one in the
    sixth."""

    def __init__(self, town: District, place: int) -> None:
        self.town, self.code = town, town.schools[place].code
        self.since = town.today - timedelta(days=400)
        children = town.people.children(CHILDREN)
        records = [child.record() for child in children]
        for number, record in enumerate(records):
            record |= {"school_code": self.code, "school": None, "stage": "小学", "class_name": "1班"}
            record |= {"grade": "六年级" if number == 0 else "三年级", "enrolled_on": self.since.isoformat()}
        lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
        headers = {"content-type": "application/x-ndjson"}
        answer = town.office.insist(
            town.office.clerk, "registry", "/students/batch", content=lines.encode(), headers=headers
        )
        self.students: list[str] = answer["student_ids"]
        self.wait(lambda: self.shown().keys() == set(self.students), "the children are shown")

    def shown(self) -> dict[str, tuple[str, str]]:
        rows = self.town.office.clerk.pages("registry", "/students", school=self.code)
        return {row["student_id"]: (row["state"], row["grade"]) for row in rows}

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        self.town.system.eventually(holds, what, 30.0)


def outcome(page: Page, name: str) -> Any:
    return page.locator(f'#outcomes tr[data-outcome="{name}"] td')


def test_a_school_is_promoted_on_the_page_although_the_registry_is_killed_meanwhile(page: Page, town: District) -> None:
    school = School(town, 0)
    page.locator("input[name=day]").fill(town.today.isoformat())
    page.locator("input[name=school_code]").fill(school.code)
    page.get_by_role("button", name="查看各年级去向").press("Enter")
    expect(page.locator("#preview")).to_have_text(f"该日在校 {CHILDREN} 人")
    rows = page.locator("#ladder tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="三年级")).to_contain_text("小学 四年级")
    expect(rows.filter(has_text="六年级")).to_contain_text("移交下一学段,待接收")
    page.locator("textarea[name=repeaters]").fill(f"http://127.0.0.1/students/{school.students[1]}")
    page.get_by_role("button", name="开始升级").press("Enter")
    page.wait_for_url("**/promotions/*")
    town.system.eventually(lambda: not town.system.alive("registry"), "the registry was killed in its first chunk", 30)
    town.system.start_process("registry")
    page.reload()
    expect(outcome(page, "promoted")).to_have_text(str(CHILDREN - 2), timeout=20_000)  # nobody told it to go on
    expect(outcome(page, "handed_over")).to_have_text("1")
    expect(outcome(page, "held_back")).to_have_text("1")
    expect(page.locator("[data-working]")).to_have_count(0)
    moved = dict.fromkeys(school.students, ("enrolled", "四年级"))
    moved |= {school.students[0]: ("transferred_out", "六年级"), school.students[1]: ("enrolled", "三年级")}
    school.wait(lambda: school.shown() == moved, "everybody moved")

    page.locator("details.close summary").click()
    page.locator("details.close").get_by_role("button", name="撤销这次升级").press("Enter")
    expect(outcome(page, "restored")).to_have_text(str(CHILDREN - 1), timeout=20_000)
    expect(page.locator(".place .code")).to_have_text("已撤销")
    school.wait(
        lambda: set(school.shown().values()) == {("enrolled", "三年级"), ("enrolled", "六年级")}, "all are back"
    )
    page.goto("/promotions")
    expect(page.locator("section:has(#ordered) tbody tr")).to_have_count(1)


def test_what_cannot_be_ordered_is_said_on_the_page(page: Page, town: District) -> None:
    page.goto(f"/promotions?day={town.today.isoformat()}&school_code={town.schools[0].code}")
    page.locator("textarea[name=repeaters]").fill("张三")
    page.get_by_role("button", name="开始升级").press("Enter")
    expect(page.locator(".trouble[role=alert]")).to_have_text("留级学生应填写学生页面的网址,每行一个")
    page.locator("textarea[name=repeaters]").fill("00000000-0000-8000-8000-000000000000")
    page.get_by_role("button", name="开始升级").press("Enter")
    expect(page.locator(".trouble[role=alert]")).to_have_text("留级名单中有 1 人不是本次升级范围内的学生")


def test_a_childs_page_shows_suspension_absences_and_for_a_purpose_who_cares_for_it(page: Page, town: District) -> None:
    school = School(town, 1)
    clerk, child = town.office.clerk, school.students[1]
    day = (town.today - timedelta(days=2)).isoformat()
    report = {"school_code": school.code, "grade": "三年级", "class_name": "1班", "day": day}
    clerk.do(
        "registry", "/attendance", report | {"absent": [{"student_id": child, "reason": "sick", "half_day": True}]}
    )
    due = (town.today + timedelta(days=90)).isoformat()
    leave = {"on": town.today.isoformat(), "reason": "suspended", "due_back": due}
    clerk.do("registry", f"/students/{child}/leave", leave)
    school.wait(lambda: school.shown()[child][0] == "suspended", "the suspension is shown")
    page.goto(f"/students/{child}")
    expect(page.locator(".place")).to_contain_text(f"应复学日期 {due}")
    expect(page.locator("#absences tbody tr")).to_contain_text("病假 半天")
    page.locator("summary", has_text="登记监护变动").click()
    page.locator("input[name=carer_name]").fill("欧阳守望")
    page.locator("input[name=carer_relation]").fill("祖母")
    page.locator("select[name=parents_whereabouts]").select_option("both_away")
    page.get_by_role("button", name="保存").press("Enter")
    expect(page.locator(".notice")).to_have_text("已记入档案")
    assert "欧阳守望" not in page.content()
    care = page.locator("section:has(#s-care)")
    care.locator("input[name=care_purpose]").fill("春节前家访准备")
    care.get_by_role("button", name="查看").press("Enter")
    expect(care.locator(".revealed")).to_contain_text("欧阳守望")
    expect(care.locator(".revealed")).to_contain_text("父母均外出")
    page.goto(f"/students/{child}")
    assert "欧阳守望" not in page.content()  # shown once


def test_the_childs_own_school_notes_and_reads_counselling(browser: Browser, town: District) -> None:
    school = School(town, 2)
    child = school.students[0]
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=f"http://127.0.0.1:{town.system.port}")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"/demo-issuer/?next=/students/{child}")
    form = page.locator("form:has(input[name=kind][value=principal])")
    form.locator("select[name=school]").select_option(school.code)
    form.locator("button").click()
    page.wait_for_url(f"**/students/{child}")
    page.locator("summary", has_text="登记辅导").click()
    page.locator("textarea[name=note]").fill("孩子最近常做噩梦")
    page.locator("details[open]").get_by_role("button", name="保存").press("Enter")
    expect(page.locator(".notice")).to_have_text("已记入档案")
    care = page.locator("section:has(#s-care)")
    care.locator("input[name=care_purpose]").fill("准备家长会谈话")
    care.get_by_role("button", name="查看").press("Enter")
    expect(care.locator(".revealed")).to_contain_text("孩子最近常做噩梦")
    context.close()


def test_the_promotion_page_fits_a_phone_and_speaks_english(page: Page, town: District) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"/promotions?day={town.today.isoformat()}&school_code={town.schools[0].code}&lang=en")
    expect(page.locator("h1")).to_have_text("Promotion of a year")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
        ".filter(each => !each.labels || each.labels.length === 0).length"
    )
    assert unlabelled == 0
