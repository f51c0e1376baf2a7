"""Visits on a real database: logged once, seen by the school they belong to, their notes sealed."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.events import SchoolRegistered
from services.visits import app, handlers, queries
from services.visits.commands import AssignHelper
from services.visits.errors import UnknownStudent
from services.visits.queries import VisitRow
from services.visits.streams import Streams
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command, Result
from shared.hosting.service import Service
from shared.kernel.refusals import CommandReused
from shared.web.pages import PageTurn
from tests.services.happenings import enrolled, someone
from tests.services.installation import DIVISION, Installation
from tests.services.visits.test_domain import TODAY, visit

COUNTY = Scope(division=DIVISION[:4])
SCHOOL = Scope(school="S1")
TURN = PageTurn(None, 200)


@pytest.fixture
def visits(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("visits")))
    fact = SchoolRegistered(school_code="S1", name="中心小学", division_code="469001")
    installation.append("registry", someone(), fact, date(2000, 1, 1))
    return service


def a_student(installation: Installation, school: str = "S1") -> UUID:
    student = someone()
    installation.append("registry", student, enrolled(student, school), date(2021, 9, 1))
    installation.pump()
    return student


def log(
    installation: Installation, service: Service, student: UUID, scope: Scope, key: UUID | None = None, **changes: Any
) -> Result:
    streams = Streams(installation.settings("visits").hmac_key)
    command = Command("teacher", key or uuid4(), repr(sorted(changes)).encode())
    intent = visit(student_id=student, **changes)
    return handlers.log_visit(service.database, service.store, streams, scope, intent, command, TODAY)


def listed(service: Service, scope: Scope = COUNTY, **filters: Any) -> list[VisitRow]:
    with service.database.reading(scope, "visits") as connection:
        return queries.visits(connection, TODAY, TURN, **filters)


def test_a_visit_sent_twice_is_one_visit(installation: Installation, visits: Service) -> None:
    student, key = a_student(installation), uuid4()
    first = log(installation, visits, student, SCHOOL, key, confirmed=("lives_here",))
    assert log(installation, visits, student, SCHOOL, key, confirmed=("lives_here",)).event_ids == first.event_ids
    with pytest.raises(CommandReused):
        log(installation, visits, student, SCHOOL, key, campaign="大走访")
    installation.pump()
    (row,) = listed(visits)
    assert (row.name, row.school_name, row.outcome, row.confirmed) == ("张*明", "中心小学", "met", ["lives_here"])


def test_a_school_logs_and_sees_visits_of_its_own_students_only(installation: Installation, visits: Service) -> None:
    mine, theirs = a_student(installation, "S1"), a_student(installation, "S2")
    for scope, student in ((SCHOOL, theirs), (NO_SCOPE, mine), (COUNTY, someone())):
        with pytest.raises(UnknownStudent):
            log(installation, visits, student, scope)
    log(installation, visits, mine, SCHOOL)
    log(installation, visits, theirs, COUNTY, outcome="nobody_home")
    installation.pump()
    assert [row.student_id for row in listed(visits, SCHOOL)] == [mine]
    assert [row.student_id for row in listed(visits, outcome="nobody_home")] == [theirs]
    assert listed(visits, NO_SCOPE) == []


def test_notes_are_sealed_in_the_log_and_shown_in_no_list(installation: Installation, visits: Service) -> None:
    log(installation, visits, a_student(installation), SCHOOL, notes="父母离异,随祖母生活")
    installation.pump()
    assert [row.has_notes for row in listed(visits)] == [True]
    (logged,) = [each.logged for each in installation.entries("visits")]
    assert "祖母" not in logged.event.data.decode()


def test_a_helper_is_assigned_and_replaced(installation: Installation, visits: Service) -> None:
    student = a_student(installation)
    streams = Streams(installation.settings("visits").hmac_key)
    for teacher in ("teacher:a", "teacher:b"):
        intent = AssignHelper(student, teacher, TODAY)
        command = Command("clerk", uuid4(), teacher.encode())
        handlers.assign_helper(visits.database, visits.store, streams, SCHOOL, intent, command, TODAY)
    installation.pump()
    with visits.database.reading(SCHOOL, "visits") as connection:
        (row,) = queries.helpers(connection, TODAY, TURN)
    assert (row.helper, row.since, row.name) == ("teacher:b", TODAY, "张*明")
