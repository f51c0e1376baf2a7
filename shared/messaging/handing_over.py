"""What each service does of its own when a post is handed over: what is bound to the predecessor becomes the
successor's.

What is bound to a post's place needs nothing: the successor sees it. A service with work bound to an account has a
policy whose memory holds that work and ``HANDED_OVER``. It looks twice, because logs are read side by side: when a
hand-over arrives, at the work known by then; and when work arrives that was given to the predecessor before the
hand-over closed, at the hand-overs known by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, Connection, DateTime, Index, Text, Uuid, select

from shared.database.post_scopes import scope_of_post
from shared.database.scopes import Scope
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Recorded
from shared.kernel.clock import SHANGHAI

ALWAYS = date(1, 1, 1)
DONE = "handed_over"

# The post's place stands under names that no scope reads: the table is the policy's alone.
HANDED_OVER = PeriodTable(
    "handed_over",
    "access",
    [
        Column("former", Text),
        Column("account", Text),
        Column("kind", Text),
        Column("post_id", Uuid),
        Column("of_division", Text),
        Column("of_school", Text),
        Column("of_class", Text),
        Column("of_agency", Text),
        Column("closed_at", DateTime(timezone=True)),
    ],
    indexes=[Index("handed_over_by_former", "former")],
)
_H = HANDED_OVER.c


class HandedOver(NamedTuple):
    """A hand-over that is done: ``former``'s work within ``scope`` is ``account``'s since ``closed_at``."""

    handover_id: UUID
    post_id: UUID
    former: str
    account: str
    scope: Scope
    closed_at: datetime

    @property
    def day(self) -> date:
        """The day in Asia/Shanghai."""
        return self.closed_at.astimezone(SHANGHAI).date()


def handover_closed(event: Recorded) -> Iterable[Assertion]:
    """The fold of access's HandoverClosed; one that was withdrawn moves nothing."""
    fact = event.fact
    if fact.outcome == DONE:
        values = {
            "former": str(fact.predecessor),
            "account": str(fact.successor),
            "kind": fact.kind,
            "post_id": fact.post_id,
            "of_division": fact.division_code,
            "of_school": fact.school_code,
            "of_class": fact.school_class,
            "of_agency": fact.agency,
            "closed_at": event.recorded_at,
        }
        yield Assertion(HANDED_OVER, event.stream_id, ALWAYS, values)


def told_by(event: Recorded) -> HandedOver | None:
    """What a HandoverClosed tells; None of one that was withdrawn."""
    fact = event.fact
    if fact.outcome != DONE:
        return None
    place = {name: getattr(fact, name) for name in ("division_code", "school_code", "school_class", "agency")}
    people = str(fact.predecessor), str(fact.successor)
    return HandedOver(event.stream_id, fact.post_id, *people, scope_of_post(fact.kind, **place), event.recorded_at)


def later_ones(connection: Connection, former: str, after: datetime) -> list[HandedOver]:
    """The hand-overs of this person's that closed after a moment, the first one first."""
    statement = select(*_H).where(_H.former == former, _H.closed_at > after).order_by(_H.closed_at)
    return [_row(row) for row in connection.execute(statement)]


def _row(row: Any) -> HandedOver:
    place = {"division_code": row.of_division, "school_code": row.of_school}
    scope = scope_of_post(row.kind, **place, school_class=row.of_class, agency=row.of_agency)
    return HandedOver(row.entity, row.post_id, row.former, row.account, scope, row.closed_at)


def given_at(event: Recorded) -> datetime:
    """When work was given to somebody: when it was recorded, or when the hand-over closed that passed it on. Who hands
    over what was just handed over to him passes that on as well, in whatever order two hand-overs are read."""
    return event.logged.event.cause_recorded_at or event.recorded_at
