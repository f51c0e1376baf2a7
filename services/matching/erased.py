"""What was decided about erased people stays: there is nothing left to decide it anew by.

A row whose particulars are gone is not looked at again while it stands on its list; a student whose particulars are
gone keeps the covers she has, while the row that gives them stands. Read from the tables of the roster, which the
search path shows. A row or student without a name is an erased one: a stated row has at least an empty one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import psycopg

from services.matching.events import MemberCovered
from shared.database.arrays import UuidArray
from shared.messaging.erasing import Erasure

_ROWS = "SELECT entity FROM entries WHERE entity = ANY(%s) AND valid_to = 'infinity' AND standing"
_STUDENTS = "SELECT entity FROM students WHERE entity = ANY(%s) AND valid_to = 'infinity' AND name IS NULL"
Raw = psycopg.Connection[Any]


def erased_rows(raw: Raw, entries: Collection[UUID]) -> frozenset[UUID]:
    """Those of these rows that stand on their list and name nobody any more."""
    rows = raw.execute(_ROWS + " AND name IS NULL", (UuidArray(entries),), binary=True)
    return frozenset(row[0] for row in rows)


def kept_covers(raw: Raw, standing: Iterable[tuple[UUID, MemberCovered]]) -> dict[UUID, list[MemberCovered]]:
    """Of these covers by row, those of erased students by rows that still stand."""
    covers = list(standing)
    if not covers:
        return {}
    erased = {row[0] for row in raw.execute(_STUDENTS, (UuidArray({each.student_id for _, each in covers}),))}
    kept: dict[UUID, list[MemberCovered]] = {}
    if erased:
        stand = {row[0] for row in raw.execute(_ROWS, (UuidArray({entry for entry, _ in covers}),))}
        for entry, cover in covers:
            if entry in stand and cover.student_id in erased:
                kept.setdefault(entry, []).append(cover)
    return kept


def forget(raw: Raw, erasure: Erasure) -> None:
    """Work that waits names the keys of whom it touched; hers are gone, and her rows stay as they are decided."""
    raw.execute(
        "UPDATE public.matching_work SET numbers = '{}', keys = '{}' WHERE entity = ANY(%s)",
        (list({erasure.student_id, *erasure.streams}),),
    )
