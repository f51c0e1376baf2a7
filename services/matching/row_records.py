"""Records from columns of STUDENTS and ENTRIES, the same for the fold that stores block keys and for the decider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.matching.names import adult_name, comparable
from services.matching.outcome import StudentId
from services.matching.records import EntryRecord, StudentRecord
from services.matching.written_numbers import adult_number, written_number
from shared.standards.cell_text import number_text


def student_of(student_id: StudentId, row: Mapping[str, Any]) -> StudentRecord:
    """The student in columns of STUDENTS; columns that are missing say nothing."""
    former, guardian, number = row["former_name"], row["guardian_name"], row["student_number"]
    return StudentRecord(
        student_id,
        name=comparable(row["name"] or ""),
        id_number=row["id_number"],
        birth_date=row["birth_date"],
        school_key=row.get("school_code") or "",
        guardian_name=adult_name(guardian) if guardian else "",
        guardian_id=adult_number(row["guardian_number"] or ""),
        former_name=comparable(former) if former else "",
        sex=row["sex"],
        grade=row.get("grade") or "",
        class_name=row.get("class_name") or "",
        student_number=number_text(number) if number else "",
    )


def entry_of(row: Mapping[str, Any], stands_for_household: bool) -> EntryRecord:
    """The list row in columns of ENTRIES."""
    return EntryRecord(
        name=comparable(row["name"] or ""),
        id_number=row["id_number"],
        number_problem=row["number_problem"],
        number_contradicted=bool(row["number_contradicted"]),
        id_text=written_number(row["id_text"] or ""),
        birth_date=row["birth_date"],
        suggested_birth_date=row["suggested_birth_date"],
        school_key=row["listed_school_code"] or "",
        school_elsewhere=bool(row["school_elsewhere"]),
        guardian_name=adult_name(row["guardian_name"] or ""),
        stands_for_household=stands_for_household,
        sex=row["sex"],
        grade=row["grade"] or "",
        guardian_id=adult_number(row["guardian_number"] or ""),
        head_name=adult_name(row["head_name"] or ""),
        division_code=row["residence_code"] or "",
        household_key=row["household_key"],
        former_name=comparable(row["former_name"] or ""),
        list_name=row["list"] or "",
        birth_date_contradicted=bool(row["birth_date_contradicted"]),
        covers_one=row["list"] == "civil" and row["coverage"] == "single",
    )
