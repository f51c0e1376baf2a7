"""The records become events: what was told of each planted child and list row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from services.disbursement.events import AidDisbursed, EntitlementGranted
from services.matching.events import LinkConfirmed
from services.notifications.events import AlertRaised
from services.notifications.signal_events import AbsenceDocumented
from services.registry.events import ClassAttendanceReported, SchoolRegistered, StudentEnrolled, StudentPersonal
from services.registry.list_events import ListName
from services.visits.events import HelperAssigned, VisitLogged
from shared.kernel.clock import today
from tests.services.access_matrix.records import AGENCIES, NAMES, SCHOOLS, Child, children, linked, loose
from tests.services.happenings import listed, unmatched
from tests.services.installation import Installation


def plant(installation: Installation) -> None:
    """Append and show everything."""
    begin = date(today().year - 1, 9, 1)
    for number, (code, division) in enumerate(SCHOOLS.items()):
        fact = SchoolRegistered(school_code=code, name=NAMES[code], division_code=division)
        installation.append("registry", UUID(int=900 + number), fact, begin)
    for child in children():
        for service, stream, told, on in _of_child(child, begin):
            installation.append(service, stream, told, on)
    for each in loose():
        _list(installation, each.entry, each.agency, each.division, begin)
        fact_unmatched = unmatched(
            each.entry, list=AGENCIES[each.agency], agency=each.agency, division_code=each.division
        )
        installation.append("matching", each.entry, fact_unmatched, begin)
    for child in linked():
        _list(installation, child.entry, child.agency, child.division, begin)
    for child in children(1):
        first = next(each for each in children() if (each.school, each.classroom) == (child.school, child.classroom))
        installation.append("registry", uuid4(), _attendance(first), today())
    installation.pump(batch=500)


def _list(installation: Installation, entry: UUID, agency: str, division: str, on: date) -> None:
    fact = listed(entry, agency=agency, list=AGENCIES[agency], division_code=division)
    installation.append("registry", entry, fact, on)


def _attendance(child: Child) -> ClassAttendanceReported:
    stage, grade, name = child.classroom
    return ClassAttendanceReported(
        school_code=child.school,
        division_code=child.division,
        stage=stage,
        grade=grade,
        class_name=name,
        members=2,
        absences={"sick": (child.student,)},
        reported_by="t",
    )


def _of_child(child: Child, begin: date) -> Iterator[tuple[str, UUID, Any, date]]:
    stage, grade, name = child.classroom
    place: dict[str, Any] = {"division_code": child.division, "school_code": child.school}
    personal = StudentPersonal(
        person_id=child.student, name=child.name, id_number=child.number, birth_date=date(2014, 3, 1)
    )
    told: dict[str, Any] = {"stage": stage, "grade": grade, "class_name": name, "left_behind": True, **place}
    yield "registry", child.student, StudentEnrolled(personal=personal, boarder=True, **told), begin
    if child in linked():
        yield "matching", child.entry, _link(child), begin
        aid: dict[str, Any] = {"student_id": child.student, "programme": "living", "term": "2026-autumn"}
        aid |= {"amount_fen": 62_500, **place}
        granted = EntitlementGranted(stage=stage, boarder=True, evidence=(), content_hash="", **aid)
        yield "disbursement", child.entitlement, granted, begin
        yield "disbursement", child.entitlement, AidDisbursed(paid_on=today(), reference="B1", **aid), today()
    yield "visits", child.student, HelperAssigned(student_id=child.student, helper="王老师", **place), begin
    visit: dict[str, Any] = {"campaign": None, "visited_on": today(), "outcome": "met", "visitor": "t"}
    visit |= {"confirmed": (), "repeat_on": None, "personal": None, "student_id": child.student, **place}
    yield "visits", child.visit, VisitLogged(**visit), today()
    alert: dict[str, Any] = {"kind": "absent_running", "student_id": child.student, "entry_id": None, "since": today()}
    alert |= {
        "evidence": (),
        "rules_hash": "",
        "explanation_code": "left_and_not_accepted_in_time",
        "facts": {"left_on": "2026-09-01", "days": "3"},
        **place,
    }
    yield "notifications", child.alert, AlertRaised(**alert), today()
    paper: dict[str, Any] = {"student_id": child.student, "kind": "sick", "reference": "P1", **place}
    paper |= {"first_day": today(), "last_day": today() + timedelta(days=3)}
    yield "notifications", child.document, AbsenceDocumented(**paper), today()


def _link(child: Child) -> LinkConfirmed:
    return LinkConfirmed(
        entry_id=child.entry,
        student_id=child.student,
        list=cast(ListName, AGENCIES[child.agency]),
        agency=child.agency,
        rule="R1",
        score=1.0,
        reason="number_and_name_agree",
        model="1",
        division_code=child.division,
        school_code=child.school,
    )
