"""Records planted in several schools, classes, divisions and agencies, in services on a real PostgreSQL.

What stands here is what the oracle knows: plain values, nothing of it read from the services.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from fastapi.testclient import TestClient

from deploy.run import built
from services.disbursement.events import AidDisbursed, EntitlementGranted
from services.matching.events import LinkConfirmed
from services.notifications.events import AlertRaised
from services.notifications.signal_events import AbsenceDocumented
from services.registry.events import (
    ClassAttendanceReported,
    ListEntryAdded,
    SchoolRegistered,
    StudentEnrolled,
    StudentPersonal,
)
from services.registry.list_events import ListName
from services.visits.events import HelperAssigned, VisitLogged
from shared.kernel.clock import today
from shared.messaging.builds import prepare
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.happenings import listed, unmatched
from tests.services.installation import Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer

SERVICES = ("registry", "matching", "disbursement", "visits", "notifications")
# What people see; the policies behind would only say more about the same children.
VIEWS = {
    "registry": ("register", "search"),
    "matching": ("roster",),
    "disbursement": ("payments",),
    "visits": ("visits",),
    "notifications": ("alerts",),
}
SCHOOLS = {"S1": "469001100", "S2": "469001200", "S3": "469002100", "S4": "460200100"}
NAMES = {"S1": "东山小学", "S2": "南湖学校", "S3": "西岭学校", "S4": "北滩学校"}
CLASSES = (
    ("primary", "五年级", "1班"),
    ("primary", "五年级", "2班"),
    ("primary", "六年级", "1班"),
    ("junior", "七年级", "1班"),
)
AGENCIES: dict[str, ListName] = {
    "poverty_office": "poverty",
    "civil_affairs": "civil",
    "disability_federation": "disability",
}
RAISED = {"explanation_code": "left_and_not_accepted_in_time", "facts": {"left_on": "2026-09-01", "days": "3"}}
SIGNER = Ed25519Signer("matrix")


@dataclass(frozen=True)
class Child:
    """One student and every id under which a record about her is known. ``agency`` listed her."""

    student: UUID
    school: str
    division: str
    classroom: tuple[str, str, str]
    agency: str
    entry: UUID
    entitlement: UUID
    visit: UUID
    alert: UUID
    document: UUID


@dataclass(frozen=True)
class Loose:
    """A list row about nobody in the register: its agency's, and whose division answers for it."""

    entry: UUID
    agency: str
    division: str


def _id(kind: int, number: int) -> UUID:
    return UUID(int=(0xACCE55 << 96) | (kind << 64) | number, version=4)


def children(per_class: int = 2) -> list[Child]:
    """``per_class`` in each of the four classes of each school; two agencies take turns in listing them."""
    found: list[Child] = []
    for school, division in SCHOOLS.items():
        for classroom in CLASSES:
            for _ in range(per_class):
                number = len(found) + 1
                ids = (_id(kind, number) for kind in range(1, 7))
                student, entry, entitlement, visit, alert, document = ids
                agency = ("poverty_office", "disability_federation")[number // 2 % 2]
                found.append(
                    Child(student, school, division, classroom, agency, entry, entitlement, visit, alert, document)
                )
    return found


def loose() -> list[Loose]:
    """One of each agency in each division."""
    pairs = [(agency, division) for agency in AGENCIES for division in SCHOOLS.values()]
    return [Loose(_id(9, number), agency, division) for number, (agency, division) in enumerate(pairs, 1)]


class Planted:
    """Services with the records in them. ``client(service)`` asks in process."""

    def __init__(self, installation: Installation, clients: dict[str, TestClient], hubs: dict[str, SseHub]) -> None:
        self.installation, self.clients, self.hubs = installation, clients, hubs


@contextmanager
def planted(postgres: Any, home: Path) -> Iterator[Planted]:
    """Everything planted and shown; ended with its databases on exit."""
    installation = Installation(postgres, home)
    with ExitStack() as stack:
        stack.callback(installation.close)
        clients, hubs = {}, {}
        for name in SERVICES:
            service = built(name, installation.settings(name))
            shown = tuple(each for each in service.projections if each.name in VIEWS[name])
            assert len(shown) == len(VIEWS[name]), [each.name for each in service.projections]
            installation.start(replace(service, projections=shown))
            prepare(service.database, service.projections)  # empty: a route that asks for them answers, with nothing
            hubs[name] = SseHub(service.database.app_conninfo)
            app = create_app(
                name,
                service.routers,
                authenticator=Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]}),
                database=service.database,
                parts=[hubs[name].part],
                state={"hub": hubs[name]},
            )
            clients[name] = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        _plant(installation)
        yield Planted(installation, clients, hubs)


def _plant(installation: Installation) -> None:
    begin = date(today().year - 1, 9, 1)
    for number, (code, division) in enumerate(SCHOOLS.items()):
        fact = SchoolRegistered(school_code=code, name=NAMES[code], division_code=division)
        installation.append("registry", UUID(int=900 + number), fact, begin)
    for number, child in enumerate(children()):
        for service, stream, fact, on in _of_child(number, child, begin):
            installation.append(service, stream, fact, on)
    for each in loose():
        _list(installation, each.entry, each.agency, each.division, begin)
        fact_unmatched = unmatched(
            each.entry, list=AGENCIES[each.agency], agency=each.agency, division_code=each.division
        )
        installation.append("matching", each.entry, fact_unmatched, begin)
    for child in children()[::2]:
        _list(installation, child.entry, child.agency, child.division, begin)
    for child in children(1):
        first = next(each for each in children() if (each.school, each.classroom) == (child.school, child.classroom))
        installation.append("registry", uuid4(), _attendance(first), today())
    installation.pump(batch=500)


def _list(installation: Installation, entry: UUID, agency: str, division: str, on: date) -> None:
    fact: ListEntryAdded = listed(entry, agency=agency, list=AGENCIES[agency], division_code=division)
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


def linked() -> list[Child]:
    """Whom a list row is linked to: one of each class."""
    return children()[::2]


def _of_child(number: int, child: Child, begin: date) -> Iterator[tuple[str, UUID, Any, date]]:
    stage, grade, name = child.classroom
    place: dict[str, Any] = {"division_code": child.division, "school_code": child.school}
    personal = StudentPersonal(person_id=child.student, name=f"张{'甲乙丙丁'[number % 4]}", birth_date=date(2014, 3, 1))
    told: dict[str, Any] = {"stage": stage, "grade": grade, "class_name": name, "left_behind": True, **place}
    yield "registry", child.student, StudentEnrolled(personal=personal, boarder=True, **told), begin
    if child in linked():
        yield "matching", child.entry, _link(child), begin
        aid: dict[str, Any] = {"student_id": child.student, "programme": "living", "term": "2026-autumn"}
        aid |= {"amount_fen": 62_500, **place}
        granted = EntitlementGranted(stage=stage, boarder=True, evidence=(), content_hash="", **aid)
        yield "disbursement", child.entitlement, granted, begin
        paid = AidDisbursed(paid_on=today(), reference="B1", **aid)
        yield "disbursement", child.entitlement, paid, today()
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
        list=AGENCIES[child.agency],
        agency=child.agency,
        rule="R1",
        score=1.0,
        reason="number_and_name_agree",
        model="1",
        division_code=child.division,
        school_code=child.school,
    )
