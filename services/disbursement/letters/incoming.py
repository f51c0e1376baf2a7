"""Letters of other counties about children registered here: received, in a queue by the day an answer is due, answered
with what stands in our books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, and_, select

from services.disbursement.letter_errors import LetterNotThere, NotOurChild, SentBeforeDrafted, UnknownLetter
from services.disbursement.letter_events import IncomingLetterAnswered, IncomingLetterReceived, Way
from services.disbursement.letters.letter_tables import INCOMING
from services.disbursement.streams import Streams
from services.disbursement.tables import ENTITLEMENTS, PAYEES, PAYMENTS
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.standards.separation import LETTERS_APPROVE
from shared.web.pages import PageTurn

VIEW = "payments"
State = Literal["open", "answered"]
_I, _E, _P, _S = INCOMING.c, ENTITLEMENTS.c, PAYMENTS.c, PAYEES.c


class IncomingRow(BaseModel):
    """One letter of another county. ``children``: how many were found here; ``late``: open beyond its day."""

    incoming_id: UUID
    from_place: str
    from_name: str
    number: str
    term: str
    received_on: date
    answer_by: date
    children: int
    not_found: int
    state: State
    late: bool
    received_by: str
    answered_on: date | None
    answered_by: str | None
    answer_way: str | None
    answer_number: str | None


class IncomingChild(BaseModel):
    """A child of the letter, masked, with what is due (``granted``) and ``paid`` here in the letter's term."""

    child_id: UUID
    name: str
    number: str
    programme: str | None
    amount_fen: int | None
    aid: Literal["paid", "granted", "none"]


class Received(NamedTuple):
    """What the paper says. ``children``: students found in the register."""

    from_place: str
    number: str
    term: str
    received_on: date
    answer_by: date
    children: tuple[UUID, ...]
    not_found: int


@dataclass(frozen=True)
class IncomingDesk:
    """``division`` is the installation's."""

    database: Database
    store: EventStore
    streams: Streams
    division: str

    def receive(self, scope: Scope, told: Received, from_name: str, command: Command, today: date) -> Result:
        """Put a letter into the queue. Raises SentBeforeDrafted for days that cannot be, NotOurChild."""
        if told.received_on > today:
            raise SentBeforeDrafted("received_on")
        if told.answer_by < told.received_on:
            raise SentBeforeDrafted("answer_by")
        with self.database.reading(scope, VIEW) as connection:
            known = select(_S.entity).where(PAYEES.holds_on(today), _S.entity.in_(told.children))
            if set(connection.execute(known).scalars()) != set(told.children):
                raise NotOurChild
        stream = self.streams.incoming(command.principal, command.command_id)
        division = scope.division or self.division
        fact = IncomingLetterReceived(
            **told._asdict(), from_name=from_name, division_code=division, received_by=command.principal
        )
        return self.store.run(self.database, command, lambda _: [Proposed(stream, 0, fact, told.received_on)])

    def answer(self, scope: Scope, incoming_id: UUID, way: Way, number: str, command: Command, today: date) -> Result:
        """Sign off and send what our books say now. Raises UnknownLetter, LetterNotThere, SecondPersonNeeded."""
        with self.database.reading(scope, VIEW) as connection:
            aided = tuple(
                child.child_id for child in children_of(connection, today, incoming_id) if child.aid != "none"
            )

        def decide(connection: Connection) -> Sequence[Proposed]:
            self.streams.lock(connection, [incoming_id])
            stored = [each.fact for each in self.store.load(connection, incoming_id)]
            received = stored[0] if stored else None
            if not isinstance(received, IncomingLetterReceived) or not scope.covers(received.division_code, None):
                raise UnknownLetter
            if len(stored) > 1:
                raise LetterNotThere("answered")
            LETTERS_APPROVE.check(received.received_by, command.principal)
            unaided = tuple(child for child in received.children if child not in aided)
            fact = IncomingLetterAnswered(
                answered_on=today,
                way=way,
                number=number,
                aided=aided,
                unaided=unaided,
                answered_by=command.principal,
            )
            return [Proposed(incoming_id, 1, fact, today)]

        return self.store.run(self.database, command, decide)


def queue(connection: Connection, day: date, turn: PageTurn, state: State | None) -> list[IncomingRow]:
    """At most ``turn.fetch`` letters, those due first first."""
    asked = select(*_I).where(INCOMING.holds_on(day))
    if state is not None:
        asked = asked.where(_I.state == state)
    if turn.after is not None:
        asked = asked.where(turn.beyond(_I.answer_by, _I.entity))
    rows = connection.execute(asked.order_by(_I.answer_by, _I.entity).limit(turn.fetch))
    return [_shown(row, day) for row in rows]


def one(connection: Connection, day: date, incoming_id: UUID) -> IncomingRow:
    """Raises UnknownLetter, also for one that is not the viewer's."""
    row = connection.execute(select(*_I).where(INCOMING.holds_on(day), _I.entity == incoming_id)).one_or_none()
    if row is None:
        raise UnknownLetter
    return _shown(row, day)


def children_of(connection: Connection, day: date, incoming_id: UUID) -> list[IncomingChild]:
    """The children of a letter by name; of one that was answered, aided as it was answered."""
    letter = connection.execute(
        select(_I.children, _I.term, _I.state, _I.aided).where(INCOMING.holds_on(day), _I.entity == incoming_id)
    ).one_or_none()
    if letter is None:
        return []
    asked = (
        select(_S.entity, _S.name_masked, _S.number_masked, _E.programme, _E.amount_fen, _P.entity.label("paid"))
        .select_from(
            PAYEES.table.outerjoin(
                ENTITLEMENTS.table,
                and_(_E.student_id == _S.entity, _E.term == letter.term, _E.granted, ENTITLEMENTS.holds_on(day)),
            ).outerjoin(PAYMENTS.table, and_(_P.entity == _E.entity, PAYMENTS.holds_on(day)))
        )
        .where(PAYEES.holds_on(day), _S.entity.in_(letter.children or ()))
        .order_by(_S.entity, _E.entity)
    )
    rows: dict[UUID, Any] = {}
    for row in connection.execute(asked):
        rows.setdefault(row.entity, row)
    told = set(letter.aided or ()) if letter.state == "answered" else None
    return sorted((_child(row, told) for row in rows.values()), key=lambda child: (child.name, str(child.child_id)))


def _child(row: Row[Any], told: set[UUID] | None) -> IncomingChild:
    aided = row.programme is not None if told is None else row.entity in told
    return IncomingChild(
        child_id=row.entity,
        name=row.name_masked or "",
        number=row.number_masked or "",
        programme=row.programme if aided else None,
        amount_fen=row.amount_fen if aided else None,
        aid="none" if not aided else "granted" if row.paid is None else "paid",
    )


def _shown(row: Row[Any], day: date) -> IncomingRow:
    named = [name for name in IncomingRow.model_fields if name not in ("incoming_id", "children", "late")]
    told = {name: getattr(row, name) for name in named}
    late = row.state == "open" and day > row.answer_by
    return IncomingRow(incoming_id=row.entity, children=len(row.children or ()), late=late, **told)
