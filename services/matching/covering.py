"""The members whom a list row covers beside its own state, brought in line with what is known: the difference is
appended, so any order of arrival ends in the same covers (household_cover.py says which they are).

Runs under the lock of the rows, in the transaction of their decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection

from services.matching.commands import StudentPlace
from services.matching.domain import settle_covers
from services.matching.erased import kept_covers
from services.matching.events import MemberCovered
from services.matching.household_cover import Cover, covers, open_end
from services.matching.households import household_rows
from services.matching.index_rows import named_students
from services.matching.streams import Streams
from shared.database.arrays import UuidArray
from shared.database.database import driver
from shared.eventsourcing.store import BATCH_LIMIT, Cause, Command, EventStore, Proposed

STEPS: tuple[tuple[str, str], ...] = (
    (
        "matching-0004-households",
        """
CREATE TABLE covered_rows (
    entry_id uuid PRIMARY KEY,
    version integer NOT NULL,
    covers bytea NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON covered_rows TO rollcall_worker;
ALTER TABLE matching_work DROP CONSTRAINT matching_work_kind_check;
ALTER TABLE matching_work ADD CHECK (kind IN ('student', 'household', 'entry', 'day'));
""",
    ),
)
PRINCIPAL = "policy:covering"
RULE = "R7"
_STANDING = "SELECT entry_id, version, covers FROM public.covered_rows WHERE entry_id = ANY(%s)"
_KEEP = """
INSERT INTO public.covered_rows (entry_id, version, covers) VALUES (%s, %s, %s)
ON CONFLICT (entry_id) DO UPDATE SET version = excluded.version, covers = excluded.covers
"""
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[MemberCovered, ...])


class Standing(NamedTuple):
    """The covers that stand for a row, and the version of their stream."""

    version: int = 0
    covers: tuple[MemberCovered, ...] = ()


class Batch(NamedTuple):
    """What the commands of one part of the work are named after."""

    first_work_id: int
    part: int
    cause: Cause


def cover(
    connection: Connection,
    store: EventStore,
    streams: Streams,
    batch: Batch,
    entries: Sequence[UUID],
    apart: Mapping[UUID, frozenset[UUID]],
) -> None:
    """Bring the covers of these rows in line. ``apart``: row → students of whom a person said that it is not theirs, or
    whom it is linked to by a person's word."""
    raw = driver(connection)
    standing = {
        row[0]: Standing(row[1], _decoder.decode(row[2])) for row in raw.execute(_STANDING, (UuidArray(entries),))
    }
    kept = kept_covers(raw, ((entry, each) for entry, row in standing.items() for each in row.covers))
    changes: list[Proposed] = []
    for entry_id, wanted in _wanted(raw, entries, list(standing), apart):
        before = standing.get(entry_id, Standing())
        if entry_id in kept:
            own = {each.student_id for each in kept[entry_id]}
            wanted = (*(each for each in wanted if each.student_id not in own), *kept[entry_id])
        facts = settle_covers(before.covers, wanted)
        if facts:
            stream = streams.covers(entry_id)
            changes += [
                Proposed(stream, version, fact, fact.covered_from) for version, fact in enumerate(facts, before.version)
            ]
            raw.execute(_KEEP, (entry_id, before.version + len(facts), _encoder.encode(wanted)))
    for number, begin in enumerate(range(0, len(changes), BATCH_LIMIT)):
        proposed = changes[begin : begin + BATCH_LIMIT]
        command = Command(
            principal=PRINCIPAL,
            command_id=streams.covering_command(batch.first_work_id, batch.cause.event_id, batch.part, number),
            body=PRINCIPAL.encode(),
            cause=batch.cause,
            traceparent=batch.cause.traceparent,
        )
        store.execute(connection, command, lambda: proposed)  # noqa: B023 (called before the next turn)


def _wanted(
    raw: psycopg.Connection[Any],
    entries: Sequence[UUID],
    covering: Sequence[UUID],
    apart: Mapping[UUID, frozenset[UUID]],
) -> Iterator[tuple[UUID, tuple[MemberCovered, ...]]]:
    """The covers that each row should have, as the facts that state them."""
    rows = household_rows(raw, entries, covering)
    found = {
        entry_id: covers(periods, rows.besides(entry_id), rows.proofs_of(entry_id), apart.get(entry_id, frozenset()))
        for entry_id, periods in rows.periods.items()
    }
    students = {each.student_id for made in found.values() for each in made}
    places = named_students(raw, students)[0].places
    for entry_id, made in found.items():
        yield entry_id, tuple(_fact(entry_id, each, places[each.student_id]) for each in made)


def _fact(entry_id: UUID, made: Cover, place: StudentPlace) -> MemberCovered:
    support: Any = made.support
    return MemberCovered(
        entry_id=entry_id,
        student_id=made.student_id,
        list=support.list,
        agency=support.agency,
        rule=RULE,
        reason=made.reason,
        covered_from=made.days.since,
        covered_to=open_end(made.days.until),
        household_id=made.household_id,
        household_type=support.household_type,
        support_type=support.support_type,
        area_type=support.area_type,
        coverage=support.coverage,
        valid_from=support.starts_on,
        valid_to=support.ends_on,
        division_code=place.division_code,
        school_code=place.school_code,
    )
