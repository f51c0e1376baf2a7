"""What a submission must know at the moment it is decided: schools, who stands on which list, what is held.

Write-side tables, changed only in the transaction that appends the facts they follow from; views may lag, these do not.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.registry.commands import SchoolRecord
from services.registry.lists.known_schools import ClosedSchool, KnownSchool, Schools, schools_of
from shared.eventsourcing.sealing import NONCE_BYTES
from shared.keys.keyring import KeyRing

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-0001-standing",
        """
CREATE TABLE known_schools (
    school_code text PRIMARY KEY,
    name text NOT NULL,
    division_code text NOT NULL
);
-- part: a list that arrives as several files (civil: allowance and extreme hardship), each a snapshot of its own.
CREATE TABLE standing_entries (
    entry_id uuid PRIMARY KEY,
    agency text NOT NULL,
    list text NOT NULL,
    part text NOT NULL,
    standing boolean NOT NULL,
    changed_by uuid
);
CREATE INDEX standing_entries_by_list ON standing_entries (agency, list, part) WHERE standing;
CREATE TABLE held_removals (
    submission_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    PRIMARY KEY (submission_id, entry_id)
);
-- Rows that came back, as they were in the file: sealed under a key of the submission's own.
CREATE TABLE rejected_rows (
    submission_id uuid NOT NULL,
    row integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (submission_id, row)
);
GRANT SELECT, INSERT, UPDATE ON known_schools, standing_entries, rejected_rows TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON held_removals TO rollcall_app;
""",
    ),
    (
        "registry-0002-receipts",
        """
-- brought_by: the submission that put the entry on the list the last time it was not there.
ALTER TABLE standing_entries ADD COLUMN brought_by uuid;
CREATE INDEX standing_entries_by_change ON standing_entries (changed_by) WHERE NOT standing;
CREATE INDEX held_removals_by_entry ON held_removals (entry_id);
-- One row per submission that began; its receipt once it is complete, as it was given.
CREATE TABLE begun_submissions (
    submission_id uuid PRIMARY KEY,
    effective_on date NOT NULL,
    receipt text
);
GRANT SELECT, INSERT, UPDATE ON begun_submissions TO rollcall_app;
""",
    ),
    (
        "registry-0003-former-names",
        "ALTER TABLE known_schools ADD COLUMN former_names text[] NOT NULL DEFAULT '{}'",
    ),
    (
        "registry-0004-closed-schools",
        """
-- closed_on: the first day the school is no more. Those that closed before this column came are read from their events,
-- which hold nothing personal.
ALTER TABLE known_schools ADD COLUMN closed_on date, ADD COLUMN merged_into text;
UPDATE known_schools SET closed_on = closed.effective_on, merged_into = closed.told ->> 'merged_into'
FROM (SELECT effective_on, convert_from(data, 'UTF8')::jsonb AS told FROM events
      WHERE type = 'registry.SchoolClosed.v1') AS closed
WHERE school_code = closed.told ->> 'school_code';
""",
    ),
    (
        "registry-0005-merged-schools",
        # stands_for: since a mass change merged it, whoever names the school means this one.
        "ALTER TABLE known_schools ADD COLUMN stands_for text",
    ),
    (
        "registry-0007-one-successor",
        """
-- A merger is a closing with a successor, whoever tells of it; those that mass changes told are read from their events.
UPDATE known_schools SET closed_on = coalesce(closed_on, told.effective_on), merged_into = stands_for
FROM (SELECT convert_from(data, 'UTF8')::jsonb ->> 'school_code' AS code, max(effective_on) AS effective_on
      FROM events WHERE type = 'registry.SchoolClosed.v1' GROUP BY 1) AS told
WHERE stands_for IS NOT NULL AND school_code = told.code;
ALTER TABLE known_schools DROP COLUMN stands_for;
""",
    ),
)

Raw = psycopg.Connection[Any]


class Rejected(NamedTuple):
    """A row that came back: its number, the cells under their headers, and why (zh, en)."""

    row: int
    cells: dict[str, str]
    zh: str
    en: str


def schools(raw: Raw, on: date) -> Schools:
    """Every school on record, for what is stated of the day ``on``."""
    rows = raw.execute(
        "SELECT school_code, name, division_code, former_names, closed_on, merged_into FROM known_schools"
        " ORDER BY school_code"
    ).fetchall()
    return schools_of([KnownSchool(*row) for row in rows], on)


def divisions(raw: Raw) -> dict[str, str]:
    """School → its division."""
    return dict(raw.execute("SELECT school_code, division_code FROM known_schools").fetchall())


def check_open(raw: Raw, school_codes: Collection[str], on: date) -> None:
    """Raises SchoolHasClosed when one of these schools is no more on that day."""
    found = raw.execute(
        "SELECT 1 FROM known_schools WHERE school_code = ANY(%s) AND closed_on <= %s LIMIT 1", (list(school_codes), on)
    ).fetchone()
    if found is not None:
        known = schools(raw, on)
        for code in sorted(school_codes):
            known.check_open(code, on)


def keep_closed(raw: Raw, school_code: str, closed: ClosedSchool | None) -> None:
    """Note that a school on record has closed, or (None) that it has not after all."""
    raw.execute(
        "UPDATE known_schools SET closed_on = %s, merged_into = %s WHERE school_code = %s",
        (closed and closed.on, closed and closed.merged_into, school_code),
    )


def keep_schools(raw: Raw, records: Iterable[SchoolRecord]) -> None:
    """Note schools as just recorded."""
    with raw.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO known_schools (school_code, name, division_code, former_names) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (school_code) DO UPDATE SET name = excluded.name, division_code = excluded.division_code,"
            " former_names = excluded.former_names",
            [(each.school_code, each.name, each.division_code, list(each.former_names)) for each in records],
        )


def keep_standing(
    raw: Raw, parts: Mapping[UUID, str], *, agency: str, list_name: str, standing: bool, submission_id: UUID | None
) -> None:
    """Note that these entries (with the part each belongs to) stand on their list, or have left it. Who is stated again
    is held for removal no more."""
    if not parts:
        return
    ids = sorted(parts)
    raw.execute(
        "INSERT INTO standing_entries (entry_id, agency, list, part, standing, changed_by, brought_by)"
        " SELECT entry_id, %s, %s, part, %s, %s, %s FROM unnest(%s::uuid[], %s::text[]) AS stated(entry_id, part)"
        " ON CONFLICT (entry_id) DO UPDATE SET part = excluded.part, standing = excluded.standing,"
        " changed_by = excluded.changed_by, brought_by ="
        " CASE WHEN standing_entries.standing THEN standing_entries.brought_by ELSE excluded.brought_by END",
        (agency, list_name, standing, submission_id, submission_id, ids, [parts[entry_id] for entry_id in ids]),
    )
    if standing:
        raw.execute("DELETE FROM held_removals WHERE entry_id = ANY(%s)", (ids,))


def standing_on(raw: Raw, agency: str, list_name: str, part: str, submission_id: UUID) -> dict[UUID, bool]:
    """Who stands on this part of the list now, each with whether this submission brought it."""
    rows = raw.execute(
        "SELECT entry_id, brought_by IS NOT DISTINCT FROM %s FROM standing_entries"
        " WHERE agency = %s AND list = %s AND part = %s AND standing",
        (submission_id, agency, list_name, part),
        binary=True,
    )
    return dict(rows.fetchall())


def removed_by_part(raw: Raw, submission_id: UUID) -> dict[str, int]:
    """How many entries this submission took off each part of the list."""
    rows = raw.execute(
        "SELECT part, count(*) FROM standing_entries WHERE changed_by = %s AND NOT standing GROUP BY part",
        (submission_id,),
    )
    return dict(rows.fetchall())


def removed_by(raw: Raw, submission_id: UUID) -> int:
    """How many entries this submission took off the list."""
    return sum(removed_by_part(raw, submission_id).values())


class Stand(NamedTuple):
    """How an entry stands: who said so last, and who brought it on the list."""

    entry_id: UUID
    standing: bool
    changed_by: UUID | None
    brought_by: UUID | None


def put_back(raw: Raw, stands: Iterable[Stand]) -> None:
    """Note how entries stand after a submission was taken back."""
    with raw.cursor() as cursor:
        cursor.executemany(
            "UPDATE standing_entries SET standing = %s, changed_by = %s, brought_by = %s WHERE entry_id = %s",
            [(each.standing, each.changed_by, each.brought_by, each.entry_id) for each in stands],
        )


def listed(raw: Raw, entry_id: UUID) -> tuple[str, str] | None:
    """(agency, list) of an entry that stands or once stood on a list."""
    row = raw.execute("SELECT agency, list FROM standing_entries WHERE entry_id = %s", (entry_id,)).fetchone()
    return None if row is None else (row[0], row[1])


def part_of(raw: Raw, entry_ids: Collection[UUID]) -> dict[UUID, str]:
    """The part of the list each entry belongs to."""
    rows = raw.execute("SELECT entry_id, part FROM standing_entries WHERE entry_id = ANY(%s)", (list(entry_ids),))
    return dict(rows.fetchall())


def begin(raw: Raw, submission_id: UUID, effective_on: date, agency: str, list_name: str, mode: str) -> None:
    """Note that a submission began, and the day it is stated for."""
    raw.execute(
        "INSERT INTO begun_submissions (submission_id, effective_on, agency, list, mode) VALUES (%s, %s, %s, %s, %s)",
        (submission_id, effective_on, agency, list_name, mode),
    )


class Begun(NamedTuple):
    """A submission that began; ``receipt`` (JSON) is None while it is not complete."""

    agency: str
    list: str
    mode: str
    effective_on: date
    receipt: str | None


def begun_as(raw: Raw, submission_id: UUID) -> Begun | None:
    """What a submission that began is; None when it never did."""
    row = raw.execute(
        "SELECT agency, list, mode, effective_on, receipt FROM begun_submissions"
        " WHERE submission_id = %s AND agency IS NOT NULL",
        (submission_id,),
    ).fetchone()
    return None if row is None else Begun(*row)


def begun(raw: Raw, submission_id: UUID) -> tuple[date, str | None] | None:
    """The day of a submission that began, and its receipt (JSON) when it is complete; None when it never began."""
    row = raw.execute(
        "SELECT effective_on, receipt FROM begun_submissions WHERE submission_id = %s", (submission_id,)
    ).fetchone()
    return None if row is None else (row[0], row[1])


def keep_receipt(raw: Raw, submission_id: UUID, receipt: str) -> None:
    """Keep the receipt of a complete submission as it is given; it holds nothing personal."""
    raw.execute(
        "UPDATE begun_submissions SET receipt = %s, received_at = now() WHERE submission_id = %s",
        (receipt, submission_id),
    )


def withdrawn(raw: Raw, submission_id: UUID) -> bool:
    """Whether a submission that began was withdrawn."""
    row = raw.execute("SELECT withdrawn FROM begun_submissions WHERE submission_id = %s", (submission_id,)).fetchone()
    return row is not None and bool(row[0])


def keep_withdrawn(raw: Raw, submission_id: UUID) -> None:
    """A submission that was withdrawn does not count as the last one of its list."""
    raw.execute("UPDATE begun_submissions SET withdrawn = true WHERE submission_id = %s", (submission_id,))


def hold(raw: Raw, submission_id: UUID, entry_ids: Iterable[UUID]) -> None:
    """Keep the removals of a held snapshot until a person confirms them."""
    raw.execute("DELETE FROM held_removals WHERE submission_id = %s", (submission_id,))
    raw.execute(
        "INSERT INTO held_removals SELECT %s, entry_id FROM unnest(%s::uuid[]) AS entry_id ON CONFLICT DO NOTHING",
        (submission_id, list(entry_ids)),
    )


def held(raw: Raw, submission_id: UUID) -> list[UUID]:
    """The removals of a held snapshot."""
    rows = raw.execute(
        "SELECT entry_id FROM held_removals WHERE submission_id = %s ORDER BY entry_id", (submission_id,)
    )
    return [row[0] for row in rows]


def release(raw: Raw, submission_id: UUID) -> None:
    """Forget the removals of a snapshot that was confirmed."""
    raw.execute("DELETE FROM held_removals WHERE submission_id = %s", (submission_id,))


def keep_rejected(raw: Raw, keyring: KeyRing, submission_id: UUID, rows: Iterable[Rejected]) -> None:
    """Keep the rows that came back, sealed; keeping them again changes nothing."""
    key = keyring.keys([submission_id], create=True)[submission_id]
    sealed = []
    for row in rows:
        nonce = os.urandom(NONCE_BYTES)
        text = msgspec.json.encode(row)
        sealed.append(
            (submission_id, row.row, nonce + AESGCM(key).encrypt(nonce, text, rejected_bound(submission_id, row.row)))
        )
    with raw.cursor() as cursor:
        cursor.executemany("INSERT INTO rejected_rows VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", sealed)


def rejected(raw: Raw, keyring: KeyRing, submission_id: UUID) -> list[Rejected]:
    """The rows that came back, in file order; none after the submission's key was erased."""
    key = keyring.keys([submission_id]).get(submission_id)
    rows = raw.execute("SELECT row, sealed FROM rejected_rows WHERE submission_id = %s ORDER BY row", (submission_id,))
    if key is None:
        return []
    opened = []
    for row, sealed in rows:
        box = bytes(sealed)
        text = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], rejected_bound(submission_id, row))
        opened.append(msgspec.json.decode(text, type=Rejected))
    return opened


def rejected_bound(submission_id: UUID, row: int) -> bytes:
    """What binds a returned row to its place."""
    return submission_id.bytes + row.to_bytes(4, "big")
