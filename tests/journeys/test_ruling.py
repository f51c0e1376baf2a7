"""Story: the rules cannot tell whether a row is about a child; a clerk can, and may change her mind without a trace."""

from __future__ import annotations

import uuid
from typing import Any

from playwright.sync_api import expect, sync_playwright

from tests.journeys.pages.test_pages import DESK
from tests.journeys.test_list_submission import mixed_rows, submit
from tests.support import sheets
from tests.support.chromium import CHROMIUM, FLAGS
from tests.support.district import District
from tests.support.people import Child


def doubted(district: District) -> tuple[Child, dict[str, Any]]:
    """A child aided for her disability, and the case of the one row with her number and another's name. (Were that row
    her only evidence, what a ruling grants and its withdrawal takes away would stay on record, as it must.)"""
    child = district.newcomer()
    rows = [district.people.row("disability", "exact", child), district.people.row("poverty", "other_name", child)]
    district.office.list_rows(rows, district.today)
    district.system.settle()
    student = district.office.student_id(child)
    reviewer = district.system.callers.of("reviewer")  # what may be ruled is shown to who may rule
    waiting = reviewer.pages("matching", "/reviews")
    (row,) = [row for row in waiting if [each["student_id"] for each in row["candidates"]] == [student]]
    return child, reviewer.read("matching", f"/reviews/{row['entry_id']}")


def category(district: District, child: Child) -> str:
    student = district.office.student_id(child)
    (found,) = [row for row in district.office.clerk.pages("matching", "/roster") if row["student_id"] == student]
    return str(found["category"])


def test_a_confirmed_child_is_aided_and_a_withdrawn_word_leaves_nothing_behind(district: District) -> None:
    clerk = district.system.callers.of("reviewer")
    child, case = doubted(district)
    path = f"/reviews/{case['entry_id']}/ruling"
    assert (case["state"], category(district, child)) == ("review", "disabled")
    body = {"verdict": "must_link", "students": [district.office.student_id(child)], "evidence": case["evidence"]}
    key, headers = uuid.uuid4(), {"if-match": f'"{case["version"]}"'}
    first = clerk.post("matching", path, body, key=key, headers=headers)
    assert first.status_code == 200, first.text
    district.system.settle()
    linked = clerk.read("matching", f"/reviews/{case['entry_id']}")
    assert (linked["state"], linked["rule"], linked["reason"]) == ("linked", "R0", "ruled_same")
    assert category(district, child) == "registered_poor"
    assert clerk.post("matching", path, body, key=key, headers=headers).json() == first.json()

    undone = clerk.http.delete(
        clerk.url("matching", path), headers={"idempotency-key": str(uuid.uuid4()), "if-match": '"1"'}
    )
    assert undone.status_code == 200, undone.text
    district.system.settle()
    again = clerk.read("matching", f"/reviews/{case['entry_id']}")
    same = ("state", "rule", "score", "reason", "evidence")
    assert [again[name] for name in same] == [case[name] for name in same]
    assert category(district, child) == "disabled"
    district.compare()


def test_a_second_person_decides_what_the_first_was_not_sure_of(district: District) -> None:
    callers = district.system.callers
    clerk, second = callers.of("reviewer"), callers.of("reviewer", "test:second")
    _, case = doubted(district)
    path = f"/reviews/{case['entry_id']}"
    assert clerk.post("matching", f"{path}/second-opinion").status_code == 200
    body = {"verdict": "nobody"}
    refused = clerk.post("matching", f"{path}/ruling", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    (row,) = [row for row in second.pages("matching", "/reviews") if row["entry_id"] == case["entry_id"]]
    assert row["second_opinion"] == "wanted"
    second.do("matching", f"{path}/ruling", body)
    district.system.settle()
    told = clerk.read("matching", path)
    assert (told["state"], told["reason"], told["ruled_by"]) == ("not_in_register", "ruled_nobody", ["test:second"])
    outside = callers.caller(callers.token("reviewer", "test:else", division="110000"))
    assert outside.ask("matching", path).status_code == 404
    for caller in (clerk, second):  # as it was, for the other journeys
        headers = {"idempotency-key": str(uuid.uuid4())}
        answer = caller.http.delete(caller.url("matching", f"{path}/ruling"), headers=headers)
        assert answer.status_code == (200 if caller is clerk else 409)
    district.system.settle()
    district.compare()


def test_the_page_decides_by_key_and_undoes_by_key(district: District) -> None:
    clerk = district.office.clerk
    _, case = doubted(district)
    base = f"http://127.0.0.1:{district.system.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--no-first-run"])
        page = browser.new_context(viewport=DESK, locale="zh-CN", base_url=base).new_page()  # type: ignore[arg-type]
        page.goto(f"/demo-issuer/?next=/reviews/{case['entry_id']}")
        page.locator("form:has(input[name=kind][value=reviewer]) button").click()
        expect(page.locator("table.side mark").first).to_be_visible()
        page.keyboard.press("1")
        page.wait_for_url(lambda url: case["entry_id"] not in url)
        district.system.settle()
        assert clerk.read("matching", f"/reviews/{case['entry_id']}")["state"] == "linked"
        page.goto(f"/reviews/{case['entry_id']}")
        expect(page.locator(".head .code-linked")).to_be_visible()
        page.keyboard.press("u")
        expect(page.locator(".notice")).to_have_text("已撤销,请重新核对")
        browser.close()
    district.system.settle()
    assert clerk.read("matching", f"/reviews/{case['entry_id']}")["state"] == "review"
    district.compare()


def test_the_states_of_a_file_balance_to_its_rows(district: District) -> None:
    rows = mixed_rows(district)
    receipt = submit(district, sheets.xlsx(sheets.table(rows))).json()
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    agency = district.office.agencies["poverty"]
    told = agency.read("matching", f"/submissions/{receipt['submission_id']}/states")
    assert told["rows"] == receipt["rows"] == sum(told["states"].values()) == len(rows)
    assert sum(each["count"] for each in told["reasons"]) == told["rows"] and told["waiting"] == 0
    stranger = district.office.agencies["civil"]
    assert stranger.ask("matching", f"/submissions/{receipt['submission_id']}/states").status_code == 404
