"""Mass changes under way: what each would do student by student, and how far it came; changed only in the transaction
that appends what follows, so that any process goes on where another one ended (invariant 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from services.registry.changes.change_rules import ChangeSet
from services.registry.jobs.job_rows import JobRows, Raw

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-change-0001-change-sets",
        """
-- since: every event at or below this position is in the preview. digest: of the rows so far, chained.
-- fields, tally, undo_tally: counts, JSON.
CREATE TABLE change_sets (
    change_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL
        CHECK (state IN ('previewing', 'ready', 'refused', 'applying', 'applied', 'undoing', 'undone')),
    kind text NOT NULL,
    day date NOT NULL,
    division_code text NOT NULL,
    school_code text,
    terms bytea NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    approved_by text,
    finished_at timestamptz,
    since bigint NOT NULL DEFAULT 0,
    digest text NOT NULL DEFAULT '',
    students integer NOT NULL DEFAULT 0,
    fields bytea NOT NULL DEFAULT '{}',
    tally bytea NOT NULL DEFAULT '{}',
    undo_tally bytea NOT NULL DEFAULT '{}',
    attempt integer NOT NULL DEFAULT 0,
    chunk integer NOT NULL DEFAULT 0,
    done_until uuid
);
CREATE INDEX change_sets_open ON change_sets (number) WHERE state IN ('previewing', 'applying', 'undoing');
-- What is to change of one student. before, after: fields that differ, JSON; sealed: the personal ones, as the person.
CREATE TABLE change_rows (
    change_id uuid NOT NULL,
    student_id uuid NOT NULL,
    school_code text NOT NULL,
    before bytea NOT NULL,
    after bytea NOT NULL,
    PRIMARY KEY (change_id, student_id)
);
-- What an edited export wants of one student: sealed as the person it is about. version: of the stream it was read at.
CREATE TABLE change_wanted (
    change_id uuid NOT NULL,
    student_id uuid NOT NULL,
    version integer NOT NULL,
    person_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (change_id, student_id)
);
GRANT SELECT, INSERT, UPDATE ON change_sets TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON change_rows, change_wanted TO rollcall_app;
""",
    ),
)

State = Literal["previewing", "ready", "refused", "applying", "applied", "undoing", "undone"]
OPEN: tuple[State, ...] = ("previewing", "applying", "undoing")
_FIRST = UUID(int=0)


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is proposed, beyond kind, day and scope."""

    sources: tuple[str, ...] = ()
    into: str | None = None
    into_division: str | None = None
    former_code: str | None = None
    code: str | None = None
    where: dict[str, str] = {}
    values: dict[str, str] = {}


class PreviewRow(NamedTuple):
    """One student's differences; ``before`` and ``after`` have the same fields, personal ones without their values."""

    student_id: UUID
    school_code: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass
class Counts:
    """Outcome or field → students."""

    of: dict[str, int] = field(default_factory=dict)

    @classmethod
    def kept(cls, text: bytes) -> Counts:
        return cls(msgspec.json.decode(text, type=dict[str, int]))

    def keep(self) -> bytes:
        return msgspec.json.encode(self.of)

    def note(self, name: str, count: int = 1) -> None:
        self.of[name] = self.of.get(name, 0) + count

    def __getitem__(self, name: str) -> int:
        return self.of.get(name, 0)


@dataclass(frozen=True)
class Job:
    """One mass change as far as it came. ``terms``, ``fields``, ``tally`` and ``undo_tally`` are JSON."""

    change_id: UUID
    number: int
    state: State
    kind: Any
    day: date
    division_code: str
    school_code: str | None
    terms: bytes
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    finished_at: datetime | None
    since: int
    digest: str
    students: int
    fields: bytes
    tally: bytes
    undo_tally: bytes
    attempt: int
    chunk: int
    done_until: UUID | None

    @property
    def after(self) -> UUID:
        """Students beyond this id are still to be looked at."""
        return self.done_until or _FIRST

    @property
    def change(self) -> ChangeSet:
        """What is to be done, for the rules."""
        terms = msgspec.json.decode(self.terms, type=Terms)
        return ChangeSet(
            self.change_id, self.kind, self.day, self.division_code, self.school_code, *msgspec.structs.astuple(terms)
        )


JOBS = JobRows("change_sets", "change_id", Job, OPEN)


def begin(raw: Raw, change: ChangeSet, reason: str, proposed_by: str) -> None:
    """A change waits for its preview."""
    terms = Terms(
        *(change.sources, change.into, change.into_division, change.former_code, change.code),
        *(dict(change.where), dict(change.values)),
    )
    raw.execute(
        "INSERT INTO change_sets (change_id, state, kind, day, division_code, school_code, terms, reason, proposed_by,"
        " since) SELECT %s, 'previewing', %s, %s, %s, %s, %s, %s, %s, settled FROM sequencer_state",
        (
            *(change.change_id, change.kind, change.day, change.division_code, change.school_code),
            *(msgspec.json.encode(terms), reason, proposed_by),
        ),
    )


def preview_again(raw: Raw, job: Job) -> None:
    """Forget the preview and make another one."""
    raw.execute("DELETE FROM change_rows WHERE change_id = %s", (job.change_id,))
    raw.execute(
        "UPDATE change_sets SET state = 'previewing', digest = '', students = 0, fields = '{}', chunk = 0,"
        " done_until = NULL, attempt = attempt + 1, since = (SELECT settled FROM sequencer_state) WHERE change_id = %s",
        (job.change_id,),
    )


def keep_preview(raw: Raw, job: Job, rows: Sequence[PreviewRow], fields: Counts, digest: str, done_until: UUID) -> None:
    """A chunk of the preview is done, up to this student."""
    with raw.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO change_rows VALUES (%s, %s, %s, %s, %s)",
            [
                (job.change_id, each.student_id, each.school_code, *map(msgspec.json.encode, (each.before, each.after)))
                for each in rows
            ],
        )
    raw.execute(
        "UPDATE change_sets SET fields = %s, digest = %s, students = students + %s, chunk = chunk + 1, done_until = %s"
        " WHERE change_id = %s",
        (fields.keep(), digest, len(rows), done_until, job.change_id),
    )


def note_kept_schools(raw: Raw, change_id: UUID, kept: Counts) -> None:
    """Schools that an undoing leaves alone; before its first chunk."""
    raw.execute("UPDATE change_sets SET undo_tally = %s WHERE change_id = %s", (kept.keep(), change_id))


def enter(raw: Raw, change_id: UUID, state: State, *, approved_by: str | None = None) -> None:
    """The change is in another state, at its beginning."""
    raw.execute(
        "UPDATE change_sets SET state = %(state)s, chunk = 0, done_until = NULL,"
        " approved_by = coalesce(%(by)s, approved_by),"
        " finished_at = CASE WHEN %(state)s = ANY(%(open)s) THEN NULL ELSE clock_timestamp() END"
        " WHERE change_id = %(id)s",
        {"state": state, "by": approved_by, "open": [*OPEN, "ready"], "id": change_id},
    )


def rows_after(raw: Raw, change_id: UUID, after: UUID, limit: int) -> list[PreviewRow]:
    """The next rows of a preview, by student."""
    found = raw.execute(
        "SELECT student_id, school_code, before, after FROM change_rows WHERE change_id = %s AND student_id > %s"
        " ORDER BY student_id LIMIT %s",
        (change_id, after, limit),
        binary=True,
    )
    return [_row(*each) for each in found]


def rows_of(raw: Raw, change_id: UUID, students: Iterable[UUID]) -> dict[UUID, PreviewRow]:
    """The rows of these students."""
    found = raw.execute(
        "SELECT student_id, school_code, before, after FROM change_rows WHERE change_id = %s AND student_id = ANY(%s)",
        (change_id, list(students)),
        binary=True,
    )
    return {each[0]: _row(*each) for each in found}


def changed_since(raw: Raw, since: int) -> list[UUID]:
    """Students about whom something may have been told after that position. Some were told of before: positions are
    settled late, never early."""
    found = raw.execute(
        "SELECT DISTINCT stream_id FROM events WHERE position > %s AND type LIKE 'registry.Student%%'",
        (since,),
        binary=True,
    )
    return [each[0] for each in found]


def _row(student_id: UUID, school_code: str, before: bytes, after: bytes) -> PreviewRow:
    said: Mapping[str, Any] = msgspec.json.decode(before)
    return PreviewRow(student_id, school_code, dict(said), msgspec.json.decode(after))
