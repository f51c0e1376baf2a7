"""What of audit can be asked for as it was known at a moment: who had seen whom, who was erased or kept, and who
had taken note of alarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from services.audit.alarms.alarm_folds import ALARMS_VIEW
from services.audit.alarms.alarm_tables import ALARM_NOTES
from services.audit.erasure.erasure_folds import ERASURES
from services.audit.erasure.erasure_tables import RETENTION_RULES, SUBJECTS
from services.audit.reads.read_folds import READS_VIEW
from services.audit.reads.read_queries import ReadRow, end_of, reads
from shared.eventsourcing.view import View, period_rows
from shared.web.pages import WHOLE_LIST

_SUBJECT = (
    *("student_id", "erasure", "ground", "reason", "asked_by", "asked_on", "approved_by", "erased_on", "hold"),
    *("hold_reason", "reference", "proposed_by", "hold_approved_by"),
)
_NOTE = ("log", "kind", "wrong_index", "note", "acknowledged_by", "acknowledged_at")


def every_read(connection: Connection, true_on: date) -> list[ReadRow]:
    """All reads up to the day's end, latest first."""
    return reads(connection, WHOLE_LIST, until=end_of(true_on))


VIEWS: tuple[View, ...] = (
    View("reads", "registry", READS_VIEW, every_read, ("read_id",), "student_id"),
    View("erasures", "audit", ERASURES, period_rows(SUBJECTS, "subject_id", _SUBJECT), ("subject_id",)),
    View("alarm_notes", "audit", ALARMS_VIEW, period_rows(ALARM_NOTES, "note_id", _NOTE), ("note_id",)),
    View(
        "retention_rules",
        "audit",
        ERASURES,
        period_rows(RETENTION_RULES, "rule_id", ("content", "content_hash", "activated_by")),
        ("rule_id",),
    ),
)

NOT_REPLAYED: Mapping[str, str] = {}
