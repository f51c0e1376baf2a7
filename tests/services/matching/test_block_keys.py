"""A row and a student are looked at together when they share a key: what each slip leaves of the keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.matching.block_keys import entry_keys, student_keys
from services.matching.records import EntryRecord, student_record
from tests.support.people import identity_number

BORN = date(2014, 3, 4)
NUMBER = identity_number("469080", BORN, 3)
CHILD = student_record(1, name="李华波", id_number=NUMBER, birth_date=BORN, school_key="S1", guardian_name="李强")
ROW = EntryRecord("李华波", school_key="S1")


def meet(row: EntryRecord) -> bool:
    return not entry_keys(row).isdisjoint(student_keys(CHILD))


@pytest.mark.parametrize("name", ["里华波", "李化波", "李华泼", "李晓波", "李■波", "李子", "李"])
def test_a_row_with_nothing_but_a_spoilt_name_is_met_in_its_school(name: str) -> None:
    assert meet(replace(ROW, name=name))


def test_a_name_of_another_family_in_the_school_is_not_met() -> None:
    assert not meet(replace(ROW, name="王晓波"))


def test_a_row_that_tells_number_or_birth_date_looks_at_nobody_for_the_family_name() -> None:
    other = identity_number("469080", date(2011, 7, 8), 5)
    assert not meet(replace(ROW, name="李晓波", id_number=other))
    assert not meet(replace(ROW, name="李晓波", birth_date=date(2011, 7, 8)))
