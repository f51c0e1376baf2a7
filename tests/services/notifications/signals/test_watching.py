"""No child drops out unseen: from what registry and matching say to alerts, on a real database, in any order."""

from __future__ import annotations

import random
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from services.matching.events import EntryWithdrawn
from services.notifications import app, handlers, queries
from services.notifications.commands import CloseAlert, SeeAlert
from services.notifications.errors import AlertNotOpen, UnknownAlert
from services.notifications.queries import AlertRow
from services.notifications.streams import Streams
from services.registry.events import ListEntryRemoved, StudentAcceptedElsewhere, StudentLeft, StudentTransferredOut
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command
from shared.hosting.service import Service
from shared.web.pages import PageTurn
from tests.services.happenings import enrolled, link, listed, review, someone, unlink, unmatched
from tests.services.installation import DIVISION, Installation

TODAY = date(2026, 11, 24)
COUNTY = Scope(division=DIVISION[:4])
ALL: tuple[queries.State, ...] = ("open", "seen", "withdrawn", "closed")


@pytest.fixture
def notifications(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("notifications")))
    installation.bare("registry")
    installation.bare("matching")
    return service


def alerts(service: Service, day: date = TODAY, scope: Scope = COUNTY) -> list[AlertRow]:
    with service.database.reading(scope, "alerts") as connection:
        return queries.alerts(connection, day, PageTurn(None, 200), queries.AlertFilter(states=ALL))


def told(service: Service, day: date = TODAY) -> list[tuple[str, str]]:
    return sorted((row.kind, row.state) for row in alerts(service, day))


def left(installation: Installation, student: UUID, on: date) -> None:
    fact = StudentTransferredOut(school_code="S1", division_code="469001", destination_kind="elsewhere")
    installation.append("registry", student, fact, on)


def a_student(installation: Installation) -> UUID:
    student = someone()
    installation.append("registry", student, enrolled(student), date(2022, 9, 1))
    return student


def a_row(installation: Installation, child: UUID, name: str = "poverty") -> tuple[UUID, UUID]:
    """(entry, its stream in matching), decided: not in the register."""
    entry, stream = someone(), someone()
    installation.append("registry", entry, listed(child, list=name), date(2026, 9, 1))
    installation.append("matching", stream, unmatched(entry, list=name), date(2026, 9, 1))
    return entry, stream


def test_a_listed_child_enrolled_nowhere_is_one_alert_for_all_its_lists(
    installation: Installation, notifications: Service
) -> None:
    child = someone()
    a_row(installation, child)
    a_row(installation, child, "civil")
    installation.open_day(notifications, TODAY)
    installation.pump()
    assert told(notifications) == [("listed_but_unenrolled", "open")]


def test_the_alert_is_withdrawn_when_the_child_is_found(installation: Installation, notifications: Service) -> None:
    installation.open_day(notifications, TODAY)
    entry, stream = a_row(installation, someone())
    installation.pump()
    assert told(notifications) == [("listed_but_unenrolled", "open")]
    installation.append("matching", stream, link(entry, someone()), TODAY)
    installation.pump()
    (row,) = alerts(notifications)
    assert (row.state, row.ended_reason) == ("withdrawn", "found_in_register")


def test_the_alert_is_withdrawn_when_the_row_leaves_its_list(
    installation: Installation, notifications: Service
) -> None:
    installation.open_day(notifications, TODAY)
    entry, stream = a_row(installation, someone())
    installation.pump()
    installation.append("matching", stream, EntryWithdrawn(entry_id=entry, list="poverty"), TODAY)
    installation.pump()
    assert [(row.state, row.ended_reason) for row in alerts(notifications)] == [("withdrawn", "left_the_list")]


def test_who_left_is_missed_on_the_day_the_time_is_up_and_not_before(
    installation: Installation, notifications: Service
) -> None:
    student = a_student(installation)
    installation.open_day(notifications, TODAY)
    left(installation, student, TODAY)
    for days in range(1, 15):
        installation.open_day(notifications, TODAY + timedelta(days=days))
    installation.pump()
    assert alerts(notifications, TODAY + timedelta(days=14)) == []
    due = TODAY + timedelta(days=15)
    installation.open_day(notifications, due)
    installation.pump()
    (row,) = alerts(notifications, due)
    assert (row.kind, row.state, row.raised_on, row.since) == ("left_without_acceptance", "open", due, TODAY)
    assert row.name == "张*明" and row.explanation == "2026-11-24 转出,15 天内没有学校接收"


@pytest.mark.parametrize("how", ["accepted_elsewhere", "enrolled_again"])
def test_an_acceptance_withdraws_the_alert(installation: Installation, notifications: Service, how: str) -> None:
    student = a_student(installation)
    left(installation, student, TODAY - timedelta(days=40))
    installation.open_day(notifications, TODAY)
    installation.pump()
    assert told(notifications) == [("left_without_acceptance", "open")]
    accepted = StudentAcceptedElsewhere(destination_division_code="440100")
    fact = accepted if how == "accepted_elsewhere" else enrolled(student, "S2")
    installation.append("registry", student, fact, TODAY)
    installation.pump()
    assert [(row.state, row.ended_reason) for row in alerts(notifications)] == [("withdrawn", how)]


def test_a_future_exit_takes_effect_by_the_day_that_opens(installation: Installation, notifications: Service) -> None:
    student = a_student(installation)
    installation.open_day(notifications, TODAY)
    fact = StudentLeft(school_code="S1", division_code="469001", reason="dropped_out")
    installation.append("registry", student, fact, TODAY + timedelta(days=3))
    installation.pump()
    assert told(notifications) == []
    later = TODAY + timedelta(days=3)
    installation.open_day(notifications, later)
    installation.pump()
    assert told(notifications, later) == [("dropped_out", "open")]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_gives_the_same_open_alerts(
    installation: Installation, notifications: Service, seed: int
) -> None:
    expected: list[tuple[str, UUID | None]] = []
    for number in range(20):
        student = a_student(installation)
        what = number % 5
        if what == 0:
            fact = StudentLeft(school_code="S1", division_code="469001", reason="dropped_out")
            installation.append("registry", student, fact, TODAY)
            expected.append(("dropped_out", student))
        elif what == 1:
            left(installation, student, TODAY - timedelta(days=20))
            expected.append(("left_without_acceptance", student))
        elif what == 2:
            left(installation, student, TODAY - timedelta(days=20))
            accepted = StudentAcceptedElsewhere(destination_division_code="440100")
            installation.append("registry", student, accepted, TODAY - timedelta(days=1))
        elif what == 3:
            a_row(installation, someone())
            expected.append(("listed_but_unenrolled", None))
        else:
            entry, stream = a_row(installation, someone())
            installation.append("matching", stream, link(entry, student), TODAY)
    installation.open_day(notifications, TODAY)
    installation.pump(random.Random(seed))
    found = [(row.kind, row.student_id) for row in alerts(notifications) if row.state == "open"]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_an_alert_is_seen_then_closed_on_evidence_and_stays_closed(
    installation: Installation, notifications: Service
) -> None:
    student = a_student(installation)
    left(installation, student, TODAY - timedelta(days=40))
    installation.open_day(notifications, TODAY)
    installation.pump()
    (row,) = alerts(notifications)
    streams = Streams(installation.settings("notifications").hmac_key)
    database, store = notifications.database, notifications.store

    def command() -> Command:
        return Command("teacher", uuid4(), b"")

    for scope in (NO_SCOPE, Scope(school="S9"), Scope(division="4601")):
        with pytest.raises(UnknownAlert):
            handlers.see_alert(database, store, streams, scope, row.alert_id, SeeAlert(TODAY), command())
    school = Scope(school="S1")
    handlers.see_alert(database, store, streams, school, row.alert_id, SeeAlert(TODAY), command())
    closing = CloseAlert("exempt", "document 12", TODAY, ends_on=TODAY + timedelta(days=300))
    handlers.close_alert(database, store, streams, school, row.alert_id, closing, command())
    installation.pump()
    (row,) = alerts(notifications)
    assert (row.state, row.seen_by, row.ended_reason, row.ended_evidence) == (
        "closed",
        "teacher",
        "exempt",
        "document 12",
    )
    with pytest.raises(AlertNotOpen):
        handlers.see_alert(database, store, streams, school, row.alert_id, SeeAlert(TODAY), command())
    installation.open_day(notifications, TODAY + timedelta(days=1))
    installation.pump()
    assert told(notifications, TODAY + timedelta(days=1)) == [("left_without_acceptance", "closed")]
    # What contradicts the evidence opens it again: the child comes, and leaves once more.
    installation.append("registry", student, enrolled(student), TODAY + timedelta(days=2))
    left(installation, student, TODAY + timedelta(days=3))
    again = TODAY + timedelta(days=20)
    installation.open_day(notifications, again)
    installation.pump()
    assert told(notifications, again) == [("left_without_acceptance", "open")]


@pytest.mark.parametrize(("between", "after"), [("review", "closed"), ("link", "open"), ("listed again", "open")])
def test_a_closed_alert_of_a_listed_child_reopens_on_new_grounds_only(
    installation: Installation, notifications: Service, between: str, after: str
) -> None:
    """A model that weighs the row anew and is changed back says nothing new of the child; a link that was held and is
    lost, or the row listed once more, does."""
    installation.open_day(notifications, TODAY)
    child, student = someone(), someone()
    entry, stream = a_row(installation, child)
    installation.pump()
    (row,) = alerts(notifications)
    streams = Streams(installation.settings("notifications").hmac_key)
    parts = (notifications.database, notifications.store, streams, COUNTY, row.alert_id)
    handlers.see_alert(*parts, SeeAlert(TODAY), Command("clerk", uuid4(), b""))
    handlers.close_alert(
        *parts,
        CloseAlert("exempt", "document 12", TODAY, ends_on=TODAY + timedelta(days=300)),
        Command("clerk", uuid4(), b""),
    )
    if between == "review":
        installation.append("matching", stream, review(entry, student), TODAY)
    elif between == "link":
        installation.append("matching", stream, link(entry, student), TODAY)
        installation.append("matching", stream, unlink(entry, student, "decided_anew"), TODAY)
    else:
        removed = ListEntryRemoved(agency="poverty_office", list="poverty", reason="withdrawn_by_agency")
        installation.append("registry", entry, removed, TODAY)
        installation.append("matching", stream, EntryWithdrawn(entry_id=entry, list="poverty"), TODAY)
        installation.append("registry", entry, listed(child), TODAY)
    installation.pump()
    installation.append("matching", stream, unmatched(entry), TODAY)
    installation.open_day(notifications, TODAY + timedelta(days=1))
    installation.pump()
    assert told(notifications, TODAY + timedelta(days=1)) == [("listed_but_unenrolled", after)]


def test_a_school_sees_alerts_of_its_own_children_only(installation: Installation, notifications: Service) -> None:
    student = a_student(installation)
    left(installation, student, TODAY - timedelta(days=40))
    a_row(installation, someone())
    installation.open_day(notifications, TODAY)
    installation.pump()
    assert [row.student_id for row in alerts(notifications, scope=Scope(school="S1"))] == [student]
    assert alerts(notifications, scope=Scope(school="S2")) == []
    assert len(alerts(notifications)) == 2
