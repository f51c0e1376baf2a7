"""How the facts of school life become rows. The care record has no fold on purpose: nothing of it is listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.registry.life_events import ClassAttendanceReported
from services.registry.life_tables import ABSENCES, ATTENDANCE
from services.registry.students.attendance import remarkable
from shared.eventsourcing.projection import Assertion, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id


def attendance_reported(event: Recorded) -> Iterable[Assertion]:
    fact: ClassAttendanceReported = event.fact
    names = ("school_code", "division_code", "stage", "grade", "class_name", "members", "full", "school_day")
    values = {name: getattr(fact, name) for name in (*names, "reported_by")} | {
        "absent": sum(len(ids) for ids in fact.absences.values()),
        "half_day": len(fact.half_day),
        "late": len(fact.late),
        "reported_at": event.recorded_at,
        "stream_version": event.logged.event.version,
    }
    yield Assertion(ATTENDANCE, event.stream_id, event.effective_on, values)
    reasons = {child: reason for reason, ids in fact.absences.items() for child in ids}
    where = {name: getattr(fact, name) for name in ("school_code", "division_code", "grade", "class_name")}
    for child in sorted({*remarkable(fact), *fact.cleared}):
        said: dict[str, Any] = {
            "student_id": child,
            "reason": reasons.get(child),
            "half_day": child in fact.half_day if child in reasons else None,
            "late": child in fact.late,
            "school_day": fact.school_day,
        }
        yield Assertion(ABSENCES, _absence(event.stream_id, child), event.effective_on, where | said)


def _absence(report_id: UUID, student_id: UUID) -> UUID:
    # Both ids are keyed already; the derivation only has to repeat.
    return keyed_id(b"absence", str(report_id), str(student_id))


LIFE_FOLDS: dict[type[Fact], Any] = {ClassAttendanceReported: attendance_reported}
