"""Story: the auditor asks what was known at a moment in the middle, and gets it again and again, byte for byte."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.audit.replays.bundle_checking import check_bundle
from shared.hosting.settings import PUBLIC_KEYS_FILE
from shared.transparency.notes import read_vkeys
from tests.support.district import District

CLOSED_SECONDS = 20.0


def now(district: District) -> datetime:
    """A moment after everything that happened so far, and before what comes: all is quiet."""
    district.system.settle()
    moment = datetime.now(UTC)
    time.sleep(0.01)
    return moment


def replayed(district: District, view: str, **question: Any) -> dict[str, Any]:
    """The auditor's answer, once the moment is closed in every log."""
    auditor = district.system.callers.auditor()
    deadline = time.monotonic() + CLOSED_SECONDS
    while True:
        answer = auditor.post("audit", f"/replay/{view}", question)
        if answer.is_success:
            told: dict[str, Any] = answer.json()
            return told
        assert answer.status_code == 409, f"{answer.status_code} {answer.text[:300]}"
        assert time.monotonic() < deadline, f"the moment is not closed: {answer.text[:300]}"
        time.sleep(0.2)


def asked(district: District, path: str, question: dict[str, Any]) -> Any:
    """The auditor's answer to any question, once its moment is closed and signed in every log."""
    auditor = district.system.callers.auditor()
    deadline = time.monotonic() + CLOSED_SECONDS
    while True:
        answer = auditor.post("audit", path, question)
        if answer.is_success:
            return answer
        assert answer.status_code == 409, f"{answer.status_code} {answer.text[:300]}"
        assert time.monotonic() < deadline, f"the moment is not closed: {answer.text[:300]}"
        time.sleep(0.2)


def on_roster(answer: dict[str, Any]) -> dict[str, str]:
    return {row["student_id"]: row["category"] for row in answer["items"]}


def test_the_roster_known_in_the_middle_of_a_history_is_what_it_was(district: District) -> None:
    child, late = district.newcomer(), district.newcomer()
    row = district.people.row("disability", "exact", child)
    district.office.list_rows([row], district.today)
    middle = now(district)
    live_then = {each["student_id"]: each["category"] for each in district.office.clerk.pages("matching", "/roster")}

    district.office.list_rows([district.people.row("poverty", "exact", each) for each in (child, late)], district.today)
    district.office.remove(row, district.today)
    end = now(district)
    live_now = {each["student_id"]: each["category"] for each in district.office.clerk.pages("matching", "/roster")}

    then = replayed(district, "roster", known_at=middle.isoformat())
    assert on_roster(then) == live_then
    student, latecomer = district.office.student_id(child), district.office.student_id(late)
    assert on_roster(then)[student] == "disabled"
    assert latecomer not in on_roster(then)

    today = replayed(district, "roster", known_at=end.isoformat())
    assert on_roster(today) == live_now
    assert on_roster(today)[student] == on_roster(today)[latecomer] == "registered_poor"

    inputs = district.office.clerk.read("matching", "/roster/inputs")["items"]
    assert today["inputs"] == inputs and "schools" in {each["list"] for each in inputs}

    again = replayed(district, "roster", known_at=middle.isoformat())
    assert (again["hash"], again["log_index"]) == (then["hash"], then["log_index"])
    assert again["hash"] != today["hash"]


def test_a_students_categories_are_told_as_true_today_and_as_known_then(district: District) -> None:
    child = district.newcomer()
    district.office.list_rows([district.people.row("disability", "exact", child)], district.today)
    middle = now(district)
    student = district.office.student_id(child)
    live_then = district.office.clerk.read("matching", f"/students/{student}/categories")["items"]
    assert [each["category"] for each in live_then] == ["disabled"]

    district.office.list_rows([district.people.row("poverty", "exact", child)], district.today)
    now(district)
    live_now = district.office.clerk.read("matching", f"/students/{student}/categories")["items"]
    assert [each["category"] for each in live_now if each["on_day"]] == ["registered_poor"]

    assert replayed(district, "categories", known_at=middle.isoformat(), student_id=student)["items"] == live_then


def test_payments_and_alerts_are_replayed_as_they_are_shown(district: District) -> None:
    moment = now(district)
    for view, service in (("payments", "disbursement"), ("alerts", "notifications")):
        items = replayed(district, view, known_at=moment.isoformat())["items"]
        key = {"payments": "entitlement_id", "alerts": "alert_id"}[view]
        states = ["open", "seen", "withdrawn", "closed"] if view == "alerts" else None
        shown = district.office.clerk.pages(service, f"/{view}", state=states)
        assert {row[key] for row in items} == {row[key] for row in shown}


def test_a_change_leads_to_its_event_a_person_to_her_file_and_the_answer_to_its_proof(district: District) -> None:
    child = district.newcomer()
    student = district.office.student_id(child)
    before = now(district)
    row = district.people.row("disability", "exact", child)
    district.office.list_rows([row], district.today)
    after = now(district)

    moments = {"before": {"known_at": before.isoformat()}, "after": {"known_at": after.isoformat()}}
    (change,) = asked(district, "/replay/roster/difference", moments).json()["items"]
    assert change["kind"] == "added" and change["key"] == {"student_id": student}
    link = next(cause for cause in change["causes"] if cause["type"] == "matching.LinkConfirmed.v1")

    file = asked(district, "/person", {"student_id": student, "known_at": after.isoformat()}).json()
    assert file["views"]["roster"][0]["category"] == "disabled"
    assert link["event_id"] in file["decisions"]
    assert child.name not in str(file) and child.number not in str(file)
    behind = asked(district, "/why", {"event_id": link["event_id"], "known_at": after.isoformat()}).json()
    assert {"registry.ListEntryAdded.v1", "registry.StudentEnrolled.v1", "matching.MatchingModelActivated.v1"} <= {
        event["type"] for event in behind["events"]
    }
    earlier = {"student_id": student, "subject": "link", "known_at": before.isoformat()}
    assert asked(district, "/why-not", earlier).json()["missing"] == "listed"

    question = {"known_at": after.isoformat(), "with_log": True}
    bundle = asked(district, "/replay/roster/bundle", question).content
    keys = read_vkeys((district.system.home / PUBLIC_KEYS_FILE).read_text("utf-8"))
    checked = check_bundle(bundle, keys)
    assert checked.answer.result == replayed(district, "roster", known_at=after.isoformat())["hash"]
    assert checked.logs_checked == ["matching", "registry"]
    assert asked(district, "/replay/roster/bundle", question).content == bundle
    district.office.remove(row, district.today)


def test_a_replay_before_the_first_event_is_refused_clearly(district: District) -> None:
    auditor = district.system.callers.auditor()
    early = datetime(2001, 1, 1, tzinfo=UTC).isoformat()
    answer = auditor.post("audit", "/replay/roster", {"known_at": early})
    assert answer.status_code in (404, 409, 422)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == "before_first_event"


def test_a_replay_of_the_future_is_refused(district: District) -> None:
    auditor = district.system.callers.auditor()
    answer = auditor.post("audit", "/replay/roster", {"known_at": datetime(2099, 1, 1, tzinfo=UTC).isoformat()})
    assert answer.status_code == 409


def test_a_school_may_replay_its_own_part_and_nobody_elses(district: District) -> None:
    known_at = now(district).isoformat()
    everyone = replayed(district, "students", known_at=known_at)["items"]
    code = district.schools[0].code
    school = district.system.callers.school(code)
    for refused in ({}, {"school_code": district.schools[1].code}, {"division_code": district.system.division[:4]}):
        assert school.post("audit", "/replay/students", refused).status_code == 403
    own = school.post("audit", "/replay/students", {"school_code": code, "known_at": known_at}).json()["items"]
    assert own == [row for row in everyone if row["school_code"] == code]
    assert school.post("audit", "/why", {"event_id": str(UUID(int=1))}).status_code == 403
