"""Story: a child whom no school has is seen at once, stays on somebody's desk, and leaves it only by evidence."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from shared.kernel.clock import today
from tests.support.callers import Caller
from tests.support.district import District
from tests.support.listening import listening
from tests.support.people import Child, Row


def closing() -> dict[str, str]:
    """What closes an alert until a day that is far away."""
    ends_on = (today() + timedelta(days=200)).isoformat()
    return {"reason": "exempt", "evidence": "病休证明 2026-17", "ends_on": ends_on}


def alerts_about(district: District, caller: Caller, number: str, **query: Any) -> list[dict[str, Any]]:
    """The alerts this caller sees about a child, by identity number."""
    numbers, entries = district.observed.numbers(), district.observed.entries()

    def whose(alert: dict[str, Any]) -> str:
        return numbers[alert["student_id"]] if alert["student_id"] else entries[alert["entry_id"]][2]

    return [alert for alert in caller.pages("notifications", "/alerts", **query) if whose(alert) == number]


def list_stranger(district: District) -> tuple[Child, Row]:
    """A listed child of school age whom no school has."""
    row = district.people.row("poverty", "stranger")
    assert row.about is not None
    district.office.list_rows([row], district.today)
    return row.about, row


def test_a_listed_child_in_no_register_raises_an_alert_that_is_seen_and_closed_on_evidence(district: District) -> None:
    clerk = district.office.clerk
    with listening(clerk, "notifications", "/alerts/stream") as listener:
        child, _ = list_stranger(district)
        heard = listener.wait_for_row(lambda row: row["kind"] == "listed_but_unenrolled" and row["state"] == "open")
        alert_id = heard.data["id"]
        assert [each["alert_id"] for each in alerts_about(district, clerk, child.number)] == [alert_id]

        early = clerk.post("notifications", f"/alerts/{alert_id}/close", closing())
        assert early.status_code == 409, "an alert nobody has read cannot be closed"
        district.office.see(alert_id, "listed_but_unenrolled", child.number)
        listener.wait_for_row(lambda row: row["alert_id"] == alert_id and row["state"] == "seen")
        unproven = clerk.post(
            "notifications", f"/alerts/{alert_id}/close", {"reason": "attending_again", "evidence": "x"}
        )
        assert unproven.json()["code"] == "evidence_missing", "no school has reported this child"
        district.office.close(alert_id, "listed_but_unenrolled", child.number, closing())
        listener.wait_for_row(lambda row: row["alert_id"] == alert_id and row["state"] == "closed")
    district.system.settle()
    district.compare()


def test_an_alert_is_withdrawn_by_itself_when_the_child_is_found_in_a_school(district: District) -> None:
    child = district.people.child()
    row = district.people.row("disability", "exact", child)
    district.office.list_rows([row], district.today)
    district.system.settle()
    (alert,) = alerts_about(district, district.office.clerk, child.number)
    assert alert["state"] == "open"
    district.enrol([child])
    district.system.settle()
    (ended,) = alerts_about(district, district.office.clerk, child.number, state="withdrawn")
    assert ended["alert_id"] == alert["alert_id"]
    district.compare()


def test_an_alert_is_withdrawn_when_the_child_leaves_the_list(district: District) -> None:
    child, row = list_stranger(district)
    district.system.settle()
    assert alerts_about(district, district.office.clerk, child.number)
    district.office.remove(row, district.today)
    district.system.settle()
    assert not alerts_about(district, district.office.clerk, child.number)
    district.compare()


def test_a_child_who_left_and_was_accepted_nowhere_raises_an_alert_at_its_school(district: District) -> None:
    waiting, recent = district.newcomer(), district.newcomer()
    district.office.transfer_out(waiting, district.today - timedelta(days=20))
    district.office.transfer_out(recent, district.today - timedelta(days=3))
    district.system.settle()
    assert waiting.school is not None
    at_school = district.system.callers.school(waiting.school.code)
    (alert,) = alerts_about(district, at_school, waiting.number)
    assert alert["kind"] == "left_without_acceptance"
    assert not alerts_about(district, district.office.clerk, recent.number), "fifteen days have not passed"
    other = next(school for school in district.schools if school is not waiting.school)
    elsewhere = district.system.callers.school(other.code)
    assert not alerts_about(district, elsewhere, waiting.number)
    assert elsewhere.post("notifications", f"/alerts/{alert['alert_id']}/seen").status_code == 404
    district.compare()


def test_a_dropout_is_an_alert_and_returning_to_school_ends_it(district: District) -> None:
    child = district.newcomer()
    district.office.leave(child, district.today - timedelta(days=1), "dropped_out")
    district.system.settle()
    (alert,) = alerts_about(district, district.office.clerk, child.number)
    assert (alert["kind"], alert["state"]) == ("dropped_out", "open")
    district.office.enrol([child], district.today)
    district.system.settle()
    assert not alerts_about(district, district.office.clerk, child.number)
    district.compare()


def test_reading_an_alert_twice_with_one_key_does_it_once(district: District) -> None:
    child, _ = list_stranger(district)
    district.system.settle()
    (alert,) = alerts_about(district, district.office.clerk, child.number)
    key = uuid.uuid4()
    path = f"/alerts/{alert['alert_id']}/seen"
    answers = [district.office.clerk.post("notifications", path, key=key).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    district.oracle.seen("listed_but_unenrolled", child.number)
    district.system.settle()
    district.compare()
