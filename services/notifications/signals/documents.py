"""What a document of absence has to be: a kind, an end, no longer than the rules allow, one at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.notifications.events import AbsenceDocumented, AbsenceDocumentWithdrawn, AbsenceKind
from services.notifications.signal_errors import (
    DaysReversed,
    DocumentOverlaps,
    DocumentTooLong,
    DocumentWithdrawn,
    StudentNotHere,
    UnknownDocument,
)
from services.notifications.signals.rules import AlertRules
from shared.kernel.facts import Fact

AT_SCHOOL = frozenset({"enrolled", "suspended"})


@dataclass(frozen=True)
class DocumentAbsence:
    """Asked by a person. Both days included; ``reference`` finds the paper and names nobody."""

    student_id: UUID
    kind: AbsenceKind
    first_day: date
    last_day: date
    reference: str


class Pupil(NamedTuple):
    """Where a student stands; ``status`` as the register tells it."""

    status: str
    division_code: str
    school_code: str | None


class Held(NamedTuple):
    """A document of the same student and kind that holds."""

    document_id: UUID
    first_day: date
    last_day: date


def document(
    intent: DocumentAbsence, pupil: Pupil | None, held: Iterable[Held], rules: AlertRules
) -> AbsenceDocumented:
    """The fact that a paper says so. Raises StudentNotHere, DaysReversed, DocumentTooLong, DocumentOverlaps."""
    if pupil is None or pupil.status not in AT_SCHOOL:
        raise StudentNotHere
    if intent.last_day < intent.first_day:
        raise DaysReversed(intent.first_day, intent.last_day)
    days, most = (intent.last_day - intent.first_day).days + 1, rules.document_days.most(intent.kind)
    if days > most:
        raise DocumentTooLong(intent.kind, days, most)
    for each in held:
        if each.first_day <= intent.last_day and intent.first_day <= each.last_day:
            raise DocumentOverlaps(*each)
    return AbsenceDocumented(
        student_id=intent.student_id,
        division_code=pupil.division_code,
        school_code=pupil.school_code,
        kind=intent.kind,
        first_day=intent.first_day,
        last_day=intent.last_day,
        reference=intent.reference,
    )


def withdrawn(facts: Iterable[Fact], reason: str) -> AbsenceDocumentWithdrawn:
    """The fact that a document of these facts never held. Raises UnknownDocument, DocumentWithdrawn."""
    told = list(facts)
    if not told or not isinstance(told[0], AbsenceDocumented):
        raise UnknownDocument
    if len(told) > 1:
        raise DocumentWithdrawn
    return AbsenceDocumentWithdrawn(student_id=told[0].student_id, reason=reason)
