"""How a case is decided: its cells go the way of ``./rollcall match``, from the header of the sheet to the outcome.

Rulings and students who have left are beyond a file; with them the records of the same cells go to the ladder directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from cli.match_engine import entry_records, match, student_of
from services.matching.candidates import HouseholdMember, ListIndex, StudentIndex
from services.matching.events import RowRuled
from services.matching.ladder import DEFAULT_RULES, decide
from services.matching.outcome import Outcome, StudentId
from services.matching.records import EntryRecord, StudentRecord
from services.matching.rulings import decide_ruled, entry_evidence, evolve, in_force, student_evidence
from services.matching.streams import Streams
from services.registry.sheets.columns import LIST_COLUMNS, REGISTER_COLUMNS
from services.registry.sheets.lists import ListRow, RegisterRow
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import REGISTER, InputFile, InputSheet, read_list, read_register
from shared.tabular.book import Book
from shared.tabular.rows import find_table
from tests.services.matching.cases.form import Case, Cells, ListName, Papers, Row
from tests.shared.tabular.workbooks import RowsSheet

ENTRY = UUID(int=0)
DIGEST = Streams(b"key of the cases").digest


def decided(case: Case) -> Outcome:
    """The outcome of the case's row; students are named by their row of the register, from 1."""
    if case.ruled or case.gone or case.household:
        return _beyond_files(case)
    lists = _by_list((*case.above, case.row))
    files = {kind: [_file(kind, rows)] for kind, rows in lists.items()}
    result = match([_file(REGISTER, case.register)], files, case.as_of, lambda _: None)
    assert {kind: len(found) for kind, found in result.decided.items()} == {
        kind: len(rows) for kind, rows in lists.items()
    }, "a row of the case is not read as data"
    return result.decided[case.row.list][-1].outcome


def read(papers: Papers, above: Sequence[Row] = ()) -> tuple[list[StudentRecord], dict[ListName, list[ListRow]]]:
    """The students, and the rows of every list; ``papers.row`` is the last of its own."""
    schools = SchoolDirectory()
    students = [student for _, student in read_pupils(papers, schools)]
    lists = _by_list((*above, papers.row))
    return students, {kind: list(read_list(kind, [_file(kind, rows)], schools)) for kind, rows in lists.items()}


def read_pupils(papers: Papers, schools: SchoolDirectory | None = None) -> list[tuple[RegisterRow, StudentRecord]]:
    """Every row of the register with the student the ladder sees; their schools are noted."""
    noted = SchoolDirectory() if schools is None else schools
    return [
        (row, replace(student_of(row, noted), student_id=UUID(int=row.row)))
        for row in read_register([_file(REGISTER, papers.register)])
    ]


def _by_list(rows: Sequence[Row]) -> dict[ListName, list[Cells]]:
    lists: dict[ListName, list[Cells]] = {}
    for row in rows:
        lists.setdefault(row.list, []).append(row.cells)
    return lists


def _file(kind: str, rows: Sequence[Cells]) -> InputFile:
    """A file of one sheet: these rows below one header."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    source = RowsSheet("名单", [list(header), *([row.get(name, "") for name in header] for row in rows)])
    table = find_table(source, REGISTER_COLUMNS if kind == REGISTER else LIST_COLUMNS)
    assert table is not None, f"{header} is no header"
    return InputFile(kind, Book(Path(f"{kind}.xlsx"), [source]), [InputSheet(source, table)])


def _entries(papers: Papers, above: Sequence[Row]) -> tuple[list[StudentRecord], list[EntryRecord], EntryRecord]:
    """The students, the records of all list rows, and the one that is decided."""
    students, lists = read(papers, above)
    entries = {kind: entry_records(rows) for kind, rows in lists.items()}
    return students, [entry for kind in entries for entry in entries[kind]], entries[papers.row.list][-1]


def _beyond_files(case: Case) -> Outcome:
    students, everything, entry = _entries(case.papers, case.above)
    index = StudentIndex.of(students, frozenset(UUID(int=row) for row in case.gone))
    candidates = index.candidates(entry, ListIndex.of(everything).listed(entry))
    candidates.same_household = tuple(HouseholdMember(adult, students[row - 1]) for adult, row in case.household)

    def ladder(apart: frozenset[StudentId]) -> Outcome:
        return decide(entry, candidates.without(apart), DEFAULT_RULES, case.as_of)

    outcome = ladder(frozenset())
    if case.ruled:
        force = in_force(evolve(_rulings(case)).rulings)
        outcome = decide_ruled(force, entry_evidence(DIGEST, entry), _evidence(students), ladder)
    return _by_row(outcome)


def _rulings(case: Case) -> list[RowRuled]:
    """The clerks' rulings, pinned to what they saw."""
    students, _, entry = _entries(case.saw or case.papers, case.above)
    evidence = _evidence(students)
    return [
        RowRuled(
            entry_id=ENTRY,
            verdict=said.verdict,
            students=(ruled := tuple(UUID(int=row) for row in said.students)),
            row_evidence=entry_evidence(DIGEST, entry),
            evidence=tuple(evidence[student] for student in ruled),
            ruled_by="clerk",
        )
        for said in case.ruled
    ]


def _evidence(students: Sequence[StudentRecord]) -> Mapping[UUID, str]:
    return {UUID(int=row): student_evidence(DIGEST, student) for row, student in enumerate(students, 1)}


def _by_row(outcome: Outcome) -> Outcome:
    def row(student: StudentId) -> int:
        assert isinstance(student, UUID)
        return student.int

    student = None if outcome.student is None else row(outcome.student)
    return replace(outcome, student=student, candidates=tuple(map(row, outcome.candidates)))
