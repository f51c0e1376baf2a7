"""Papers that explain an absence: entered, read, withdrawn. Until one expires its child gives no signal of absence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, bindparam, select, text

from services.notifications.errors import DocumentOverlaps, DocumentTooLong, UnknownDocument, UnknownStudent
from services.notifications.events import AbsenceDocumented, AbsenceDocumentWithdrawn
from services.notifications.projections import ALERTS_VIEW
from services.notifications.signal_events import AbsenceKind
from services.notifications.streams import Streams
from services.notifications.tables import CHILDREN, DOCUMENTED, SCHOOLS
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.web.pages import PageTurn

VIEW = "watching"  # the policy's memory, read under the viewer's row-level security
EXPIRING_DAYS = 14
# Calendar days, the last one included. An illness is certified anew each half-year; the rest is decided for a school
# year, which may begin late; only abroad may be told for longer.
LONGEST_DAYS: dict[AbsenceKind, int] = {
    "sick": 184,
    "suspended": 400,
    "delayed_entry": 400,
    "home_teaching": 400,
    "sports_school": 400,
    "abroad": 1_100,
}
_ONE_DAY = timedelta(days=1)
_CHILD = select(CHILDREN.c.division_code, CHILDREN.c.school_code).where(CHILDREN.c.entity == bindparam("student"))
_STANDING = text("""
SELECT first_day, last_day FROM documented_absences
WHERE student_id = :student AND kind = :kind AND NOT withdrawn AND first_day <= :last AND last_day >= :first
ORDER BY first_day LIMIT 1
""")


@dataclass(frozen=True)
class Paper:
    """A paper as somebody enters it, both days included; ``reference`` finds it and holds nothing personal."""

    student_id: UUID
    kind: AbsenceKind
    first_day: date
    last_day: date
    reference: str


class DocumentRow(BaseModel):
    """A paper in the list; ``name`` is masked. ``state``: standing, expired, to_come or withdrawn on the day asked."""

    document_id: UUID
    student_id: UUID
    name: str
    school_code: str | None
    school_name: str | None
    grade: str | None
    class_name: str | None
    kind: AbsenceKind
    first_day: date
    last_day: date
    days_left: int
    reference: str
    state: str


@dataclass(frozen=True)
class Documents:
    """What entering and reading papers needs."""

    database: Database
    store: EventStore
    streams: Streams

    def enter(self, scope: Scope, paper: Paper, command: Command, on: date) -> tuple[UUID, Result]:
        """Raises UnknownStudent, DocumentTooLong, DocumentOverlaps, CommandReused."""
        check_span(paper)
        document_id = self.streams.document(command.principal, command.command_id)
        division, school = self._place(scope, paper.student_id, on)
        fact = AbsenceDocumented(
            student_id=paper.student_id,
            division_code=division,
            school_code=school,
            kind=paper.kind,
            first_day=paper.first_day,
            last_day=paper.last_day,
            reference=paper.reference,
        )

        def decide(connection: Connection) -> Sequence[Proposed]:
            self._no_other(scope, paper)
            return [Proposed(document_id, 0, fact, on)]

        return document_id, self.store.run(self.database, command, decide)

    def withdraw(self, scope: Scope, document_id: UUID, reason: str, command: Command, on: date) -> Result:
        """The paper never held; withdrawing it twice changes nothing. Raises UnknownDocument, CommandReused."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            self.streams.lock(connection, [document_id])
            stored = self.store.load(connection, document_id)
            entered = stored[0].fact if stored else None
            if not isinstance(entered, AbsenceDocumented) or not _covered(entered, scope):
                raise UnknownDocument("没有这份证明", "there is no such document")
            if len(stored) > 1:
                return []
            fact = AbsenceDocumentWithdrawn(student_id=entered.student_id, reason=reason)
            return [Proposed(document_id, len(stored), fact, on)]

        return self.store.run(self.database, command, decide)

    def _place(self, scope: Scope, student: UUID, on: date) -> tuple[str, str | None]:
        with self.database.reading(scope, ALERTS_VIEW.name) as connection:
            row = connection.execute(_CHILD.where(CHILDREN.holds_on(on)), {"student": student}).one_or_none()
        if row is None or row.division_code is None:
            raise UnknownStudent("学籍中没有这名学生", "there is no such student in the register")
        return row.division_code, row.school_code

    def _no_other(self, scope: Scope, paper: Paper) -> None:
        values = {"student": paper.student_id, "kind": paper.kind, "first": paper.first_day, "last": paper.last_day}
        with self.database.reading(scope, VIEW) as connection:
            other = connection.execute(_STANDING, values).one_or_none()
        if other is not None:
            raise DocumentOverlaps(other.first_day, other.last_day)


def check_span(paper: Paper) -> None:
    """Raises DocumentTooLong unless the days follow each other and a paper of its kind may hold for so long."""
    days = (paper.last_day - paper.first_day).days + 1
    if not 1 <= days <= LONGEST_DAYS[paper.kind]:
        raise DocumentTooLong(LONGEST_DAYS[paper.kind], days)


def documents(
    database: Database,
    scope: Scope,
    on: date,
    turn: PageTurn,
    *,
    student: UUID | None = None,
    school: str | None = None,
    state: str | None = None,
) -> list[DocumentRow]:
    """At most ``turn.fetch`` papers the viewer may see, those that end first before the others. ``state`` as in
    DocumentRow, or ``expiring``: within two weeks; None: all that are not withdrawn."""
    d = DOCUMENTED.c
    statement = select(DOCUMENTED.table)
    if student is not None:
        statement = statement.where(d.student_id == student)
    if school is not None:
        statement = statement.where(d.school_code == school)
    statement = statement.where(d.withdrawn if state == "withdrawn" else ~d.withdrawn)
    if state in ("standing", "expiring"):
        statement = statement.where(d.first_day <= on, d.last_day >= on)
    if state == "expiring":
        statement = statement.where(d.last_day < on + EXPIRING_DAYS * _ONE_DAY)
    if state == "expired":
        statement = statement.where(d.last_day < on)
    if state == "to_come":
        statement = statement.where(d.first_day > on)
    if turn.after is not None:
        statement = statement.where(turn.beyond(d.last_day, d.entity))
    with database.reading(scope, VIEW) as connection:
        found = connection.execute(statement.order_by(d.last_day, d.entity).limit(turn.fetch)).all()
    named = _named(database, scope, [row.student_id for row in found], on)
    return [_row(row, named.get(row.student_id), on) for row in found]


def _named(database: Database, scope: Scope, students: Sequence[UUID], on: date) -> dict[UUID, Any]:
    c = CHILDREN.c
    tables = CHILDREN.table.outerjoin(SCHOOLS.table, (SCHOOLS.c.code == c.school_code) & SCHOOLS.holds_on(on))
    columns = (c.entity, c.name_masked, c.grade, c.class_name, SCHOOLS.c.name.label("school_name"))
    statement = select(*columns).select_from(tables).where(c.entity.in_(students), CHILDREN.holds_on(on))
    with database.reading(scope, ALERTS_VIEW.name) as connection:
        return {row[0]: row for row in connection.execute(statement).all()}


def _row(row: Row[Any], child: Any, on: date) -> DocumentRow:
    state = "expired" if row.last_day < on else "to_come" if row.first_day > on else "standing"
    return DocumentRow(
        document_id=row.entity,
        student_id=row.student_id,
        name=(child.name_masked if child is not None else None) or "",
        school_code=row.school_code,
        school_name=None if child is None else child.school_name,
        grade=None if child is None else child.grade,
        class_name=None if child is None else child.class_name,
        kind=row.kind,
        first_day=row.first_day,
        last_day=row.last_day,
        days_left=max(0, (row.last_day - on).days + 1),
        reference=row.reference,
        state="withdrawn" if row.withdrawn else state,
    )


def _covered(paper: AbsenceDocumented, scope: Scope) -> bool:
    """The same rule as row-level security, by the place named when it was entered."""
    by_division = scope.division is not None and paper.division_code.startswith(scope.division)
    return by_division or (scope.school is not None and scope.school == paper.school_code)
