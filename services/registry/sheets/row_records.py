"""From sheet rows to records: the school a row means, schools themselves, and the rows that go back to the sender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from services.registry.commands import SchoolRecord
from services.registry.errors import SchoolHasClosed
from services.registry.lists.known_schools import Schools
from services.registry.lists.receipts import Tally, reasons_en, reasons_zh
from services.registry.lists.standing import Rejected
from services.registry.sheets.intake import STAGES, StudentPlace, fatal_problems
from services.registry.sheets.lists import RegisterRow, RowProblem
from services.registry.sheets.school_sheets import school_rows
from services.registry.sheets.sheet_files import InputFile, original_rows
from shared.standards import division

_SCHOOL_TITLES = (("school_code", "学校标识码"), ("name", "学校名称"), ("division_code", "行政区划代码"))


def open_place(place: StudentPlace, schools: Schools, on: date) -> list[RowProblem]:
    """Why nobody can be stated to be at this school on that day: it has closed."""
    try:
        schools.check_open(place.school_code, on)
    except SchoolHasClosed as closed:
        return [RowProblem("school", "school_closed", closed.zh, closed.en)]
    return []


def placed(row: RegisterRow, schools: Schools) -> tuple[list[RowProblem], StudentPlace | None]:
    """Why a row of the register cannot be recorded, or the school it means."""
    problems = fatal_problems(row)
    found = schools.directory.find(row.school, row.school_code)
    if found is not None and found.key is not None:
        return problems, StudentPlace(found.key, schools.divisions[found.key])
    nearest = "、".join(found.nearest) if found is not None else ""
    zh = f"学校“{row.school or row.school_code}”不在学校名录中" + (f",相近的有:{nearest}" if nearest else "")
    en = f"The school is not in the directory{f'; nearest: {nearest}' if nearest else ''}."
    return [*problems, RowProblem("school", "school_unknown", zh, en)], None


def read_schools(path: Path) -> tuple[list[SchoolRecord], Tally, list[Rejected]]:
    """The schools of a sheet, and the rows that cannot be taken. Raises a TabularError."""
    records: list[SchoolRecord] = []
    tally, wrong = Tally(), []
    seen: dict[str, int] = {}
    for row, fields in school_rows(path):
        tally.rows += 1
        problems = [
            RowProblem(field, "empty", f"缺少{label}", f"The {field} is missing.")
            for field, label in _SCHOOL_TITLES
            if not fields[field]
        ]
        place = _place(fields["division_code"])
        if fields["division_code"] and place is None:
            zh, en = division.DivisionCodeError.message_zh, division.DivisionCodeError.message_en
            problems.append(RowProblem("division_code", "division_code", zh, en))
        if fields["school_code"] in seen:
            first = seen[fields["school_code"]]
            problems.append(
                RowProblem("school_code", "duplicate", f"与第{first}行学校标识码相同", f"Same as row {first}.")
            )
        tally.note(row, problems)
        if problems or place is None:
            tally.rejected += 1
            cells = {title: fields[field] for field, title in _SCHOOL_TITLES}
            wrong.append(Rejected(row, cells, reasons_zh(problems), reasons_en(problems)))
            continue
        seen[fields["school_code"]] = row
        stages = tuple(STAGES[word] for word in fields["stages"].split("、") if word in STAGES)
        former = tuple(filter(None, fields["former_names"].split("、")))
        records.append(SchoolRecord(fields["school_code"], fields["name"], place, former, stages))
    return records, tally, wrong


def same_student(first: int) -> RowProblem:
    """Why a second row of one student in one file is not taken: the two would move her to and fro at every sending."""
    zh, en = f"与第{first}行是同一名学生,只采用第{first}行", f"The same student as in row {first}, which is taken."
    return RowProblem("row", "duplicate", zh, en)


def _place(code: str) -> str | None:
    try:
        return division.scope(code)
    except division.DivisionCodeError:
        return None


def sent_back(files: Sequence[InputFile], reasons: Mapping[int, Sequence[RowProblem]]) -> list[Rejected]:
    """The rows with these numbers as their sender wrote them, each with why it came back."""
    rows = original_rows(files, reasons)
    return [
        Rejected(row, rows.get(row, {}), reasons_zh(problems), reasons_en(problems))
        for row, problems in reasons.items()
    ]
