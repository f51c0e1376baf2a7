"""Rows of the register become student records: a row that is plainly right at once, every other cell by cell.

A row is plain when it is all text, its identity number is valid as it stands, and everything that could be wrong with
it for the register (numbers, name, sex, school) is as it should be. Then reading it cell by cell
(lists.py, intake.py) gives the same record, by way of a dozen more steps; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from services.registry.commands import StudentRecord
from services.registry.events import Sex, Stage
from services.registry.lists.known_schools import Schools
from services.registry.sheets import cells
from services.registry.sheets.intake import StudentPlace, boards, stage_of, stays_behind, student_record
from services.registry.sheets.lists import RegisterRow, RowProblem, register_row
from services.registry.sheets.row_records import open_place, placed
from services.registry.sheets.sheet_files import InputFile, sheets_numbered
from shared.standards.identity_number import plain_birth_date
from shared.tabular.sheets import Cell

_FIELDS = (
    *("name", "id_number", "student_number", "id_kind", "sex", "school", "school_code"),
    *("former_name", "guardian_name", "guardian_id", "phone", "address"),
    *("stage", "grade", "class", "boarder", "left_behind", "placement"),
)
_SEXES: dict[str, Sex | None] = {"": None, "男": "male", "女": "female"}


class ReadRow(NamedTuple):
    """A row of the register by its number: its record, or why it has none."""

    row: int
    record: StudentRecord | None
    problems: list[RowProblem]


class _Class(NamedTuple):
    """Where in the school: the same for a whole class, so it is found out once."""

    stage: Stage | None
    grade: str | None
    class_name: str | None
    boarder: bool | None
    left_behind: bool | None
    placement: str | None


class PlainRows:
    """Reads the plain rows of one sheet. ``columns``: the column of each field (columns.py); ``on``: the day the rows
    are stated for."""

    def __init__(self, columns: Mapping[str, int], schools: Schools, on: date) -> None:
        self._schools, self._on = schools, on
        self._width = max(columns.values()) + 1
        # A field without a column is read from an empty cell put behind the row.
        self._cells = itemgetter(*(columns.get(field, -1) for field in _FIELDS))
        self._places: dict[tuple[str, str], StudentPlace | None] = {}
        self._classes: dict[tuple[str, ...], _Class] = {}

    def record(self, row: list[Cell]) -> StudentRecord | None:
        """The record of a plain row; None for any other."""
        if len(row) < self._width or not cells.SAME_AS_ABOVE.isdisjoint(row):
            return None
        found: tuple[str, ...] = self._cells([*row, ""])
        try:
            "".join(found)
        except TypeError:
            return None  # a number or a date among the cells
        name, number, student_number, id_kind, sex, school, code, former, guardian, guardian_id, phone, address = found[
            :12
        ]
        birth_date, name = plain_birth_date(number), name if name.isalnum() else cells.text(name)
        if birth_date is None or not name or (student_number and student_number != f"G{number}"):
            return None
        place = self._place(school, code)
        if place is None or sex not in _SEXES:
            return None
        # Its own birth date is not looked at: the number's counts, and a difference does not keep a student out.
        told = found[12:]
        where = self._classes.get(told) or self._class(told)
        return StudentRecord(
            name=name,
            school_code=place.school_code,
            division_code=place.division_code,
            id_number=number,
            student_number=student_number or None,
            student_number_kind="G" if student_number else None,
            former_name=_said(former),
            id_kind=_said(id_kind),
            sex=_SEXES[sex],
            birth_date=birth_date,
            stage=where.stage,
            grade=where.grade,
            class_name=where.class_name,
            boarder=where.boarder,
            left_behind=where.left_behind,
            placement=where.placement,
            guardian_name=_said(guardian),
            guardian_id=_said(guardian_id),
            phone=_said(phone),
            address=_said(address),
        )

    def _place(self, school: str, code: str) -> StudentPlace | None:
        asked = school, code
        if asked not in self._places:
            found = self._schools.directory.find(cells.text(school), cells.text(code))
            key = found.key if found is not None else None
            place = None if key is None else StudentPlace(key, self._schools.divisions[key])
            closed = place is not None and open_place(place, self._schools, self._on)
            self._places[asked] = None if closed else place
        return self._places[asked]

    def _class(self, found: tuple[str, ...]) -> _Class:
        stage, grade, class_name, boarder, left_behind, placement = map(cells.text, found)
        read = _Class(
            stage_of(stage),
            grade or None,
            class_name or None,
            boards(boarder),
            stays_behind(left_behind),
            placement or None,
        )
        self._classes[found] = read
        return read


def _said(cell: str) -> str | None:
    return cell if cell.isalnum() else cells.text(cell) or None


def read_students(files: Sequence[InputFile], schools: Schools, on: date) -> Iterator[ReadRow]:
    """The rows of the register, numbered from 1 through all files and sheets; ``on``: the day they are stated for."""
    for sheet in sheets_numbered(files):
        if sheet.table is None:
            continue
        plain = PlainRows(sheet.table.header.columns, schools, on)
        for number, read in sheet.read(plain.record):
            if isinstance(read, StudentRecord):
                yield ReadRow(number, read, [])
            else:
                yield row_read(register_row(number, read), schools, on)


def row_read(row: RegisterRow, schools: Schools, on: date) -> ReadRow:
    """The record of any row, or why it has none."""
    problems, place = placed(row, schools)
    if place is not None:
        problems = [*problems, *open_place(place, schools, on)]
    record = None if problems or place is None else student_record(row, place)
    return ReadRow(row.row, record, problems)
