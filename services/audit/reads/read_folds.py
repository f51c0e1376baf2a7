"""How reads become rows: one per student that was shown, one where a whole list was taken away, one for each thing
that was refused within a minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from services.access import events as access_events
from services.audit import events as audit_events
from services.audit.events import PersonFileRead
from services.audit.reads.read_tables import (
    ACCESS_READS,
    AUDIT_READS,
    CASES,
    DISBURSEMENT_READS,
    MATCHING_READS,
    NOTIFICATIONS_READS,
    PAPERS,
    READS,
    REGISTRY_READS,
    VISITS_READS,
)
from services.disbursement import events as disbursement_events
from services.disbursement.events import letter_events
from services.matching import events as matching_events
from services.matching.events import ReviewRead
from services.notifications import events as notifications_events
from services.notifications.events import AlertRaised, case_events
from services.registry import events as registry_events
from services.registry.events import PersonalDataRead, RegisterExported, RejectedRowsRead, paper_events
from services.visits import events as visits_events
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Projection, Recorded
from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.identifiers import keyed_id

ALWAYS = date(1, 1, 1)
REFUSED, DOWNLOAD = "refused", "download"  # the kinds of what is no read in full
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


def letter_read(event: Recorded) -> Iterable[Assertion]:
    """Each child whom the paper of a letter names in full."""
    fact = event.fact
    for child in fact.children:
        entity = keyed_id(_EACH, str(event.event_id), str(child))
        yield _read(event, DISBURSEMENT_READS, entity, kind="letter", subject_id=fact.letter_id, student_id=child)


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


def refused_in(table: PeriodTable) -> Fold:
    """What was refused at one service: one row, and one for each student that was asked for."""

    def refused(event: Recorded) -> Iterable[Assertion]:
        fact = event.fact
        told = {
            "kind": REFUSED,
            "read_at": fact.last_at,
            "viewer": fact.viewer or "",
            "post": fact.post,
            "route": f"{fact.method} {fact.route}".strip(),
            "reason": fact.reason,
        }
        yield _read(event, table, **told, times=fact.times)
        for student in fact.students:
            yield _read(event, table, keyed_id(_EACH, str(event.event_id), str(student)), student_id=student, **told)

    return refused


def exported_in(table: PeriodTable) -> Fold:
    """What was taken away from one service as a file; a file made while it was sent gets its digest when it ended."""

    def exported(event: Recorded) -> Iterable[Assertion]:
        fact = event.fact
        if fact.phase == "ended":
            yield Assertion(table, fact.export_id, ALWAYS, {"sha256": fact.sha256})
            return
        told = {name: getattr(fact, name) for name in ("post", "route", "rows", "sha256", "student_id")}
        told |= {"kind": DOWNLOAD, "filters": list(fact.filters), "told_by": next(iter(fact.recorded_by), None)}
        yield _read(event, table, fact.export_id, **told)._replace(effective_on=ALWAYS)

    return exported


_ACTS: tuple[tuple[PeriodTable, type[RefusedFields], type[ExportedFields]], ...] = (
    (REGISTRY_READS, registry_events.AccessRefused, registry_events.DataExported),
    (MATCHING_READS, matching_events.AccessRefused, matching_events.DataExported),
    (NOTIFICATIONS_READS, notifications_events.AccessRefused, notifications_events.DataExported),
    (AUDIT_READS, audit_events.AccessRefused, audit_events.DataExported),
    (ACCESS_READS, access_events.AccessRefused, access_events.DataExported),
    (DISBURSEMENT_READS, disbursement_events.AccessRefused, disbursement_events.DataExported),
    (VISITS_READS, visits_events.AccessRefused, visits_events.DataExported),
)

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
        letter_events.LetterPaperRead: letter_read,
        PersonFileRead: file_read,
        AlertRaised: case_opened,
        paper_events.PaperEntered: paper_entered,
        paper_events.PaperRecorded: paper_recorded,
        **{refused: refused_in(table) for table, refused, _ in _ACTS},
        **{exported: exported_in(table) for table, _, exported in _ACTS},
    },
)
