"""A row of a list or of the register, read into typed fields with every problem found at once.

Nothing is refused here: each row becomes a ListRow or RegisterRow, and its `problems` say in words a clerk can act on
what is missing or wrong. What follows from that is decided by matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import msgspec

from services.registry.sheets import cells, identity_cells
from services.registry.sheets.identity_cells import NO_NUMBER, NumberFound
from services.registry.sheets.schools import SchoolDirectory
from shared.standards import disability, identity_number
from shared.tabular import dates
from shared.tabular.dates import DatePeriod
from shared.tabular.sheets import Cell

ListName = Literal["poverty", "civil", "disability"]
LIST_NAMES: tuple[ListName, ...] = ("poverty", "civil", "disability")

NEVER_SAME_AS_ABOVE = frozenset(("name", "id_number", "certificate_number", "student_number", "person_number"))


class RowProblem(msgspec.Struct, frozen=True):
    """One thing wrong with one field. `code` is stable; `zh` and `en` hold no part of a number."""

    field: str
    code: str
    zh: str
    en: str


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """One data row of an agency's list. Empty text and None mean that the row does not say.

    `id_number` is valid (18 characters) or None, then `number_problem` tells why. `valid_from` and `valid_to` are the
    half-open period of validity. `school_key` is the key in the school directory; `school_elsewhere` is True when the
    row names a school that is none of ours. `suggested_birth_date` comes from an unusable number. `head_only`: the row
    names nobody but the head of a household.
    """

    list: ListName
    row: int
    name: str
    id_number: str | None = None
    number_problem: str | None = None
    number_contradicted: bool = False
    id_text: str = ""
    sex: str | None = None
    birth_date: date | None = None
    suggested_birth_date: date | None = None
    former_name: str = ""
    id_kind: str = ""
    person_number: str = ""
    student_number: str = ""
    school: str = ""
    school_code: str = ""
    school_key: str | None = None
    school_elsewhere: bool = False
    stage: str = ""
    grade: str = ""
    class_name: str = ""
    guardian_name: str = ""
    guardian_id: str = ""
    phone: str = ""
    household_number: str = ""
    allowance_number: str = ""
    head_name: str = ""
    head_id: str = ""
    relation: str = ""
    division_code: str = ""
    address: str = ""
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    certificate_number: str = ""
    disability_kind: int | None = None
    disability_grade: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    lifted_on: date | None = None
    cause: str = ""
    orphan: bool | None = None
    schooling_state: str = ""
    left_behind: str = ""
    boarder: str = ""
    placement: str = ""
    head_only: bool = False
    problems: tuple[RowProblem, ...] = ()


class RegisterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One data row of the school register, in the same conventions as ListRow."""

    row: int
    name: str
    id_number: str | None = None
    number_problem: str | None = None
    number_contradicted: bool = False
    id_text: str = ""
    sex: str | None = None
    birth_date: date | None = None
    suggested_birth_date: date | None = None
    former_name: str = ""
    id_kind: str = ""
    student_number: str = ""
    school: str = ""
    school_code: str = ""
    stage: str = ""
    grade: str = ""
    class_name: str = ""
    guardian_name: str = ""
    guardian_id: str = ""
    phone: str = ""
    address: str = ""
    boarder: str = ""
    left_behind: str = ""
    placement: str = ""
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class ListContext:
    """What the sheet says about all its rows, in its title or name: 农村低保花名册 has no column for either word."""

    support_type: str | None = None
    area_type: str | None = None

    @classmethod
    def of_title(cls, title: str) -> ListContext:
        """A title that names both kinds, or both areas, settles neither."""
        plain = title.replace("乡村振兴", "")
        return cls(cells.only_support_type(plain), cells.only_area_type(plain))


class Ditto:
    """Resolves 同上 from the row before, column by column; one instance per sheet."""

    def __init__(self) -> None:
        self._last: dict[str, Cell] = {}

    def resolve(self, fields: dict[str, Cell]) -> dict[str, Cell]:
        """The same mapping with every 同上 replaced (empty when there is no row above)."""
        for field in [field for field, cell in fields.items() if cell in cells.SAME_AS_ABOVE]:
            if field not in NEVER_SAME_AS_ABOVE:
                fields[field] = self._last.get(field, "")
        self._last = fields
        return fields

    def pass_over(self, fields: dict[str, Cell]) -> None:
        """A row without any 同上 came by."""
        self._last = fields


def list_row(
    kind: ListName,
    row: int,
    fields: Mapping[str, Cell],
    context: ListContext | None = None,
    schools: SchoolDirectory | None = None,
) -> ListRow:
    """Read one data row. `fields` are cells by canonical name (columns.py), 同上 already resolved; `row` from 1."""
    problems: list[RowProblem] = []
    number = _list_number(fields)
    name = cells.text(fields.get("name"))
    head_only = not name and number == NO_NUMBER and _names_head_only(kind, fields)
    if not head_only:
        _note_missing(name, number, problems)
    values: dict[str, Any] = _plain_texts(fields, LIST_TEXTS)
    values.update(_person(fields, number, problems))
    values.update(support_of(kind, fields, context or ListContext(), problems))
    values.update(validity_of(fields, problems))
    if schools is not None:
        values.update(school_of(values["school"], values["school_code"], schools, problems))
    return ListRow(list=kind, row=row, name=name, head_only=head_only, problems=tuple(problems), **values)


def register_row(row: int, fields: Mapping[str, Cell]) -> RegisterRow:
    """Read one data row of the register; a G student number completes a missing identity number."""
    problems: list[RowProblem] = []
    id_cell = fields.get("id_number", "")
    number = identity_cells.from_cell(id_cell, cells.text(fields.get("id_kind")))
    number = identity_cells.with_student_number(number, fields.get("student_number"))
    name = cells.text(fields.get("name"))
    _note_missing(name, number, problems)
    values: dict[str, Any] = _plain_texts(fields, _REGISTER_TEXTS)
    values.update(_person(fields, number, problems))
    return RegisterRow(row=row, name=name, problems=tuple(problems), **values)


_BOTH_TEXTS = (
    *(("former_name", "former_name"), ("id_kind", "id_kind"), ("student_number", "student_number")),
    *(("school", "school"), ("school_code", "school_code"), ("stage", "stage"), ("grade", "grade")),
    *(("class_name", "class"), ("guardian_name", "guardian_name"), ("guardian_id", "guardian_id"), ("phone", "phone")),
    *(("address", "address"), ("boarder", "boarder"), ("left_behind", "left_behind"), ("placement", "placement")),
)
_REGISTER_TEXTS = _BOTH_TEXTS
_ADULT_NUMBERS = frozenset(("guardian_id", "head_id"))
LIST_TEXTS = (
    *_BOTH_TEXTS,
    *(("person_number", "person_number"), ("household_number", "household_number"), ("head_name", "head_name")),
    *(("allowance_number", "allowance_number"), ("head_id", "head_id"), ("relation", "relation"), ("cause", "cause")),
    *(("division_code", "division_code"), ("certificate_number", "certificate_number")),
    ("schooling_state", "schooling_state"),
)


def _names_head_only(kind: ListName, fields: Mapping[str, Cell]) -> bool:
    """Civil affairs list heads; elsewhere a row beside a filled head column that names no member is just unusable."""
    return bool(fields.get("head_name") or fields.get("head_id")) and (kind == "civil" or "name" not in fields)


def _plain_texts(fields: Mapping[str, Cell], names: tuple[tuple[str, str], ...]) -> dict[str, str]:
    values = {"school": "", "school_code": ""}
    get = fields.get
    for target, source in names:
        if cell := get(source):
            values[target] = cell if isinstance(cell, str) and cell.isalnum() else _text(target, cell)
    return values


def _text(field: str, cell: Cell) -> str:
    return cells.shown(cell) if field in _ADULT_NUMBERS else cells.text(cell)


def _list_number(fields: Mapping[str, Cell]) -> NumberFound:
    number = identity_cells.from_cell(fields.get("id_number", ""), cells.text(fields.get("id_kind")))
    if certificate := fields.get("certificate_number"):
        number = identity_cells.with_certificate(number, certificate)
    if given := fields.get("student_number"):
        number = identity_cells.with_student_number(number, given)
    return number


def _note_missing(name: str, number: NumberFound, problems: list[RowProblem]) -> None:
    if not name:
        problems.append(RowProblem("name", "name_missing", "姓名为空", "The name is empty."))
    if number.contradicted:
        problems.append(
            RowProblem(
                "id_number",
                "contradicted",
                "身份证号与本行的残疾人证号或学籍号不是同一人",
                "The identity number belongs to another person than the row's certificate or student number.",
            )
        )
    if number.number is None:
        code = number.problem or "empty"
        if code == "other_document":
            zh, en = "证件不是居民身份证,无法按身份证号匹配", "The document is not an identity card."
        else:
            zh, en = identity_number.MESSAGES[code]
        problems.append(RowProblem("id_number", code, zh, en))


def _person(fields: Mapping[str, Cell], number: NumberFound, problems: list[RowProblem]) -> dict[str, Any]:
    sex = cells.sex(cells.text(fields.get("sex")))
    stated = period_of(fields, "birth_date", problems)
    birth_date = stated.first if stated is not None and stated.is_day else None
    if number.number is not None:
        if birth_date is not None and birth_date != number.birth_date:
            zh, en = "出生日期与身份证号不一致", "The birth date differs from the one in the identity number."
            problems.append(RowProblem("birth_date", "birth_date_differs", zh, en))
        birth_date = number.birth_date
    return {
        "id_number": number.number,
        "number_problem": number.problem,
        "number_contradicted": number.contradicted,
        "id_text": "" if number.number else _id_text(fields),
        "sex": sex,
        "birth_date": birth_date,
        "suggested_birth_date": number.suggested_birth_date,
    }


def _id_text(fields: Mapping[str, Cell]) -> str:
    cell = fields.get("id_number") or fields.get("certificate_number")
    return identity_cells.number_part(cells.shown(cell))


def support_of(
    kind: ListName, fields: Mapping[str, Cell], context: ListContext, problems: list[RowProblem]
) -> dict[str, Any]:
    """What the agency grants, as fields of ListRow; what is wrong with it is added to `problems`."""
    values: dict[str, Any] = {"orphan": cells.yes_no(cells.text(fields.get("orphan")))}
    if kind == "poverty":
        stated = cells.text(fields.get("household_type"))
        values["household_type"] = cells.household_type(stated)
        if stated and values["household_type"] is None:
            problems.append(RowProblem("household_type", "unknown", "户类型无法识别", "The household type is unknown."))
    if kind == "civil":
        support, area = cells.text(fields.get("support_type")), cells.text(fields.get("area_type"))
        values["support_type"] = cells.support_type(support) or context.support_type
        values["area_type"] = cells.area_type(area) or cells.area_type(support) or context.area_type
        values["coverage"] = cells.coverage(cells.text(fields.get("coverage")))
        if values["support_type"] is None:
            zh, en = "救助类型无法识别(应为低保或特困)", "The support type is neither 低保 nor 特困."
            problems.append(RowProblem("support_type", "unknown", zh, en))
    if kind == "disability":
        values.update(_disability(fields, problems))
    return values


def _disability(fields: Mapping[str, Cell], problems: list[RowProblem]) -> dict[str, Any]:
    kind = disability.kind_of(fields.get("disability_kind"))
    grade = disability.grade_of(fields.get("disability_grade"))
    certificate = fields.get("certificate_number") or fields.get("id_number")
    try:
        parsed = disability.parse(certificate)
    except disability.DisabilityCertificateError as error:
        if fields.get("certificate_number") and error.code != "length":  # an 18-digit number alone is common
            problems.append(RowProblem("certificate_number", error.code, error.message_zh, error.message_en))
    else:
        kind, grade = kind or parsed.kind, grade or parsed.grade
    return {"disability_kind": kind, "disability_grade": grade}


def validity_of(fields: Mapping[str, Cell], problems: list[RowProblem]) -> dict[str, Any]:
    """When the row holds, as fields of ListRow; what is wrong with it is added to `problems`."""
    begins = period_of(fields, "valid_from", problems)
    last = period_of(fields, "valid_to", problems)
    exited = period_of(fields, "exited_on", problems)
    lifted = period_of(fields, "lifted_on", problems)
    ends = [period for period in (last.after if last else None, exited.first if exited else None) if period]
    valid_from, valid_to = begins.first if begins else None, min(ends) if ends else None
    if valid_from and valid_to and valid_to <= valid_from:
        zh, en = "终止日期早于起始日期", "The validity ends before it begins."
        problems.append(RowProblem("valid_to", "ends_before_begin", zh, en))
    return {"valid_from": valid_from, "valid_to": valid_to, "lifted_on": lifted.first if lifted else None}


def period_of(fields: Mapping[str, Cell], field: str, problems: list[RowProblem]) -> DatePeriod | None:
    """What a cell of dates names, or None; what is wrong with it is added to `problems`."""
    cell = fields.get(field)
    if not cell:
        return None
    try:
        return dates.parse(cell)
    except dates.DateError as error:
        problems.append(RowProblem(field, error.code, error.message_zh, error.message_en))
        return None


def school_of(name: str, code: str, schools: SchoolDirectory, problems: list[RowProblem]) -> dict[str, Any]:
    """Which school is meant, as fields of ListRow; one that is none of ours is added to `problems`."""
    found = schools.find(name, code)
    if found is None or found.key is not None:
        return {"school_key": found.key if found else None}
    problems.append(
        RowProblem(
            "school",
            "school_unknown",
            f"学校不在本地学校名录中,相近的有:{'、'.join(found.nearest)}",
            f"The school is not in the directory; the nearest are: {', '.join(found.nearest)}.",
        )
    )
    return {"school_key": None, "school_elsewhere": found.elsewhere}
