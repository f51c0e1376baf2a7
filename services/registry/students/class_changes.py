"""Class changed, for one student or for a set (分班): within the school and the grade, from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import ChangeClasses
from services.registry.domain import Happened
from services.registry.errors import BeforeLastChange, InvalidBatch, StudentNotEnrolled
from services.registry.events import StudentEnrolled, StudentPlaced
from services.registry.handlers import Registry, known_student
from services.registry.jobs.on_a_day import Dated, in_order, place_on, placed
from services.registry.life_errors import DayInFuture, NamedTwice
from services.registry.students.batch_lines import PROBLEMS_TOLD
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.kernel.refusals import Refusal


def change_class(registry: Registry, scope: Scope, intent: ChangeClasses, command: Command, today: date) -> Result:
    """One student. Raises StudentUnknown (also outside the scope), StudentNotEnrolled, BeforeLastChange,
    DayInFuture."""
    ((student_id, class_name),) = intent.rows

    def decide(connection: Connection) -> Sequence[Proposed]:
        _not_in_future(intent.on, today)
        stored = registry.store.load(connection, student_id)
        return _change(student_id, stored, scope, intent.on, class_name)

    return registry.store.run(registry.database, command, decide)


def change_classes(registry: Registry, scope: Scope, intent: ChangeClasses, command: Command, today: date) -> Result:
    """A set, all or none. Raises DayInFuture, and InvalidBatch with the reason of each row that cannot be."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        _not_in_future(intent.on, today)
        loaded = registry.store.load_many(connection, [student_id for student_id, _ in intent.rows])
        proposed: list[Proposed] = []
        wrong: list[tuple[int, str, str, str]] = []
        seen: set[UUID] = set()
        for number, (student_id, class_name) in enumerate(intent.rows, 1):
            try:
                if student_id in seen:
                    raise NamedTwice([student_id])
                seen.add(student_id)
                proposed += _change(student_id, loaded[student_id], scope, intent.on, class_name)
            except Refusal as refused:
                wrong.append((number, refused.code, refused.zh, refused.en))
        if wrong:
            raise InvalidBatch(wrong[:PROBLEMS_TOLD], len(wrong))
        return proposed

    return registry.store.run(registry.database, command, decide)


def class_changed(student_id: UUID, history: Sequence[Dated], on: date, class_name: str) -> list[Happened]:
    """The rule: nothing for the class she is in. Raises StudentNotEnrolled, and BeforeLastChange when a later day was
    told already, because its facts state a class, too."""
    ordered = in_order(history)
    place = place_on(ordered, on)
    if place is None or not place.enrolled:
        raise StudentNotEnrolled(student_id)
    later = [each.on for each in ordered if each.on > on and isinstance(each.fact, StudentEnrolled | StudentPlaced)]
    if later:
        raise BeforeLastChange(max(later))
    if place.class_name == class_name:
        return []
    return [Happened(placed(replace(place, class_name=class_name)), on)]


def _change(student_id: UUID, stored: Sequence[Stored], scope: Scope, on: date, class_name: str) -> list[Proposed]:
    known_student(stored, scope, student_id)
    history = [Dated(each.fact, each.event.effective_on) for each in stored]
    changed = class_changed(student_id, history, on, class_name)
    return [Proposed(student_id, len(stored), fact, day) for fact, day in changed]


def _not_in_future(on: date, today: date) -> None:
    if on > today:
        raise DayInFuture(on)
