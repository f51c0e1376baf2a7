"""The pages of accounts in a real browser before a real access and audit: a second factor, a key shown once, emergency
access from its asking to its review, at both widths, by keyboard where people type."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.views import VIEWS
from services.access.second_factors.second_factor import STEP_SECONDS, code_of
from services.audit import app as audit_app
from services.disbursement.letter_events import LetterPaperRead
from services.registry.events import PersonalDataRead
from shared.eventsourcing.store import Command, Proposed
from shared.hosting.service import Service
from shared.kernel.clock import today, utc_now
from tests.journeys.pages.test_pages import DESK
from tests.journeys.pages.test_registry_pages import proper
from tests.services.access.conftest import PASSWORD, Office
from tests.services.archiving import archive
from tests.services.installation import DIVISION, Installation
from tests.support.access_portal import access_portal


@pytest.fixture(scope="module")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    installation = Installation(postgres, tmp_path_factory.mktemp("access"))
    made = Office(installation)
    made.now = utc_now()
    yield made
    installation.close()


@pytest.fixture(scope="module")
def audit(office: Office) -> Service:
    settings = office.installation.settings("audit")
    office.installation.bare("registry")
    return office.installation.start(audit_app.build(settings, VIEWS))


@pytest.fixture(scope="module")
def address(office: Office, audit: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with access_portal(office, tmp_path_factory.mktemp("portal"), beside=[audit]) as url:
        yield url


@pytest.fixture
def people(browser: Browser, address: str) -> Iterator[People]:
    made = People(browser, address)
    yield made
    for context in made.contexts:
        context.close()
    assert made.complaints == []


class People:
    """Browsers of one test; every script error is kept."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._address = browser, address
        self.contexts: list[Any] = []
        self.complaints: list[str] = []

    def enter(self, login: str) -> Page:
        context = self._browser.new_context(
            viewport={"width": DESK["width"], "height": DESK["height"]}, locale="zh-CN", base_url=self._address
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto("/sign-in?next=/account")
        page.keyboard.type(login)  # the first field is where typing goes
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/account")
        return page


def see(installation: Installation, who: UUID) -> None:
    """Somebody opens a child's particulars in full."""
    store = installation.bare("registry")
    place = {"division_code": DIVISION, "school_code": "S1"}
    fact = PersonalDataRead(viewer=str(who), student_id=uuid4(), purpose="补报考勤", fields=("phone",), **place)

    def decide(_connection: Any) -> Sequence[Proposed]:
        return [Proposed(uuid4(), 0, fact, today())]

    store.run(installation.databases["registry"], Command(str(who), uuid4(), b""), decide)


def test_a_second_factor_by_keyboard_with_codes_to_print(office: Office, people: People, tmp_path: Path) -> None:
    person, login = office.someone()
    office.post("aid_clerk", holder=person)
    page = people.enter(login)
    office.installation.pump()
    page.reload()
    proper(page, tmp_path / "account")
    page.get_by_role("link", name="二次验证").click()
    proper(page, tmp_path / "factor-off")
    page.get_by_role("button", name="开启二次验证").press("Enter")
    key = "".join(page.locator(".seed code").all_inner_texts())
    proper(page, tmp_path / "factor-seed")
    seed = base64.b32decode(key + "=" * (-len(key) % 8))
    page.get_by_label("验证器显示的6位验证码").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("验证码不正确")
    assert "".join(page.locator(".seed code").all_inner_texts()) == key
    page.get_by_label("验证器显示的6位验证码").fill(code_of(seed, int(time.time()) // STEP_SECONDS))
    page.keyboard.press("Enter")
    expect(page.locator(".recovery li")).to_have_count(10)
    expect(page.get_by_role("button", name="打印")).to_be_visible()
    proper(page, tmp_path / "factor-codes")
    page.get_by_role("link", name="我已保存恢复码").click()
    page.goto("/account/second-factor")
    proper(page, tmp_path / "factor-on")


def test_keys_and_unusual_sign_ins_of_an_administrator(office: Office, people: People, tmp_path: Path) -> None:
    keeper, login = office.someone()
    office.post("account_administrator", holder=keeper)
    for place in ("10.0.0.7", "10.0.0.8"):
        office.enter(login, address=place)
    page = people.enter(login)
    page.goto("/agency-keys")
    page.get_by_label("部门代码").fill("civil_affairs")
    page.get_by_label("用途(哪台机器)").fill("民政前置机")
    page.keyboard.press("Enter")
    expect(page.locator(".notice code")).to_have_text(re.compile(r"^[0-9a-f]{32}\.[\w-]{43}$"))
    page.locator("summary", has_text="更换").press("Enter")
    page.get_by_label("旧密钥再用").select_option("day")
    proper(page, tmp_path / "key-made")
    page.locator("details[open] button").click()
    expect(page.locator(".key-ending")).to_contain_text("更换中")
    proper(page, tmp_path / "key-rotated")
    why: dict[str, Any] = {"purpose": "寄送", "fields": ("name",), "division_code": DIVISION}
    named = tuple(uuid4() for _ in range(500))
    paper = LetterPaperRead(viewer=str(keeper), letter_id=uuid4(), children=named, **why)
    office.installation.append("disbursement", uuid4(), paper, today())
    office.installation.pump()
    page.goto("/people/unusual")
    expect(page.locator("#sign-ins tbody tr").first).to_contain_text("新浏览器")
    expect(page.locator("#reads tbody .sign")).to_have_text(["一次涉及人数多", "总人数多"])
    proper(page, tmp_path / "unusual")


def test_emergency_access_from_its_asking_to_its_review(
    office: Office, audit: Service, people: People, tmp_path: Path
) -> None:
    person, login = office.someone()
    office.post("aid_clerk", holder=person)
    approver, approvers_login = office.someone()
    office.post("approver", holder=approver)
    clerk, reviewer = people.enter(login), people.enter(approvers_login)
    clerk.goto("/emergency")
    proper(clerk, tmp_path / "ask")
    clerk.get_by_label("代行的岗位").select_option(label="资助中心核对员")
    clerk.get_by_label("时长").select_option("2")
    clerk.get_by_label("事由").fill("核对员住院,待核对的行今天须办结")
    clerk.get_by_role("button", name="立即启用").click()
    clerk.clock.install()
    clerk.goto("/account")
    expect(clerk.locator(".standing.emergency")).to_contain_text(re.compile("还剩 1(19|20) 分钟"))
    clerk.clock.fast_forward(600_000)
    expect(clerk.locator(".standing.emergency")).to_contain_text(re.compile("还剩 1(09|10) 分钟"))
    proper(clerk, tmp_path / "in-use")
    see(office.installation, person)
    office.installation.pump()
    clerk.get_by_role("button", name="提前结束").click()
    clerk.wait_for_url("**/?done=emergency_ended")
    office.installation.pump()
    archive(office.installation, audit, ("access", "registry"))
    reviewer.goto("/emergencies")
    proper(reviewer, tmp_path / "waiting")
    reviewer.get_by_role("link", name="复核", exact=True).click()
    expect(reviewer.locator("#done tbody tr")).to_have_count(1)
    expect(reviewer.locator("#done")).to_contain_text("查阅")
    proper(reviewer, tmp_path / "review")
    reviewer.get_by_label("属实,处置得当").check()
    reviewer.get_by_label("说明(不要写号码)").fill("属实,只看了待核对的行")
    reviewer.keyboard.press("Enter")
    reviewer.wait_for_url("**?done=emergency_reviewed")
    office.installation.pump()
    reviewer.reload()
    expect(reviewer.locator("dl.particulars")).to_contain_text("属实,处置得当")
    proper(reviewer, tmp_path / "reviewed")
