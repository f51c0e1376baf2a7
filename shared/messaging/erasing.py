"""Erasing a person from what was folded in clear: every service hears of it and rewrites its own tables.

The person's keys are gone by then, so a fold of her events gives tombstones from now on, here as in every replay. What
was folded before is brought to the same: a period table knows which of its columns are personal, and each row which
event set which column; so the columns that the erased events set get the tombstone, in every build, however old. Dead
letters are sealed under keys of their own and keep their place; only the error they quote is emptied. What a service
keeps beside its views it forgets by itself (``forget``), in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy
from psycopg import sql

from shared.database.database import driver
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.timeline import Timeline
from shared.kernel.facts import Fact
from shared.keys.keyring import KeyRing
from shared.messaging import deadletters
from shared.messaging.applying import table_lock
from shared.messaging.policy import policy
from shared.messaging.writing import PeriodWriter

NAME = "erasing"
Raw = psycopg.Connection[Any]
_TOUCHED: LiteralString = """
SELECT DISTINCT entity FROM {} WHERE log_index = ANY(%(index)s::bigint[]) OR set_by && %(index)s::bigint[]
"""


class Erasure(NamedTuple):
    """One erased person. ``people``: the ids whose keys were destroyed; ``events``: service → log indexes of the events
    that held a block of theirs; ``streams``: the streams of these events."""

    student_id: UUID
    people: frozenset[UUID]
    events: Mapping[str, frozenset[int]]
    streams: frozenset[UUID]


Forget = Callable[[Raw, Erasure], None]


def erasing(
    fact: type[Fact], views: Sequence[Projection], keyring: KeyRing, forget: Iterable[Forget] = ()
) -> Projection:
    """The policy that erases from ``views``, from dead letters, and by ``forget`` from the service's own tables.

    ``fact`` has the fields of audit's PersonErased. The policy moves on only with everything rewritten: whatever fails
    is tried again, and halts it in the end, because an erasure that was half done must not look done.
    """
    own = tuple(forget)

    def react(connection: sqlalchemy.Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        raw = driver(connection)
        for event in events:
            erasure = _told(event.fact)
            for view in views:
                erase_from(raw, view, erasure)
            _empty_letters(raw, keyring, erasure)
            for each in own:
                each(raw, erasure)

    return policy(NAME, [fact], react, halts=True)


def _told(fact: Any) -> Erasure:
    events = {service: frozenset(indexes) for service, indexes in fact.index.items()}
    return Erasure(fact.student_id, frozenset(fact.people), events, frozenset(fact.streams))


def erase_from(raw: Raw, view: Projection, erasure: Erasure) -> int:
    """Rewrite the tables of every build of the view; how many entities changed.

    What decrypted an event before its key went may still be folding it: the tables are held against that, and whoever
    records an erasure waits until nothing that old can be at work any more.
    """
    changed = 0
    schemas = raw.execute(
        "SELECT schema FROM builds WHERE projection = %s AND to_regnamespace(quote_ident(schema)) IS NOT NULL"
        " ORDER BY build",
        (view.name,),
    ).fetchall()
    for (schema,) in schemas:
        for table in sorted(view.tables, key=lambda each: each.name):
            erased = erasure.events.get(table.log)
            if erased and table.erased and _stands(raw, schema, table.name):
                changed += _erase(raw, schema, table, erased)
    return changed


def _erase(raw: Raw, schema: str, table: PeriodTable, erased: Collection[int]) -> int:
    raw.execute(
        "SELECT set_config('search_path', quote_ident(%s) || ', public', true), pg_advisory_xact_lock(%s)",
        (schema, table_lock(schema, table.name)),
    )
    touched = raw.execute(
        sql.SQL(_TOUCHED).format(sql.Identifier(schema, table.name)), {"index": sorted(erased)}
    ).fetchall()
    writer = PeriodWriter(table)
    timelines: dict[UUID, Timeline] = writer.load(raw, [entity for (entity,) in touched])
    for timeline in timelines.values():
        timeline.forget(erased, table.erased)
    return len(writer.write(raw, timelines))


def _stands(raw: Raw, schema: str, table: str) -> bool:
    """A retired build may be of other tables than today's."""
    row = raw.execute("SELECT to_regclass(%s) IS NOT NULL", (f'"{schema}"."{table}"',)).fetchone()
    return bool(row and row[0])


def _empty_letters(raw: Raw, keyring: KeyRing, erasure: Erasure) -> None:
    """The record in a letter is sealed under the person's own key inside; the error beside it may quote her."""
    for service, indexes in erasure.events.items():
        rows = raw.execute(
            "SELECT id FROM dead_letters WHERE log = %s AND (log_index = ANY(%s) OR stream_id = ANY(%s))",
            (service, sorted(indexes), sorted(erasure.streams)),
        ).fetchall()
        for (letter_id,) in rows:
            deadletters.empty_error(raw, keyring, letter_id)
