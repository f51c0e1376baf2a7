"""One student that comes by herself: by HTTP, or typed from paper; read like a row of the register."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.registry.commands import StudentRecord
from services.registry.errors import InvalidRecord, UnknownSchool
from services.registry.handlers import covers
from services.registry.lists.known_schools import Schools
from services.registry.sheets.intake import student_record
from services.registry.sheets.lists import register_row
from services.registry.sheets.offers import unknown_school
from services.registry.sheets.row_records import placed
from shared.database.scopes import Scope
from shared.kernel.refusals import Forbidden


def single_student(
    cells: Mapping[str, Any], schools: Schools, scope: Scope, as_of: date, enrolled_on: date | None
) -> StudentRecord:
    """The record of these cells by canonical field, stated for ``as_of``. Raises UnknownSchool, SchoolHasClosed,
    InvalidRecord; Forbidden for another school's pupil."""
    row = register_row(1, cells)
    problems, place = placed(row, schools)
    if place is None:
        raise _no_school(row.school, row.school_code, schools)
    if problems:
        raise InvalidRecord([(each.field, each.code, each.zh, each.en) for each in problems])
    if not covers(scope, place.division_code, place.school_code):
        raise Forbidden("只能登记本校学生", "A school enrols at itself only", school_code=place.school_code)
    schools.check_open(place.school_code, as_of)
    return student_record(row, place, enrolled_on)


def _no_school(name: str, code: str, schools: Schools) -> UnknownSchool | InvalidRecord:
    if not name and not code:
        return InvalidRecord([("school", "empty", "缺少学校", "The school is missing.")])
    return unknown_school(schools, name, code)
