"""The care record of a child (留守儿童档案): who cares for it, and what counselling found.

A stream of its own, sealed under the child's key, folded into no view: it is read from the events, for a purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import ChangeGuardianship, NoteCounselling
from services.registry.errors import ParticularsErased
from services.registry.handlers import Registry, known_student
from services.registry.life_errors import DayInFuture
from services.registry.life_events import CarePersonal, CounsellingNoted, CounsellingPersonal, GuardianshipChanged
from services.registry.students.particulars import last_stated
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result


class Guardianship(NamedTuple):
    """Since when who cares for the child; None for what was erased."""

    since: date
    told: CarePersonal | None


class Counselling(NamedTuple):
    on: date
    noted_by: str
    note: str | None


class CareRecord(NamedTuple):
    """Newest first."""

    guardianships: list[Guardianship]
    counselling: list[Counselling]


class _Child(NamedTuple):
    person_id: UUID
    school_code: str
    division_code: str


def change_guardianship(
    registry: Registry, scope: Scope, intent: ChangeGuardianship, command: Command, today: date
) -> Result:
    """Raises StudentUnknown (also outside the scope), DayInFuture, ParticularsErased."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        for day in (intent.on, intent.last_contact_on):
            _not_in_future(day, today)
        child = _child(registry, connection, scope, intent.student_id)
        changed = GuardianshipChanged(
            student_id=intent.student_id,
            division_code=child.division_code,
            school_code=child.school_code,
            personal=CarePersonal(
                person_id=child.person_id,
                carer_name=intent.carer_name,
                carer_relation=intent.carer_relation,
                carer_phone=intent.carer_phone,
                parents_whereabouts=intent.parents_whereabouts,
                last_contact_on=intent.last_contact_on,
            ),
        )
        stream = registry.keys.care(intent.student_id)
        return [Proposed(stream, len(registry.store.load(connection, stream)), changed, intent.on)]

    return registry.store.run(registry.database, command, decide)


def note_counselling(
    registry: Registry, scope: Scope, intent: NoteCounselling, command: Command, today: date
) -> Result:
    """Raises StudentUnknown (also outside the scope), DayInFuture, ParticularsErased."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        _not_in_future(intent.on, today)
        child = _child(registry, connection, scope, intent.student_id)
        noted = CounsellingNoted(
            student_id=intent.student_id,
            division_code=child.division_code,
            school_code=child.school_code,
            noted_by=command.principal,
            personal=CounsellingPersonal(person_id=child.person_id, note=intent.note),
        )
        stream = registry.keys.care(intent.student_id)
        return [Proposed(stream, len(registry.store.load(connection, stream)), noted, intent.on)]

    return registry.store.run(registry.database, command, decide)


def place_of_child(registry: Registry, scope: Scope, student_id: UUID) -> tuple[str, str]:
    """(school, division) of a child whose record is about to be read. Raises StudentUnknown, also outside the scope."""
    with registry.database.writing() as connection:
        state = known_student(registry.store.load(connection, student_id), scope, student_id)
    return state.school_code or "", state.division_code or ""


def care_record(registry: Registry, student_id: UUID) -> CareRecord:
    """The whole record, opened; the caller has made sure of the scope and recorded the read."""
    with registry.database.writing() as connection:
        stored = registry.store.load(connection, registry.keys.care(student_id), personal=True)
    newest = sorted(stored, key=lambda each: (each.event.effective_on, each.event.version), reverse=True)
    found = CareRecord([], [])
    for event, fact in newest:
        if isinstance(fact, GuardianshipChanged):
            found.guardianships.append(Guardianship(event.effective_on, fact.personal))
        elif isinstance(fact, CounsellingNoted):
            note = fact.personal.note if fact.personal else None
            found.counselling.append(Counselling(event.effective_on, fact.noted_by, note))
    return found


def _child(registry: Registry, connection: Connection, scope: Scope, student_id: UUID) -> _Child:
    stored = registry.store.load(connection, student_id, personal=True)
    state = known_student(stored, scope, student_id)
    personal = last_stated(stored).personal
    if personal is None:
        raise ParticularsErased(student_id)
    return _Child(personal.person_id, state.school_code or "", state.division_code or "")


def _not_in_future(day: date | None, today: date) -> None:
    if day is not None and day > today:
        raise DayInFuture(day)
