"""What is on record of a child when a case is to be closed: reports of school days, acceptance, documents.

Read from the watching policy's memory, under the worker's role: a row there is no viewer's. The caller has made sure
that the case is the viewer's.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.case_commands import NOTHING, Document, Evidence
from services.notifications.events import AlertRaised
from services.notifications.signals.memory import rules_on
from services.notifications.signals.rules import AlertRules, Thresholds
from services.notifications.signals.watching import NAME as WATCHING
from shared.database.database import Database, driver
from shared.messaging.builds import enter_live

REPORTS_MOST = 20  # reports named as evidence of a return

_LAST_ABSENCE = text("""
SELECT max(day) FROM absences WHERE student_id = :student AND reason IS NOT NULL AND NOT coalesce(half_day, false)
""")
# Her class reported a day of school, and no report of that day names her.
_PRESENT = text("""
SELECT d.event_id FROM schooling s
JOIN class_days d ON d.school_code = s.school_code AND d.grade = s.grade AND d.class_name = s.class_name
    AND d.day >= s.valid_from AND d.day < s.valid_to
WHERE s.entity = :student AND s.status = 'enrolled' AND d.day > :after AND d.day <= :on
  AND coalesce(d.school_day, true)
  AND NOT EXISTS (SELECT FROM absences a WHERE a.student_id = s.entity AND a.day = d.day AND a.reason IS NOT NULL)
ORDER BY d.day LIMIT :count
""")
_STANDING = text("""
SELECT status, since, event_id, division_code, stage FROM schooling
WHERE entity = :student AND valid_from <= :on AND valid_to > :on
""")
_DOCUMENTS = text("""
SELECT event_id, last_day FROM documented_absences
WHERE student_id = :student AND first_day <= :on AND last_day >= :on AND NOT coalesce(withdrawn, false)
ORDER BY last_day, entity
""")


def evidence_of(database: Database, raised: AlertRaised, on: date) -> Evidence:
    """The evidence on ``on``; nothing of a class, or of a child in no register."""
    if raised.student_id is None:
        return NOTHING
    with database.working() as connection:
        if not enter_live(driver(connection), WATCHING):
            return NOTHING
        return _found(connection, raised.student_id, raised.since, on)


def _found(connection: Connection, student: UUID, since: date, on: date) -> Evidence:
    last_absence = connection.execute(_LAST_ABSENCE, {"student": student}).scalar_one_or_none()
    after = max(last_absence or since, since)
    asked = {"student": student, "after": after, "on": on, "count": REPORTS_MOST}
    present = tuple(connection.execute(_PRESENT, asked).scalars())
    accepted = died = None
    in_force = rules_on(connection, on)
    needed: Thresholds = AlertRules() if in_force is None else in_force.rules
    for status, standing_since, event_id, division, stage in connection.execute(
        _STANDING, {"student": student, "on": on}
    ):
        if in_force is not None:
            needed = in_force.rules.at(division or "", stage)
        if status == "died":
            died = event_id
        elif status == "accepted_elsewhere" or (status == "enrolled" and standing_since > since):
            accepted = event_id
    documents = tuple(Document(*row) for row in connection.execute(_DOCUMENTS, {"student": student, "on": on}))
    return Evidence(present, needed.return_days, accepted, died, documents)
