"""What each submission said of each row, kept so that one of them can be taken back without the others.

An event tells what changed; a submission that repeats a row changes nothing and still says that the row stands. Both
count when another submission is withdrawn, so both are noted here, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.registry.commands import RecordListEntries
from services.registry.lists.standing import Raw, keep_standing

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-0004-statements",
        """
CREATE SEQUENCE statement_places;
-- version: the event of the entry's stream that holds what was said; NULL and a reason: that it is off the list.
-- outcome: set when the submission was withdrawn; the statement counts no more.
CREATE TABLE entry_statements (
    place bigint PRIMARY KEY DEFAULT nextval('statement_places'),
    entry_id uuid NOT NULL,
    submission_id uuid,
    as_of date NOT NULL,
    row integer,
    version integer,
    reason text,
    outcome text
);
CREATE INDEX entry_statements_by_entry ON entry_statements (entry_id, place);
CREATE INDEX entry_statements_by_submission ON entry_statements (submission_id, entry_id);
-- A snapshot also says that every row of its parts which it does not hold is off the list. counts: not while its
-- removals wait for a person, and no more once it is withdrawn.
CREATE TABLE snapshot_sweeps (
    submission_id uuid PRIMARY KEY,
    place bigint NOT NULL DEFAULT nextval('statement_places'),
    agency text NOT NULL,
    list text NOT NULL,
    parts text[] NOT NULL,
    as_of date NOT NULL,
    counts boolean NOT NULL
);
CREATE INDEX snapshot_sweeps_by_list ON snapshot_sweeps (agency, list, place);
ALTER TABLE begun_submissions ADD COLUMN agency text, ADD COLUMN list text, ADD COLUMN mode text;
INSERT INTO entry_statements (entry_id, submission_id, as_of, row, version, reason)
SELECT stream_id, (said ->> 'submission_id')::uuid, effective_on, (said ->> 'row')::integer,
       CASE WHEN type LIKE '%.ListEntryRemoved.%' THEN NULL ELSE version END, said ->> 'reason'
FROM (SELECT *, convert_from(data, 'UTF8')::json AS said FROM events
      WHERE type ~ '[.]ListEntry(Added|Corrected|Removed)[.]') AS told ORDER BY position;
GRANT USAGE ON SEQUENCE statement_places TO rollcall_app;
GRANT SELECT, INSERT, UPDATE ON entry_statements, snapshot_sweeps TO rollcall_app;
""",
    ),
)


class Statement(NamedTuple):
    """What a submission (None: a single command) said of an entry: the fields in event ``version`` of its stream, or
    for ``reason`` that it is off the list."""

    place: int
    submission_id: UUID | None
    as_of: date
    row: int | None
    version: int | None
    reason: str | None
    outcome: str | None


class Sweep(NamedTuple):
    """A snapshot that ends the rows of its ``parts`` which it does not hold."""

    place: int
    submission_id: UUID
    as_of: date
    parts: list[str]


class SaidRow(NamedTuple):
    """What a row says: the entry it is, and the event of its stream (by version) that holds its fields; ``part`` of the
    list."""

    entry_id: UUID
    row: int
    version: int
    part: str


def keep(
    raw: Raw,
    said: Sequence[tuple[UUID, int | None, int | None]],
    submission_id: UUID | None,
    as_of: date,
    reason: str | None = None,
) -> None:
    """Note what a submission says: (entry, row, version) of each, with ``reason`` that they are off the list."""
    raw.execute(
        "INSERT INTO entry_statements (entry_id, row, version, submission_id, as_of, reason)"
        " SELECT *, %s::uuid, %s::date, %s FROM unnest(%s::uuid[], %s::integer[], %s::integer[])",
        (
            submission_id,
            as_of,
            reason,
            [each[0] for each in said],
            [each[1] for each in said],
            [each[2] for each in said],
        ),
    )


def keep_said(raw: Raw, intent: RecordListEntries, said: Sequence[SaidRow]) -> None:
    """Note that the rows of a list of an agency stand, and what they say."""
    keep_standing(
        raw,
        {each.entry_id: each.part for each in said},
        agency=intent.agency,
        list_name=intent.list,
        standing=True,
        submission_id=intent.submission_id,
    )
    keep(raw, [(each.entry_id, each.row, each.version) for each in said], intent.submission_id, intent.as_of)


def of_entries(raw: Raw, entry_ids: Sequence[UUID]) -> dict[UUID, list[Statement]]:
    """Everything said of these entries, in order; each asked entry has a list."""
    found: dict[UUID, list[Statement]] = {entry_id: [] for entry_id in entry_ids}
    rows = raw.execute(
        "SELECT entry_id, place, submission_id, as_of, row, version, reason, outcome FROM entry_statements"
        " WHERE entry_id = ANY(%s) ORDER BY place",
        (list(entry_ids),),
        binary=True,
    )
    for entry_id, *statement in rows:
        found[entry_id].append(Statement(*statement))
    return found


def entries_of(raw: Raw, submission_id: UUID) -> list[UUID]:
    """The entries a submission said something of, in the order of their ids."""
    rows = raw.execute(
        "SELECT DISTINCT entry_id FROM entry_statements WHERE submission_id = %s ORDER BY entry_id", (submission_id,)
    )
    return [row[0] for row in rows]


def take_back(raw: Raw, submission_id: UUID, outcomes: Mapping[UUID, str]) -> None:
    """What the submission said of these entries counts no more; ``outcomes`` say what that did."""
    raw.execute(
        "UPDATE entry_statements s SET outcome = done.outcome FROM unnest(%s::uuid[], %s::text[]) AS done(entry_id,"
        " outcome) WHERE s.submission_id = %s AND s.entry_id = done.entry_id",
        (list(outcomes), list(outcomes.values()), submission_id),
    )


def outcomes(raw: Raw, submission_id: UUID) -> dict[str, int]:
    """Entries of a withdrawn submission by what became of them."""
    rows = raw.execute(
        "SELECT outcome, count(DISTINCT entry_id) FROM entry_statements"
        " WHERE submission_id = %s AND outcome IS NOT NULL GROUP BY outcome",
        (submission_id,),
    )
    return dict(rows.fetchall())


def sweep(
    raw: Raw, submission_id: UUID, agency: str, list_name: str, parts: Sequence[str], as_of: date, *, counts: bool
) -> None:
    """Note that a snapshot is complete; ``counts`` is False while its removals wait for a person."""
    raw.execute(
        "INSERT INTO snapshot_sweeps (submission_id, agency, list, parts, as_of, counts)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (submission_id, agency, list_name, list(parts), as_of, counts),
    )


def let_sweep(raw: Raw, submission_id: UUID, *, counts: bool) -> None:
    """The snapshot's removals were confirmed, or it was withdrawn."""
    raw.execute("UPDATE snapshot_sweeps SET counts = %s WHERE submission_id = %s", (counts, submission_id))


def sweeps(raw: Raw, agency: str, list_name: str) -> list[Sweep]:
    """The snapshots of a list that count, in order."""
    rows = raw.execute(
        "SELECT place, submission_id, as_of, parts FROM snapshot_sweeps"
        " WHERE agency = %s AND list = %s AND counts ORDER BY place",
        (agency, list_name),
    )
    return [Sweep(*row) for row in rows]
