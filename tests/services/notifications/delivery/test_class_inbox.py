"""The inbox of a class: what its teachers' scope shows them, and nothing of another class, of any stage or school."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from services.notifications import app
from services.notifications.delivery import inbox
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.inbox import MessageRow, Reader
from services.notifications.delivery.places import Place, place_of
from services.notifications.delivery_errors import UnknownMessage
from services.notifications.delivery_events import MessageComposed
from services.notifications.events import AlertRaised, AlertWithdrawn
from services.notifications.streams import Streams
from services.registry.events import StudentEnrolled
from shared.database.scopes import Classroom, Scope
from shared.eventsourcing.store import Command
from shared.hosting.service import Service
from shared.kernel.clock import today
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation

OWN = Classroom("S1", "primary", "五年级", "1班")


@pytest.fixture
def notifications(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("notifications")))
    installation.bare("registry")
    return service


@pytest.fixture
def desk(installation: Installation, notifications: Service) -> Desk:
    streams = Streams(installation.settings("notifications").hmac_key)
    return Desk(notifications.database, notifications.store, streams, DIVISION)


def child(
    installation: Installation, school: str, stage: str, grade: str, name: str, *, left_behind: bool = False
) -> UUID:
    student = uuid4()
    fact = StudentEnrolled(
        school_code=school,
        division_code=f"{DIVISION}101",
        stage=stage,  # type: ignore[arg-type]
        grade=grade,
        class_name=name,
        left_behind=left_behind,
        personal=None,
    )
    installation.append("registry", student, fact, today() - timedelta(days=30))
    return student


def alert(installation: Installation, student: UUID, school: str) -> UUID:
    stream = uuid4()
    fact = AlertRaised(
        kind="absent_running",
        student_id=student,
        entry_id=None,
        division_code=f"{DIVISION}101",
        school_code=school,
        since=today(),
        evidence=(uuid4(),),
        rules_hash="0",
        explanation_code="absent_too_long",
        facts={"days": "3"},
    )
    installation.append("notifications", stream, fact, today())
    return stream


def messages(desk: Desk, scope: Scope, who: str = "anna") -> list[MessageRow]:
    place = place_of(scope, DIVISION)
    assert place is not None
    with desk.database.reading(scope, VIEW) as connection:
        return inbox.inbox(connection, Reader(place, who), PageTurn(None, 50), "zh")


def of_class(*where: str) -> Scope:
    return Scope(classroom=Classroom(*where))


def test_a_class_is_told_of_its_own_children_and_of_no_other(installation: Installation, desk: Desk) -> None:
    own = [child(installation, *(OWN.school, OWN.stage, OWN.grade, OWN.name)) for _ in range(2)]
    others = [("S1", "primary", "五年级", "2班"), ("S1", "junior", "五年级", "1班"), ("S2", "primary", "五年级", "1班")]
    installation.pump()
    raised = [alert(installation, student, "S1") for student in own]
    for where in others:
        alert(installation, child(installation, *where), where[0])
    installation.pump()
    (mine,) = messages(desk, Scope(classroom=OWN))
    assert (mine.total, mine.grade, mine.class_name, mine.topic) == (2, "五年级", "1班", "alerts_raised")
    (any_stage,) = [row for row in messages(desk, of_class("S1", "", "五年级", "1班")) if row.total == 2]
    assert any_stage.message_id == mine.message_id
    assert (
        messages(desk, of_class("S1", "", "五年级", "9班")) == messages(desk, of_class("S9", "", "五年级", "1班")) == []
    )
    (school,) = messages(desk, Scope(school="S1"))
    (county,) = messages(desk, Scope(division=DIVISION))
    assert (school.total, county.total, school.class_name) == (4, 5, None)
    installation.append("notifications", raised[0], AlertWithdrawn(reason="enrolled_again", evidence=()), today())
    installation.pump()
    assert [row.topic for row in messages(desk, Scope(classroom=OWN))] == ["alerts_ended", "alerts_raised"]


def test_a_class_reads_and_marks_its_own_messages_only(installation: Installation, desk: Desk) -> None:
    student = child(installation, OWN.school, OWN.stage, OWN.grade, OWN.name)
    installation.pump()
    alert(installation, student, "S1")
    installation.pump()
    scope, other = Scope(classroom=OWN), of_class("S1", "primary", "五年级", "2班")
    (mine,) = messages(desk, scope)
    (schools,) = messages(desk, Scope(school="S1"))

    def read(who: Scope, message_id: UUID) -> None:
        place = place_of(who, DIVISION)
        assert place is not None
        inbox.read(desk, who, Reader(place, "anna"), message_id, Command("anna", uuid4(), b""), date(2026, 11, 24))

    for who, message_id in ((other, mine.message_id), (scope, schools.message_id), (scope, uuid4())):
        with pytest.raises(UnknownMessage):
            read(who, message_id)
    read(scope, mine.message_id)
    (after,) = messages(desk, scope)
    assert after.read_at is not None and not after.growing
    stored = [each.fact for each in _stream(desk, mine.message_id)]
    assert isinstance(stored[0], MessageComposed) and stored[0].class_name == "1班"
    with desk.database.reading(other, VIEW) as connection:  # row-level security by itself, whatever place is named
        assert inbox.inbox(connection, Reader(Place(DIVISION, "S1", OWN), "anna"), PageTurn(None, 9), "zh") == []
        assert inbox.inbox(connection, Reader(Place(DIVISION, "S1"), "anna"), PageTurn(None, 9), "zh") == []


def test_a_class_is_reminded_of_its_own_left_behind_children_when_a_week_begins(
    installation: Installation, notifications: Service, desk: Desk
) -> None:
    for name in ("1班", "1班", "2班"):
        child(installation, "S1", "primary", "五年级", name, left_behind=True)
    installation.pump()
    monday = today() + timedelta(days=7 - today().weekday())
    installation.open_day(notifications, monday)
    installation.pump()
    assert [(row.topic, row.total) for row in messages(desk, Scope(classroom=OWN))] == [("contacts_due", 2)]
    assert [(row.topic, row.total) for row in messages(desk, Scope(school="S1"))] == [("contacts_due", 3)]


def _stream(desk: Desk, stream: UUID) -> list:  # type: ignore[type-arg]
    with desk.database.working() as connection:
        return list(desk.store.load(connection, stream))
