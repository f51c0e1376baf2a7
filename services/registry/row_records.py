"""From sheet rows to records: the school a row means, schools themselves, and the rows that go back to the sender."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.registry.commands import SchoolRecord
from services.registry.intake import STAGES, StudentPlace, fatal_problems
from services.registry.lists import ListRow, RegisterRow, RowProblem
from services.registry.receipts import Tally, reasons_en, reasons_zh
from services.registry.school_sheets import school_rows
from services.registry.standing import Rejected, Schools
from shared.standards import division


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


def read_schools(path: Path) -> tuple[list[SchoolRecord], Tally]:
    """The schools of a sheet. Raises a TabularError."""
    records, tally = [], Tally()
    for row, fields in school_rows(path):
        tally.rows += 1
        problems = [
            RowProblem(field, "empty", f"缺少{label}", f"The {field} is missing.")
            for field, label in (("school_code", "学校标识码"), ("name", "学校名称"), ("division_code", "行政区划代码"))
            if not fields[field]
        ]
        tally.note(row, problems)
        if problems:
            tally.rejected += 1
            continue
        stages = tuple(STAGES[word] for word in fields["stages"].split("、") if word in STAGES)
        former = tuple(filter(None, fields["former_names"].split("、")))
        place = division.scope(fields["division_code"])
        records.append(SchoolRecord(fields["school_code"], fields["name"], place, former, stages))
    return records, tally


def sent_back_row(row: ListRow | RegisterRow, problems: Sequence[RowProblem] | None = None) -> Rejected:
    reasons = row.problems if problems is None else problems
    cells = {"姓名": row.name, "身份证号": row.id_text or row.id_number or "", "学校": row.school, "年级": row.grade}
    if isinstance(row, ListRow):
        cells |= {"户主姓名": row.head_name, "户编号": row.household_number or row.allowance_number}
    return Rejected(row.row, cells, reasons_zh(reasons), reasons_en(reasons))
