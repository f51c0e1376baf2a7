"""A case over HTTP: its steps, what its closing lacks, who reads what, how urgent it is, the ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from services.notifications.case_events import CaseEscalated, CaseNotesRead
from services.notifications.cases.case_evidence import evidence_of
from services.notifications.cases.escalating import Escalating
from services.notifications.events import AlertRaised, DayOpened
from services.notifications.queries import every_alert
from services.notifications.streams import Streams
from services.registry.events import SchoolCalendarActivated
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.projection import Recorded
from shared.kernel.clock import today
from shared.kernel.facts import fact_type
from shared.kernel.refusals import VersionConflict
from shared.messaging.builds import enter_live
from shared.standards.school_calendar import CalendarYear, Span, canonical
from tests.services.happenings import link, listed, someone, unmatched
from tests.services.installation import DIVISION, Installation
from tests.services.notifications.cases.desk import NORTH, SOUTH, TEAM, Desk, open_desk

SECRET = "家访时母亲说想让孩子打工"
S1, S3 = {"school": "S1"}, {"school": "S3"}


def attempt() -> dict[str, Any]:
    """Today's, as it is told."""
    return {
        "day": today().isoformat(), "way": "home_visit", "by": ["teacher", "cadre"], "outcome": "hesitating",
        "next_on": (today() + timedelta(days=3)).isoformat(), "next_step": "phone", "note": SECRET,
    }  # fmt: skip


@pytest.fixture
def desk(installation: Installation) -> Iterator[Desk]:
    with open_desk(installation) as made:
        yield made


@pytest.fixture(scope="module")
def shared(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for tests that look at cases of their own only."""
    installation = Installation(postgres, tmp_path_factory.mktemp("cases"))
    with open_desk(installation) as made:
        yield made
    installation.close()


def a_case(desk: Desk, **fields: Any) -> str:
    """One that was seen and has its team."""
    student = desk.dropped(class_name="1班", **fields)
    desk.settle()
    (alert,) = [row for row in desk.alerts() if row["student_id"] == str(student)]
    alert_id: str = alert["alert_id"]
    for step, body in (("seen", None), ("team", TEAM)):
        assert desk.act(alert_id, step, body).status_code == 200
    return alert_id


def test_from_alert_over_team_and_attempt_to_a_closing_that_says_what_it_lacks(desk: Desk) -> None:
    student = desk.dropped(class_name="1班")
    desk.settle()
    (row,) = desk.alerts(place=S1)
    alert = row["alert_id"]
    assert (row["due_for"], row["then"], row["level"], row["times"]) == ("not_acknowledged", "township", "school", 1)
    assert desk.act(alert, "team", TEAM, place=S1).json()["code"] == "not_seen_yet"
    assert desk.act(alert, "seen", place=S1).status_code == 200
    assert desk.act(alert, "attempts", attempt(), place=S1).json()["code"] == "no_team_yet"
    assert desk.act(alert, "team", TEAM, place=S1).status_code == 200
    early = attempt() | {"day": (today() - timedelta(days=9)).isoformat()}
    assert desk.act(alert, "attempts", early, place=S1).json()["code"] == "day_not_in_case"
    assert desk.act(alert, "attempts", attempt(), place=S1, by="teacher-1").status_code == 200
    refused = desk.act(alert, "close", {"reason": "attending_again", "evidence": "考勤表"}, place=S1)
    assert refused.status_code == 409 and "目前有0个" in refused.json()["detail"]
    desk.settle()
    page = desk.ask("GET", f"/alerts/{alert}", place=S1).json()
    assert [each["what"] for each in page["happened"]] == ["AttemptLogged", "TeamFormed", "AlertSeen", "AlertRaised"]
    assert page["happened"][0]["by"] == "teacher-1" and page["happened"][0]["noted"]
    assert [each["who"] for each in page["team"]] == ["赵*长", "teacher-1", "钱*干", "孙*长"]
    assert set(page["missing"]) == {"attending_again", "accepted_elsewhere", "exempt", "mistaken"}
    assert desk.alerts(place=S1)[0]["next_step"] == "phone"
    # A receipt of the accepting school is enough; the class's reports would be, too.
    body = {"reason": "accepted_elsewhere", "evidence": "回执", "receipt": "穗转 2026-118"}
    assert desk.act(alert, "close", body, place=S1).status_code == 200
    desk.settle()
    (closed,) = desk.alerts(place=S1, params={"state": "closed"})
    assert closed["ended_evidence"] == "穗转 2026-118" and closed["student_id"] == str(student)


def test_reports_of_school_days_after_the_last_absence_are_the_evidence_of_a_return(shared: Desk) -> None:
    child, classmate = shared.child(class_name="1班"), shared.child(class_name="1班")
    days = [today() - timedelta(days=days) for days in (8, 7, 6, 3, 2, 1)]
    shared.report("S1", today() - timedelta(days=9))  # before she was missed
    for day in days[:3]:
        shared.report("S1", day, child)
    shared.report("S1", days[3], classmate)
    for day in days[4:]:
        shared.report("S1", day)
    shared.report("S3", days[5])  # another school's class of the same name says nothing of her
    shared.settle()
    raised = AlertRaised(
        kind="absent_running", student_id=child, entry_id=None, division_code=NORTH, school_code="S1", since=days[0],
        evidence=(), rules_hash="h", explanation_code="x", facts={},
    )  # fmt: skip
    database = shared.service.database
    assert len(evidence_of(database, raised, today()).present) == 3
    assert evidence_of(database, raised, days[2]).present == ()
    assert len(evidence_of(database, raised, days[4]).present) == 2


def test_a_mistake_takes_two_people(shared: Desk) -> None:
    alert = a_case(shared)
    closing = {"reason": "mistaken", "evidence": "核实表 7"}
    assert shared.act(alert, "close", closing, by="one").json()["code"] == "second_person_needed"
    assert shared.act(alert, "mistaken", {"reference": "核实表 7"}, by="one").status_code == 200
    assert shared.act(alert, "close", closing, by="one").json()["code"] == "second_person_needed"
    assert shared.act(alert, "close", closing, by="two").status_code == 200


def test_notes_are_read_by_the_school_and_their_author_for_a_purpose_and_stand_in_no_list(shared: Desk) -> None:
    alert = a_case(shared)
    shared.act(alert, "attempts", attempt(), place=S1, by="teacher-1")
    referral = {"day": today().isoformat(), "to": "school_counsellor", "note": "县里写的一句话"}
    assert shared.act(alert, "referrals", referral, by="clerk").status_code == 200
    action = {"day": today().isoformat(), "agency": "police", "action": "searched", "reference": "公函 12"}
    assert shared.act(alert, "actions", action).status_code == 200
    shared.settle()
    shown = [shared.ask("GET", path).text for path in ("/alerts", f"/alerts/{alert}", "/ledgers", "/ledgers/children")]
    for secret in (SECRET, "县里写的一句话", "赵镇长", "0898-1111", "孙家长"):
        assert all(secret not in text for text in shown)
    with shared.service.database.owner() as connection:
        schemas = connection.exec_driver_sql("SELECT schema FROM builds").scalars().all()
        for schema in schemas:
            for table in connection.exec_driver_sql(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,)
            ).scalars():
                rows = connection.exec_driver_sql(f'SELECT t::text FROM "{schema}"."{table}" t').scalars().all()
                assert not any(SECRET in row or "孙家长" in row for row in rows), table
    assert shared.act(alert, "reveal", {"purpose": "查 469001199001010011"}).status_code == 422
    county = shared.act(alert, "reveal", {"purpose": "核对帮扶小组"}, by="clerk").json()
    assert [each["note"] for each in county["notes"]] == ["县里写的一句话"] and county["withheld"] == 1
    assert county["team"]["family_phone"] == "13900000000"
    school = shared.act(alert, "reveal", {"purpose": "跟进劝返"}, place=S1, by="head").json()
    assert {each["note"] for each in school["notes"]} == {SECRET, "县里写的一句话"}
    other = shared.act(alert, "reveal", {"purpose": "跟进劝返"}, place=S3)
    assert other.status_code == 404
    shared.settle()
    name = fact_type(CaseNotesRead).name
    reads = [each for each in shared.installation.entries("notifications") if each.logged.event.type == name]
    assert [each.logged.event.principal for each in reads] == ["clerk", "head"]


def test_a_day_handed_over_twice_escalates_once_and_every_level_has_its_day(desk: Desk) -> None:
    desk.dropped()
    desk.settle()
    days = [today() + timedelta(days=days) for days in range(1, 40)]
    for day in days:
        desk.installation.open_day(desk.service, day)
        desk.installation.open_day(desk.service, day)
    desk.settle()
    name = fact_type(CaseEscalated).name
    told = [each.logged.event for each in desk.installation.entries("notifications") if each.logged.event.type == name]
    with desk.service.database.writing() as connection:
        stream = desk.service.store.load(connection, told[0].stream_id)
    escalated = [each.fact for each in stream if isinstance(each.fact, CaseEscalated)]
    assert len(escalated) == len(told)
    assert [(each.level, each.reason) for each in escalated] == [
        ("township", "not_acknowledged"), ("county", "not_acknowledged"), ("city", "not_acknowledged"),
    ]  # fmt: skip
    assert all(later.due_on > sooner.due_on for sooner, later in pairwise(escalated))


def test_two_workers_with_one_day_escalate_once(desk: Desk) -> None:
    for _ in range(5):
        desk.dropped()
    desk.settle()
    later = today() + timedelta(days=20)
    installation, service = desk.installation, desk.service
    installation.append("notifications", UUID(int=7), DayOpened(day=later), later)
    installation.sequence()
    logged = next(each.logged for each in reversed(installation.entries("notifications")))
    policy = Escalating(service.store, Streams(installation.settings("notifications").hmac_key), DIVISION)
    together = Barrier(2)

    def work() -> None:
        with service.database.working() as connection:
            assert enter_live(driver(connection), "escalating")
            together.wait(10)
            policy.react(connection, [Recorded(logged, DayOpened(day=later), None)], [])

    with ThreadPoolExecutor(2) as threads:
        outcomes = [threads.submit(work) for _ in range(2)]
        refused = [outcome.exception() for outcome in outcomes if outcome.exception() is not None]
    assert all(isinstance(each, VersionConflict) for each in refused) and len(refused) < 2
    desk.settle()  # the same day once more, as a worker that starts again would have it
    name = fact_type(CaseEscalated).name
    told = [each for each in installation.entries("notifications") if each.logged.event.type == name]
    assert len(told) == len({each.logged.event.stream_id for each in told}) == 5


def test_urgent_cases_stand_first_by_their_circumstances(desk: Desk) -> None:
    plain, poor = desk.dropped(), desk.dropped()
    sibling, behind = desk.dropped("S2"), desk.dropped(left_behind=True, guardian_id="46900119800101001X")
    brother = desk.child("S2", guardian_id="46900119800101001X")
    desk.household(poor, sibling)
    entry = someone()
    desk.installation.append("registry", entry, listed(someone(), orphan=True), date(2026, 1, 1))
    fact = link(entry, poor)
    desk.installation.append("matching", someone(), fact, date(2026, 1, 1))
    desk.settle()
    rows = desk.alerts()
    assert rows[0]["student_id"] == str(poor) and [row["priority"] for row in rows] == [8, 2, 2, 0]
    found = {row["student_id"]: (row["priority"], row["circumstances"], row["siblings"]) for row in rows}
    assert found[str(poor)] == (3 + 3 + 2, ["poor", "orphan"], 1)
    assert str(brother) not in found, "a brother who is at school is no case"
    assert found[str(sibling)] == (2, [], 1) and found[str(behind)] == (2, ["left_behind"], 0)
    assert found[str(plain)] == (0, [], 0)
    first = desk.ask("GET", "/alerts", params={"limit": 3}).json()
    rest = desk.ask("GET", "/alerts", params={"limit": 3, "after": first["next"]}).json()
    assert [row["alert_id"] for row in (*first["items"], *rest["items"])] == [row["alert_id"] for row in rows]


def test_a_township_sees_its_prefix_a_school_its_own_and_the_ledgers_count_the_same(desk: Desk) -> None:
    north, south = desk.dropped("S1"), desk.dropped("S3")
    desk.child("S2")
    entry, stranger = someone(), someone()
    desk.installation.append("registry", entry, listed(someone()), date(2026, 1, 1))
    desk.installation.append("matching", someone(), link(entry, north), date(2026, 1, 1))
    desk.installation.append("registry", stranger, listed(someone(), division_code=SOUTH), date(2026, 1, 1))
    desk.installation.append("matching", someone(), unmatched(stranger, division_code=SOUTH), date(2026, 1, 1))
    desk.settle()
    sees = {
        name: {row["student_id"] for row in desk.alerts(place=place)}
        for name, place in {"S1": S1, "S3": S3, "north": {"division": NORTH}, "south": {"division": SOUTH}}.items()
    }
    assert sees == {"S1": {str(north)}, "S3": {str(south)}, "north": {str(north)}, "south": {str(south), None}}
    assert [row["student_id"] for row in desk.alerts(params={"township": NORTH})] == [str(north)]
    assert len(desk.alerts(params={"level": "school", "grade": "5"})) == 2
    assert desk.alerts(params={"level": "county"}) == desk.alerts(params={"view": "spring_8_9"}) == []
    for place in (None, {"division": SOUTH}, S1):
        board = desk.ask("GET", "/ledgers", place=place).json()
        assert "公安" in board["covers"]
        for ledger in ("school_age", "in_no_school", "left", "suspected", "dropped_out", "poor_dropouts"):
            rows = desk.ask("GET", "/ledgers/children", place=place, params={"ledger": ledger}).json()["items"]
            assert sum(each[ledger] for each in board["places"]) == len(rows), (place, ledger)
    counted = desk.ask("GET", "/ledgers").json()["places"]
    sums = {name: sum(each[name] for each in counted) for name in ("school_age", "in_no_school", "dropped_out")}
    assert sums == {"school_age": 2, "in_no_school": 1, "dropped_out": 2}
    assert [(each["school_code"], each["dropped_out"]) for each in counted if each["poor_dropouts"]] == [("S1", 1)]
    weeks = desk.ask("GET", "/ledgers/trend", params={"weeks": 2}).json()
    assert weeks[-1] == {"week_ends": today().isoformat(), "raised": 3, "suspected": 1, "dropped_out": 2}


def test_an_exempt_case_opens_again_by_itself_when_its_document_has_run_out(desk: Desk) -> None:
    alert = a_case(desk)
    ends = today() + timedelta(days=10)
    lacking = desk.act(alert, "close", {"reason": "exempt", "evidence": "病假条 3"})
    assert lacking.json()["code"] == "evidence_missing"
    body = {"reason": "exempt", "evidence": "病假条 3", "ends_on": ends.isoformat()}
    assert desk.act(alert, "close", body).status_code == 200
    for day, state in ((ends, "closed"), (ends + timedelta(days=1), "open")):
        desk.installation.open_day(desk.service, day)
        desk.settle()
        rows = desk.alerts(params={"state": state, "true_on": day.isoformat()})
        assert [(row["alert_id"], row["times"]) for row in rows] == [(alert, 1 + (state == "open"))]
    (row,) = desk.alerts(params={"true_on": (ends + timedelta(days=1)).isoformat()})
    assert row["circumstances"] == [] and row["priority"] == 1, "a case opened again is more urgent"


def test_a_confirmed_dropout_stays_on_the_ledger_and_the_view_replays(shared: Desk) -> None:
    alert = a_case(shared)
    assert shared.act(alert, "dropped-out", {"reference": "确认书 1"}).json()["code"] == "no_attempt_yet"
    shared.act(alert, "attempts", attempt())
    assert shared.act(alert, "dropped-out", {"reference": "确认书 1"}).status_code == 200
    shared.settle()
    assert [row["state"] for row in shared.alerts() if row["alert_id"] == alert] == ["dropped_out"]
    rows = shared.ask("GET", "/ledgers/children", params={"ledger": "dropped_out"}).json()["items"]
    assert alert in [row["alert_id"] for row in rows]
    with shared.service.database.reading(Scope(division="46"), "alerts") as connection:
        assert [row.state for row in every_alert(connection, today()) if str(row.alert_id) == alert] == ["dropped_out"]


def test_a_confirmed_dropout_is_asked_about_when_a_term_begins_and_silence_escalates(desk: Desk) -> None:
    begins, alert = today() + timedelta(days=30), a_case(desk)
    autumn = Span(today() - timedelta(days=60), today() + timedelta(days=5), "autumn")
    terms = (autumn, Span(begins, begins + timedelta(days=120), "spring"))
    told = SchoolCalendarActivated(
        division_code=DIVISION, school_year=today().year, content=canonical(CalendarYear(terms)), content_hash="h"
    )
    desk.installation.append("registry", someone(), told, today())
    desk.act(alert, "attempts", attempt())
    assert desk.act(alert, "dropped-out", {"reference": "确认书 1"}).status_code == 200
    desk.settle()
    found = []
    for day in (begins - timedelta(days=1), begins, begins + timedelta(days=1), begins + timedelta(days=30)):
        desk.installation.open_day(desk.service, day)
        desk.settle()
        names = [each.logged.event.type.split(".")[1] for each in desk.installation.entries("notifications")]
        found.append((names.count("DropoutAskedAbout"), names.count("CaseEscalated")))
    assert found == [(0, 0), (1, 0), (1, 0), (1, 1)]
    (row,) = desk.alerts(params={"true_on": (begins + timedelta(days=30)).isoformat()})
    assert (row["state"], row["level"], row["asked_on"]) == ("dropped_out", "township", begins.isoformat())


def test_the_plan_is_configuration_with_its_hash(shared: Desk) -> None:
    shared.settle()
    plan = shared.ask("GET", "/case-plan").json()
    changed = plan["content"] | {"answer_days": 30}
    assert shared.ask("POST", "/case-plan", json=changed).status_code == 201
    assert shared.ask("POST", "/case-plan", json=changed | {"answer_days": 0}).json()["code"] == "bad_case_plan"
    shared.settle()
    assert shared.ask("GET", "/case-plan").json()["content"]["answer_days"] == 30
