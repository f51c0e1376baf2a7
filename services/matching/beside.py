"""Rows that only share a name, a birth date or a school with a student who changed: most of them stay as they are, and
those of a common name are many, so that what cannot change is found before anything is read for deciding it.

A row linked by number and name (R1) stays: nobody else counts. A row that means nobody stays unless it means one of the
changed students: every rung that could then speak looks at each student by herself. Left out, and decided anew, are
rows for which a rung compares students: an unusable number that several may fit (R4), a name without number and birth
date (`only_name_agrees`), whatever a person has ruled on, and every row that stands as another link or as a review.

Asked under the locks of the rows, so that no other worker is about to take such a decision back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from services.matching.candidates import Candidates
from services.matching.index_rows import listed_rows, named_students, standing_decisions
from services.matching.ladder import Rules, decide
from services.matching.outcome import State
from services.matching.records import EntryRecord
from services.matching.ruled_rows import rulings_in_force

_NOBODY = frozenset((State.NOT_IN_REGISTER, State.REGISTERED_ELSEWHERE, State.OUT_OF_AGE, State.REJECTED))


def untouched(
    raw: psycopg.Connection[Any], entries: Collection[UUID], students: Collection[UUID], rules: Rules, today: date
) -> set[UUID]:
    """Those of the rows ``entries`` whose decision stays as it is, whatever these ``students`` have become. They share
    no number, guardian or household with any of the rows, and hide whom they hid before (work.py: a row that they no
    longer share a key with, or that they may have hidden somebody from, is none of ``entries``)."""
    if not entries:
        return set()
    standing = standing_decisions(raw, sorted(entries))
    stay = {entry for entry, each in standing.items() if each.by_number}
    nobody = sorted(entry for entry, each in standing.items() if each.state in _NOBODY)
    if not nobody:
        return stay
    ruled = rulings_in_force(raw, nobody)
    changed = tuple(named_students(raw, students)[1])
    for row in listed_rows(raw, nobody):
        entry_id, record = row.facts.entry_id, row.record
        if record is None or entry_id in ruled or not _one_by_one(record):
            continue
        if decide(record, Candidates(find_others=lambda: changed), rules, today).state in _NOBODY:
            stay.add(entry_id)
    return stay


def _one_by_one(record: EntryRecord) -> bool:
    """Whether each student alone tells if the row may mean her."""
    return record.id_number is not None or (not record.id_text and record.birth_date is not None)
