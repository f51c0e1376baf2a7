"""The live service sees the people of the cases as ``./rollcall match`` does: the registry states a row as a fact,
matching folds the fact, and the record is the same. So what the cases show of files holds of what is pushed, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from cli.match_engine import entry_records
from services.matching.block_keys import entry_keys, person_keys
from services.matching.projections import entry_stated, person
from services.matching.records import EntryRecord
from services.matching.row_records import entry_of, student_of
from services.registry.keys import Keys
from services.registry.sheets.intake import StudentPlace, enrolment, fatal_problems, listing, student_record
from services.registry.sheets.lists import ListRow
from shared.eventsourcing.event import Event, Logged
from shared.eventsourcing.projection import Recorded
from shared.kernel.facts import Fact
from tests.services.matching.cases.every import CASES
from tests.services.matching.cases.running import read, read_pupils

KEYS = Keys(b"key of the cases")
DIVISION = "4690"
NOBODY = UUID(int=0)


def recorded(fact: Fact, stream: UUID) -> Recorded:
    """The fact as a fold is handed it."""
    event = Event(NOBODY, stream, 1, "", date(2026, 9, 1), "", NOBODY, None, None, b"")
    return Recorded(Logged("", 1, datetime(2026, 9, 1, tzinfo=UTC), b"", event), fact, None)


def live_entries(rows: Sequence[ListRow]) -> list[EntryRecord]:
    """The rows of one list as the decider reads them."""
    columns: list[dict[str, Any]] = []
    for row in rows:
        fact = listing(row, UUID(int=row.row), "agency", None, KEYS, DIVISION)
        (assertion,) = entry_stated(recorded(fact, UUID(int=row.row)))
        columns.append(dict(assertion.values))
    households = Counter(each["household_key"] for each in columns)
    entries = []
    for each in columns:
        alone = each["household_key"] is None or households[each["household_key"]] == 1
        entries.append(entry_of(each, each["stands_for_household"] and alone))
        assert set(each["block_keys"]) == entry_keys(entries[-1])
    return entries


def test_a_pushed_row_is_the_row_of_the_file() -> None:
    for case in CASES:
        _, lists = read(case.papers, case.above)
        for rows in lists.values():
            ours = [replace(each, household_key=None) for each in live_entries(rows)]
            assert ours == [replace(each, household_key=None) for each in entry_records(rows)], case.sentence


def test_an_enrolled_student_is_the_student_of_the_file() -> None:
    compared = 0
    for case in CASES:
        for row, of_file in read_pupils(case.papers):
            if fatal_problems(row):
                continue  # comes back to the school, for it would name another child
            record = student_record(row, StudentPlace(of_file.school_key, DIVISION))
            columns = person(enrolment(record, NOBODY, KEYS).personal)
            place = {"school_code": of_file.school_key, "grade": row.grade, "class_name": row.class_name}
            student = student_of(of_file.student_id, columns | place)
            assert student == replace(of_file, id_text=""), case.sentence
            assert set(columns["block_keys"]) == person_keys(student), case.sentence
            compared += 1
    assert compared > len(CASES)
