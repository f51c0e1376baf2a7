"""How reads become rows: one per student that was shown, one where a whole list was taken away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from services.audit.events import PersonFileRead
from services.audit.reads.read_tables import (
    AUDIT_READS,
    CASES,
    MATCHING_READS,
    NOTIFICATIONS_READS,
    PAPERS,
    READS,
    REGISTRY_READS,
)
from services.matching.events import ReviewRead
from services.notifications.events import AlertRaised, case_events
from services.registry.events import PersonalDataRead, RegisterExported, RejectedRowsRead, paper_events
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.identifiers import keyed_id

ALWAYS = date(1, 1, 1)
_EACH = b"rollcall read of one student"  # only has to repeat


def _read(event: Recorded, table: PeriodTable, entity: UUID | None = None, **values: Any) -> Assertion:
    fact = event.fact
    shared = {
        "read_at": event.recorded_at,
        "viewer": fact.viewer,
        "purpose": getattr(fact, "purpose", None),
        "fields": list(getattr(fact, "fields", ())),
        "division_code": fact.division_code,
        "school_code": getattr(fact, "school_code", None),
        "agency": getattr(fact, "agency", None),
    }
    return Assertion(table, entity or event.event_id, event.effective_on, shared | values)


def student_read(event: Recorded) -> Iterable[Assertion]:
    yield _read(event, REGISTRY_READS, kind="student", student_id=event.fact.student_id)


def register_exported(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    yield _read(event, REGISTRY_READS, kind=f"export:{fact.kind}", rows=fact.rows, filters=list(fact.filters))


def returned_rows_read(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    yield _read(event, REGISTRY_READS, kind="returned_rows", subject_id=fact.submission_id, rows=fact.rows)


def scan_read(event: Recorded) -> Iterable[Assertion]:
    yield _read(event, REGISTRY_READS, kind="paper", subject_id=event.fact.paper_id, fields=["scan"])


def review_read(event: Recorded) -> Iterable[Assertion]:
    """The row, and each candidate that was shown beside it."""
    fact = event.fact
    yield _read(event, MATCHING_READS, kind="list_row", subject_id=fact.entry_id)
    for student in fact.students:
        entity = keyed_id(_EACH, str(event.event_id), str(student))
        yield _read(event, MATCHING_READS, entity, kind="list_row", subject_id=fact.entry_id, student_id=student)


def case_read(event: Recorded) -> Iterable[Assertion]:
    yield _read(event, NOTIFICATIONS_READS, kind="case", subject_id=event.fact.alert_id)


def file_read(event: Recorded) -> Iterable[Assertion]:
    yield _read(event, AUDIT_READS, kind="file", student_id=event.fact.student_id)


def case_opened(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"student_id": fact.student_id, "division_code": fact.division_code, "school_code": fact.school_code}
    yield Assertion(CASES, event.stream_id, ALWAYS, values)


def paper_entered(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"division_code": fact.division_code, "school_code": fact.school_code, "agency": fact.agency}
    yield Assertion(PAPERS, event.stream_id, ALWAYS, values)


def paper_recorded(event: Recorded) -> Iterable[Assertion]:
    """The student's record, or the list row's, whose id is then nobody's student."""
    yield Assertion(PAPERS, event.stream_id, ALWAYS, {"student_id": event.fact.recorded_id})


READS_VIEW = Projection(
    "reads",
    (*READS, CASES, PAPERS),
    {
        PersonalDataRead: student_read,
        RegisterExported: register_exported,
        RejectedRowsRead: returned_rows_read,
        paper_events.PaperScanRead: scan_read,
        ReviewRead: review_read,
        case_events.CaseNotesRead: case_read,
        PersonFileRead: file_read,
        AlertRaised: case_opened,
        paper_events.PaperEntered: paper_entered,
        paper_events.PaperRecorded: paper_recorded,
    },
)
