"""What people tell the signals: documents of absence, and other thresholds from a day on; and both read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel
from sqlalchemy import Connection, select

from services.notifications.errors import NoRulesYet
from services.notifications.events import AbsenceDocumented, AbsenceKind, AlertRulesActivated
from services.notifications.projections import ALERTS_VIEW
from services.notifications.signal_errors import UnknownDocument
from services.notifications.signals.documents import DocumentAbsence, Held, Pupil, document, withdrawn
from services.notifications.signals.rules import AlertRules, canonical, content_hash, parse
from services.notifications.streams import Streams
from services.notifications.tables import CHILDREN, DOCUMENTED
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result, Stored
from shared.web.pages import PageTurn

EXPIRING_DAYS = 14
_D, _C = DOCUMENTED.c, CHILDREN.c


class DocumentRow(BaseModel):
    """A document that was not withdrawn; ``name`` is masked. ``expiring``: it ends within EXPIRING_DAYS."""

    document_id: UUID
    student_id: UUID
    name: str
    school_code: str | None
    grade: str | None
    class_name: str | None
    kind: AbsenceKind
    first_day: date
    last_day: date
    reference: str
    expiring: bool


class RulesVersion(BaseModel):
    """Thresholds as somebody (``by``) activated them, in force from ``as_of`` on until a later day's version;
    ``in_force``: today."""

    version: int
    as_of: date
    by: str
    content_hash: str
    content: dict[str, Any]
    changed: dict[str, Any]
    in_force: bool


@dataclass(frozen=True)
class SignalDesk:
    """What telling the signals needs."""

    database: Database
    store: EventStore
    streams: Streams

    def document(self, scope: Scope, intent: DocumentAbsence, on: date, command: Command) -> tuple[UUID, Result]:
        """Raises StudentNotHere, DaysReversed, DocumentTooLong, DocumentOverlaps, NoRulesYet.

        Whether another one overlaps is asked of the view, which may be a moment behind: two that overlap silence the
        same days, they harm nothing."""
        stream = self.streams.document(command.principal, command.command_id)

        def decide(connection: Connection) -> Sequence[Proposed]:
            rules = self._in_force(self.store.load(connection, self.streams.alert_rules), on)
            with self.database.reading(scope, ALERTS_VIEW.name) as view:
                pupil, held = _pupil(view, intent.student_id, on), _held(view, intent)
            return [Proposed(stream, 0, document(intent, pupil, held, rules), intent.first_day)]

        return stream, self.store.run(self.database, command, decide)

    def withdraw(self, scope: Scope, document_id: UUID, reason: str, command: Command) -> Result:
        """Raises UnknownDocument, DocumentWithdrawn."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            stored = self.store.load(connection, document_id)
            told = stored[0].fact if stored else None
            if not isinstance(told, AbsenceDocumented) or not self._seen(scope, document_id, told):
                raise UnknownDocument
            fact = withdrawn((each.fact for each in stored), reason)
            return [Proposed(document_id, len(stored), fact, told.first_day)]

        return self.store.run(self.database, command, decide)

    def _seen(self, scope: Scope, document_id: UUID, told: AbsenceDocumented) -> bool:
        """A document's stream tells no class: for who sees one class the view tells whether it is of a child of it."""
        if scope.classroom is None:
            return scope.covers(told.division_code, told.school_code)
        with self.database.reading(scope, ALERTS_VIEW.name) as view:
            return view.execute(select(_D.entity).where(_D.entity == document_id)).first() is not None

    def activate(self, content: bytes, as_of: date, command: Command) -> Result:
        """Put other thresholds into force from ``as_of`` on. Raises BadRules."""
        told = canonical(parse(content.decode()))
        fact = AlertRulesActivated(content=told, content_hash=content_hash(told))
        stream = self.streams.alert_rules

        def decide(connection: Connection) -> Sequence[Proposed]:
            return [Proposed(stream, len(self.store.load(connection, stream)), fact, as_of)]

        return self.store.run(self.database, command, decide)

    def versions(self, on: date) -> list[RulesVersion]:
        """Every version, the latest told first, with what it changed of the one told before and whether it is the one
        in force on the day."""
        with self.database.writing() as connection:
            stored = self.store.load(connection, self.streams.alert_rules)
        standing = self._last_begun(stored, on)
        found: list[RulesVersion] = []
        before: dict[str, Any] = {}
        for each in stored:
            fact = each.fact
            assert isinstance(fact, AlertRulesActivated)
            content = plain(parse(fact.content))
            changed = {name: value for name, value in content.items() if before and before.get(name) != value}
            event = each.event
            found.append(
                RulesVersion(
                    version=event.version,
                    as_of=event.effective_on,
                    by=event.principal,
                    content_hash=fact.content_hash,
                    content=content,
                    changed=changed,
                    in_force=each is standing,
                )
            )
            before = content
        return found[::-1]

    @staticmethod
    def _in_force(stored: Sequence[Stored], on: date) -> AlertRules:
        last = SignalDesk._last_begun(stored, on)
        if last is None:
            raise NoRulesYet("尚无预警规则", "there are no alert rules yet")
        assert isinstance(last.fact, AlertRulesActivated)
        return parse(last.fact.content)

    @staticmethod
    def _last_begun(stored: Sequence[Stored], on: date) -> Stored | None:
        begun = [each for each in stored if each.event.effective_on <= on]
        return max(begun, key=lambda each: (each.event.effective_on, each.event.version), default=None)


def plain(rules: AlertRules) -> dict[str, Any]:
    """The rules as JSON's values."""
    found: dict[str, Any] = msgspec.json.decode(canonical(rules))
    return found


def documents(
    connection: Connection, day: date, turn: PageTurn, student: UUID | None, school: str | None, expiring: bool
) -> list[DocumentRow]:
    """At most ``turn.fetch`` documents that have not run out on ``day``, those that end first in front; with a student,
    also hers that have. ``expiring``: only those that end within EXPIRING_DAYS."""
    soon = day + timedelta(days=EXPIRING_DAYS)
    columns = (*_D, _C.name_masked, _C.grade, _C.class_name)
    tables = DOCUMENTED.table.outerjoin(CHILDREN.table, (_C.entity == _D.student_id) & CHILDREN.holds_on(day))
    statement = select(*columns).select_from(tables).where(DOCUMENTED.holds_on(day), _D.withdrawn.is_(False))
    if student is None:
        statement = statement.where(_D.last_day >= day)
    else:
        statement = statement.where(_D.student_id == student)
    if school is not None:
        statement = statement.where(_D.school_code == school)
    if expiring:
        statement = statement.where(_D.last_day >= day, _D.last_day <= soon)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_D.last_day, _D.entity))
    rows = connection.execute(statement.order_by(_D.last_day, _D.entity).limit(turn.fetch))
    return [
        DocumentRow(
            document_id=row.entity,
            student_id=row.student_id,
            name=row.name_masked or "",
            school_code=row.school_code,
            grade=row.grade,
            class_name=row.class_name,
            kind=row.kind,
            first_day=row.first_day,
            last_day=row.last_day,
            reference=row.reference,
            expiring=day <= row.last_day <= soon,
        )
        for row in rows
    ]


def _pupil(connection: Connection, student: UUID, on: date) -> Pupil | None:
    columns = (_C.status, _C.division_code, _C.school_code)
    row = connection.execute(select(*columns).where(_C.entity == student, CHILDREN.holds_on(on))).one_or_none()
    return None if row is None else Pupil(*row)


def _held(connection: Connection, intent: DocumentAbsence) -> list[Held]:
    statement = select(_D.entity, _D.first_day, _D.last_day).where(
        _D.student_id == intent.student_id, _D.kind == intent.kind, _D.withdrawn.is_(False)
    )
    return [Held(*row) for row in connection.execute(statement.order_by(_D.first_day, _D.entity))]
