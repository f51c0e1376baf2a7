"""Children enrolled without an identity number (autumn intake): found again by school and name when a row tells the
number, or more about them, so that no child becomes two.

A row means such a child when it contradicts nothing that is on record of her. Where it may mean several, or several
rows may mean one, nobody guesses: a person corrects the number on the child's own page first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import StudentRecord
from services.registry.domain import student_of
from services.registry.events import StudentDetailsCorrected, StudentEnrolled, StudentPersonal
from services.registry.keys import Keys
from services.registry.lists.standing import Raw
from services.registry.sheets.lists import RowProblem
from shared.database.database import driver
from shared.eventsourcing.store import EventStore, Proposed, Stored
from shared.kernel.facts import Fact

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-0005-provisional-students",
        """
-- name_digest: keyed. A child leaves the table when her number is on record.
CREATE TABLE provisional_students (
    student_id uuid PRIMARY KEY,
    name_digest text NOT NULL
);
CREATE INDEX provisional_students_by_name ON provisional_students (name_digest);
GRANT SELECT, INSERT, DELETE ON provisional_students TO rollcall_app;
""",
    ),
)
_TOLD_APART_BY = ("sex", "birth_date", "guardian_name", "guardian_id")
AMBIGUOUS = RowProblem(
    "row",
    "provisional_ambiguous",
    "同校有同名且尚无身份证号的学生,不能确定是不是同一人,请先在学生页面更正其号码",
    "Children of this name without a number are on record at the school: correct the number on the child's page first.",
)


class Resolved(NamedTuple):
    """Record (its place) → the child it means; ``ambiguous``: places of records that may mean several, or share one."""

    meant: dict[int, UUID]
    ambiguous: frozenset[int]


def note(raw: Raw, keys: Keys, proposed: Sequence[Proposed]) -> None:
    """Note who was enrolled without a number, and whose number is on record now."""
    stated = [(each.stream_id, _particulars(each.fact)) for each in proposed]
    waiting = {student: said for student, said in stated if said is not None and said.id_number is None}
    known = [student for student, said in stated if said is not None and said.id_number is not None]
    if waiting:
        digests = [_digest(keys, said.name) for said in waiting.values()]
        raw.execute(
            "INSERT INTO provisional_students SELECT * FROM unnest(%s::uuid[], %s::text[]) ON CONFLICT DO NOTHING",
            (list(waiting), digests),
        )
    if known and anybody(raw):
        raw.execute("DELETE FROM provisional_students WHERE student_id = ANY(%s)", (known,))


def anybody(raw: Raw) -> bool:
    """Whether there is any child without a number."""
    return raw.execute("SELECT 1 FROM provisional_students LIMIT 1").fetchone() is not None


def named(raw: Raw, keys: Keys, names: Collection[str]) -> dict[str, list[UUID]]:
    """Name → the children of that name without a number."""
    digests = {_digest(keys, name): name for name in names}
    rows = raw.execute(
        "SELECT name_digest, student_id FROM provisional_students WHERE name_digest = ANY(%s) ORDER BY student_id",
        (list(digests),),
        binary=True,
    )
    found: dict[str, list[UUID]] = defaultdict(list)
    for digest, student_id in rows:
        found[digests[digest]].append(student_id)
    return found


def children_meant(
    store: EventStore, keys: Keys, connection: Connection, records: Mapping[int, StudentRecord]
) -> Resolved:
    """Which children without a number these records mean, which name no stream yet."""
    raw = driver(connection)
    if not records or not anybody(raw):
        return Resolved({}, frozenset())
    children = named(raw, keys, {record.name for record in records.values()})
    ids = {child for found in children.values() for child in found}
    return resolve(records, children, store.load_many(connection, ids, personal=True))


def unclear(store: EventStore, keys: Keys, connection: Connection, records: Sequence[StudentRecord]) -> frozenset[int]:
    """Places of records that may mean several children without a number, or one that another record may mean."""
    raw = driver(connection)
    if not anybody(raw):
        return frozenset()
    children = named(raw, keys, {record.name for record in records})
    some = {place: record for place, record in enumerate(records) if record.name in children}
    streams = {place: keys.student(record) for place, record in some.items()}
    loaded = store.load_many(connection, set(streams.values()))
    new = {place: record for place, record in some.items() if not loaded[streams[place]]}
    return children_meant(store, keys, connection, new).ambiguous


def resolve(
    records: Mapping[int, StudentRecord], children: Mapping[str, Sequence[UUID]], loaded: Mapping[UUID, list[Stored]]
) -> Resolved:
    """Which child each of these records, which name no stream yet, means. ``loaded``: their streams, opened."""
    candidates = {
        place: [child for child in children.get(record.name, ()) if _may_be(record, loaded[child])]
        for place, record in records.items()
    }
    claims = Counter(child for found in candidates.values() for child in found)
    meant = {place: found[0] for place, found in candidates.items() if len(found) == 1 and claims[found[0]] == 1}
    unclear = frozenset(place for place, found in candidates.items() if found and place not in meant)
    return Resolved(meant, unclear)


def _may_be(record: StudentRecord, stored: Sequence[Stored]) -> bool:
    facts = [each.fact for each in stored]
    state = student_of(facts)
    personal = next((said for said in map(_particulars, reversed(facts)) if said is not None), None)
    if personal is None or personal.id_number is not None or personal.name != record.name:
        return False
    if not state.enrolled or state.school_code != record.school_code:
        return False
    said = [(getattr(personal, name), getattr(record, name)) for name in _TOLD_APART_BY]
    said.append((state.placement[1], record.grade))
    return all(before == now for before, now in said if before and now)


def _particulars(fact: Fact) -> StudentPersonal | None:
    return fact.personal if isinstance(fact, StudentEnrolled | StudentDetailsCorrected) else None


def _digest(keys: Keys, name: str) -> str:
    return keys.digest(["provisional", name])
