"""A form in a row of a table that is refused stands on the same page again, open and as it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from services.portal.session import Opening
from services.portal.tables.table_pages import ENTITLEMENTS
from services.portal.tables.unsent import shown_again
from shared.kernel.refusals import Conflict, Forbidden, Malformed, NotFound, Refusal
from tests.support.county_rows import name_id
from tests.support.portal import Portal, form_token

STUDENT = str(name_id("student 0"))
DUE = str(name_id("due 0"))
PAPER = "00000000-0000-4000-8000-000000000001"
SENT = str(name_id("sent"))
ALERT = str(name_id("alert 1"))
TASK = {"school_year": "2024", "term": "2024-autumn", "task": "opening_check", "school_code": "3146000001"}
TASKS = [
    {**TASK, "task_id": "t1", "title": "开学核查", "state": "due", "opens_on": "2024-09-01"},
    {**TASK, "task_id": "t2", "task": "payment", "title": "发放", "state": "done", "opens_on": "2024-09-01"},
]
SUBMISSION = {"submission_id": SENT, "list": "poverty", "state": "held", "missing": 3, "rows": 10}
HELD = {"student_id": STUDENT, "erasure": "", "hold": "held"}
ROWS: dict[str, dict[str, Any]] = {
    "/registry/v1/suspensions": {"items": [{"student_id": STUDENT, "name": "张*", "grade": "5年级"}], "next": None},
    "/registry/v1/term-tasks": {"items": TASKS, "next": None},
    "/registry/v1/submissions": {"items": [SUBMISSION], "next": None},
}


@dataclass(frozen=True)
class Case:
    """A form: where it stands, its name there, where it goes, what the service is asked, and what is typed."""

    page: str
    form: str
    act: str
    asked: str
    typed: dict[str, str]
    kind: str = "aid_clerk"
    rows: dict[str, Any] = field(default_factory=dict)


BUTTONS = ("seen-", "approve-")
_RHYTHM = {"rhythm": "weekday", "number": "9", "grace_days": "2", "since": "2024-10-01"}
CASES = [
    Case(
        "/entitlements?state=granted", f"disburse-{DUE}", f"/entitlements/{DUE}/disburse",
        f"/disbursement/v1/entitlements/{DUE}/disburse", {"paid_on": "2024-09-02", "reference": "HK-77"}, "cashier",
    ),
    Case(
        "/dropout/documents", f"withdraw-{PAPER}", f"/dropout/documents/{PAPER}/withdraw",
        f"/notifications/v1/documented-absences/{PAPER}/withdraw", {"reason": '笔误 "&<b>'},
    ),
    Case(
        "/suspensions?overdue=all", f"return-{STUDENT}", f"/suspensions/{STUDENT}/return",
        f"/registry/v1/students/{STUDENT}/return", {"on": "2024-09-03", "grade": "6年级", "class_name": ""},
    ),
    Case(
        "/suspensions?overdue=all", f"extend-{STUDENT}", f"/suspensions/{STUDENT}/extend",
        f"/registry/v1/students/{STUDENT}/extend-suspension", {"on": "2024-09-03", "due_back": "2024-01-01"},
    ),
    Case(
        "/freshness", "agree-civil-civil_affairs", "/freshness/civil",
        "/registry/v1/lists/civil/freshness-contract", {**_RHYTHM, "holidays": "2024-10-01 2024-10-07\r\n" * 20},
    ),
    Case(
        "/terms/tasks?state=due&school=3146000001", "done-t1", "/terms/tasks/done", "/registry/v1/term-tasks/done",
        {"on": "2024-09-02", "count": "120", "note": "已核对"},
    ),
    Case("/terms/tasks", "reopen-t2", "/terms/tasks/reopen", "/registry/v1/term-tasks/reopen", {"note": "漏了一班"}),
    Case(
        "/erasures", f"refuse-{STUDENT}", f"/erasures/{STUDENT}/refuse", f"/audit/v1/erasures/{STUDENT}/refuse",
        {"reason": "仍在保管期"},
    ),
    Case(
        "/erasures", f"approve-{STUDENT}", f"/erasures/{STUDENT}/approve", f"/audit/v1/erasures/{STUDENT}/approve",
        {}, "approver",
    ),
    Case(
        "/erasures", f"release-{STUDENT}", f"/erasures/{STUDENT}/release", f"/audit/v1/holds/{STUDENT}/release",
        {"reason": "案件已结"}, rows={"/audit/v1/erasures": {"items": [HELD], "next": None}},
    ),
    Case(
        "/erasures/due?on=2024-09-01", f"request-{STUDENT}", f"/erasures/{STUDENT}/request",
        f"/audit/v1/erasures/{STUDENT}/request", {"reason": "保管期满"},
    ),
    Case(
        "/erasures/due?on=2024-09-01", f"hold-{STUDENT}", f"/erasures/{STUDENT}/hold",
        f"/audit/v1/holds/{STUDENT}/propose", {"reason": "诉讼未结", "reference": "(2024)琼01民初1号"},
    ),
    Case("/imports?list=poverty", f"confirm-{SENT}", f"/imports/{SENT}/confirm",
         f"/registry/v1/submissions/{SENT}/confirm", {}),
    Case(
        "/imports?list=poverty", f"withdraw-{SENT}", f"/imports/{SENT}/withdraw",
        f"/registry/v1/submissions/{SENT}/withdraw", {"reason": "wrong_file"},
    ),
    Case("/alerts?state=all", f"seen-{ALERT}", f"/alerts/{ALERT}/seen", f"/notifications/v1/alerts/{ALERT}/seen", {}),
    Case(
        "/alerts?state=all", f"close-{ALERT}", f"/alerts/{ALERT}/close", f"/notifications/v1/alerts/{ALERT}/close",
        {"reason": "attending_again", "evidence": "考勤表", "ends_on": ""},
    ),
]  # fmt: skip


class Page(HTMLParser):
    """The forms of a page by the name they carry: ``values``, by field, and ``actions``; ``open``: those whose details
    stand open; ``complaints``: what is said of a refused one; ``focus``: what the page is opened at."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.values: dict[str, dict[str, str]] = {}
        self.actions: dict[str, str] = {}
        self.open: list[str] = []
        self.focus: list[str] = []
        self.complaints: list[str] = []
        self._form: dict[str, str] | None = None
        self._action, self._field, self._open, self._said = "", "", False, False
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "autofocus" in given:
            self.focus.append(given.get("name") or given.get("id", ""))
        if given.get("id") == "unsent":
            self._said = True
            self.complaints.append("")
        if tag == "details":
            self._open = "open" in given
        elif tag == "form":
            self._form, self._action = {}, given.get("action", "")
        elif self._form is not None and tag in ("input", "select", "textarea") and "name" in given:
            self._field = given["name"]
            self._form[self._field] = given.get("value", "")
        elif self._form is not None and tag == "option" and "selected" in given:
            self._form[self._field] = given["value"]

    def handle_data(self, data: str) -> None:
        if self._said:
            self.complaints[-1] += data
        elif self.lasttag == "textarea" and self._form is not None and data.strip():
            self._form[self._field] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "div"):
            self._said = False
        elif tag == "details":
            self._open = False
        elif tag == "form" and self._form is not None:
            if name := self._form.get("form"):
                self.values[name], self.actions[name] = self._form, self._action
                if self._open:
                    self.open.append(name)
            self._form = None


@pytest.fixture(autouse=True)
def _as_before(portal: Portal) -> Iterator[None]:
    portal.county.instead.update(ROWS)
    yield
    portal.county.instead.clear()


def sent(page: Page, case: Case) -> dict[str, str]:
    """The form as a browser sends it."""
    return {**page.values[case.form], **case.typed}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.form[:12] + case.page)
def test_a_refused_form_stands_where_it_stood_as_it_was_sent(portal: Portal, case: Case) -> None:
    told: dict[str, Any] = portal.county.instead
    told.update(case.rows)
    with portal.as_(case.kind) as client:
        opened = Page(client.get(case.page))
        assert opened.open == [] and opened.focus == [] and opened.complaints == []
        assert opened.actions[case.form] == case.act
        told[case.asked] = Conflict("与现有记录不符", "It does not fit the record")
        refused = client.post(case.act, data=sent(opened, case))
        again = Page(refused)
        assert refused.status_code == 409
        assert [each.strip() for each in again.complaints] == ["与现有记录不符"] and again.focus == ["unsent"]
        assert again.open == ([] if case.form.startswith(BUTTONS) else [case.form])
        before, after = sent(opened, case), dict(again.values[case.form])
        assert before.pop("command_id") != after.pop("command_id")
        assert before.pop("form_token") and after.pop("form_token")
        assert {name: text.strip() for name, text in before.items()} == {k: v.strip() for k, v in after.items()}
        assert again.values.keys() == opened.values.keys()
        told[case.asked] = {}
        done = client.post(case.act, data=sent(again, case))
        assert done.status_code == 303 and done.headers["location"].startswith(case.page)
        assert client.get(case.act).status_code == 303  # a reload


CASE = CASES[0]


@pytest.mark.parametrize(
    ("refusal", "focus"),
    [
        (Malformed("编号不正确", "No such number", field="reference"), ["reference"]),
        (Malformed("日期不正确", "No such day", field="days"), ["unsent"]),
        (NotFound("没有这笔款项", "There is no such aid"), ["unsent"]),
    ],
    ids=["a field of the form", "no field of the form", "not found"],
)
def test_the_page_opens_at_what_is_wrong(portal: Portal, refusal: Refusal, focus: list[str]) -> None:
    with portal.as_("cashier") as client:
        opened = Page(client.get(CASE.page))
        portal.county.instead[CASE.asked] = refusal
        answer = client.post(CASE.act, data=sent(opened, CASE))
    assert answer.status_code == refusal.status and Page(answer).focus == focus
    assert ('aria-invalid="true" aria-describedby="unsent"' in answer.text) == (focus == ["reference"])


def test_a_refusal_is_said_in_the_readers_language(portal: Portal) -> None:
    with portal.as_("cashier") as client:
        opened = Page(client.get(CASE.page + "&lang=en"))
        portal.county.instead[CASE.asked] = Conflict("已发放", "Paid already")
        answer = client.post(CASE.act, data=sent(opened, CASE))
    assert Page(answer).complaints == ["Paid already"] and 'lang="en"' in answer.text


def test_what_the_page_itself_refuses_is_said_beside_the_form_too(portal: Portal) -> None:
    agreed = next(case for case in CASES if case.page == "/freshness")
    with portal.as_("aid_clerk") as client:
        holidays = {"holidays": "国庆节"}
        answer = client.post(agreed.act, data=sent(Page(client.get(agreed.page)), agreed) | holidays)
    assert answer.status_code == 422
    page = Page(answer)
    assert page.focus == ["holidays"] and page.values[agreed.form]["holidays"] == "国庆节"
    assert "假期第1行" in page.complaints[0]


def test_who_cannot_go_on_is_shown_no_form(portal: Portal) -> None:
    told: dict[str, Any] = portal.county.instead
    with portal.as_("cashier") as client:
        opened = Page(client.get(CASE.page))
        told[CASE.asked] = Forbidden("不在您的范围", "Not yours")
        answer = client.post(CASE.act, data=sent(opened, CASE))
        assert answer.status_code == 403 and "error-page" in answer.text and not Page(answer).values
    with portal.as_("auditor") as other:
        guard = {"form_token": form_token(other.get("/")), "command_id": str(uuid4()), "back": CASE.page}
        told[CASE.asked] = Conflict("不会说到", "Not said")
        answer = other.post(CASE.act, data=guard | CASE.typed)
        assert answer.status_code == 403 and "不会说到" not in answer.text


def test_a_row_that_has_gone_leaves_what_was_written(portal: Portal) -> None:
    with portal.as_("cashier") as client:
        opened = Page(client.get(CASE.page))
        portal.county.instead["/disbursement/v1/entitlements"] = {"items": [], "next": None}
        portal.county.instead[CASE.asked] = Conflict("已发放", "Paid already")
        answer = client.post(CASE.act, data=sent(opened, CASE) | {"reference": "HK-<77>"})
    assert answer.status_code == 409 and answer.text.count('id="unsent"') == 1
    assert "已发放" in answer.text and "您填写的内容:2024-09-02 · HK-&lt;77&gt;" in answer.text


@pytest.mark.parametrize("back", ["//evil.test/entitlements", "/roster", "/payments", "", "/entitlements?print=1"])
def test_no_address_leads_to_another_table_or_site(portal: Portal, back: str) -> None:
    with portal.as_("cashier") as client:
        opened = Page(client.get(CASE.page))
        portal.county.instead[CASE.asked] = Conflict("已发放", "Paid already")
        taken = len([each for each in portal.county.commands if each[0].endswith("/files-taken")])
        answer = client.post(CASE.act, data=sent(opened, CASE) | {"back": back})
    again = Page(answer)
    assert answer.status_code == 409 and again.open == [CASE.form] and "evil" not in answer.text
    assert again.values[CASE.form]["back"] == "/entitlements" and "data-print-now" not in answer.text
    assert taken == len([each for each in portal.county.commands if each[0].endswith("/files-taken")])


def test_when_the_table_cannot_be_read_the_refusal_is_said_alone(portal: Portal) -> None:
    with portal.as_("cashier") as client:
        opened = Page(client.get(CASE.page))
        portal.county.instead[CASE.asked] = Conflict("已发放", "Paid already")
        portal.county.instead["/disbursement/v1/entitlements"] = Malformed("翻页有误", "No such page")
        answer = client.post(CASE.act, data=sent(opened, CASE))
    assert answer.status_code == 409 and "已发放" in answer.text and "error-page" in answer.text


def test_a_live_table_stands_still_while_a_form_is_corrected(portal: Portal) -> None:
    closed = CASES[-1]
    with portal.as_("aid_clerk") as client:
        first = client.get("/alerts")
        portal.county.instead[closed.asked] = Conflict("不能销号", "Not to be closed")
        answer = client.post(closed.act, data=sent(Page(client.get(closed.page)), closed))
    assert "data-stream" in first.text and "data-stream" not in answer.text


def test_a_field_that_nobody_writes_in_is_not_what_the_page_opens_at(portal: Portal) -> None:
    done = next(case for case in CASES if case.form == "done-t1")
    with portal.as_(done.kind) as client:
        opened = Page(client.get(done.page))
        portal.county.instead[done.asked] = Malformed("没有这所学校", "No such school", field="school_code")
        answer = client.post(done.act, data=sent(opened, done))
    assert answer.status_code == 422 and Page(answer).focus == ["unsent"]


def test_a_table_is_shown_to_nobody_whom_its_page_refuses() -> None:
    async def show(*_: object) -> Response:
        raise AssertionError("shown")

    nobody = SimpleNamespace(viewer=SimpleNamespace(has=lambda *_: False), language="zh")
    form, refused = FormData([("back", "/entitlements")]), Malformed("日期不正确", "No such day")
    with pytest.raises(Malformed):
        asyncio.run(shown_again(cast(Request, None), cast(Opening, nobody), form, refused, show, [ENTITLEMENTS], []))
