"""The children of a letter in full: the one place that reads their names and numbers unmasked (invariant 13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from services.disbursement.letter_events import LetterPaperRead
from services.disbursement.letters.letter_desk import LetterDesk
from services.disbursement.letters.letter_tables import LISTED
from services.disbursement.tables import PAYEES
from shared.eventsourcing.store import Command, Proposed, Result

FIELDS = ("name", "id_number")
_L, _P = LISTED.c, PAYEES.c


class InFull(NamedTuple):
    """Who a child is; ``id_number`` is empty where no agency gave a valid one."""

    name: str
    id_number: str


def in_full(connection: Connection, day: date, child_ids: Iterable[UUID]) -> dict[UUID, InFull]:
    """Those of the children who are within the viewer's rows and not erased; the register before agencies' lists."""
    wanted = list(child_ids)
    found: dict[UUID, InFull] = {}
    listed = select(_L.child_id, _L.name, _L.id_number).where(
        _L.child_id.in_(wanted), LISTED.holds_on(day), _L.name.is_not(None)
    )
    for row in connection.execute(listed.order_by(_L.entity)):
        before = found.get(row.child_id, InFull("", ""))
        found[row.child_id] = InFull(before.name or row.name, before.id_number or row.id_number or "")
    students = select(_P.entity, _P.name, _P.id_number).where(
        _P.entity.in_(wanted), PAYEES.holds_on(day), _P.name.is_not(None)
    )
    found |= {row.entity: InFull(row.name, row.id_number or "") for row in connection.execute(students)}
    return found


def note_read(desk: LetterDesk, read: LetterPaperRead, command: Command, today: date) -> Result:
    """Record that somebody takes the children of a letter in full, before anything is given out."""
    reader = desk.streams.reader(read.viewer, today)

    def decide(connection: Connection) -> Sequence[Proposed]:
        return [Proposed(reader, len(desk.store.load(connection, reader)), read, today)]

    return desk.store.run(desk.database, command, decide)
