"""From a row that was read to the fact it states: what may be recorded, under which id, sealed for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, cast
from uuid import UUID

from services.registry.commands import StudentRecord
from services.registry.events import EntryPersonal, ListEntryAdded, Sex, Stage, StudentEnrolled, StudentPersonal
from services.registry.keys import Keys, content_of, entry_record_key, household_number_of
from services.registry.lists.parts import row_part
from services.registry.sheets import cells
from services.registry.sheets.lists import ListRow, RegisterRow, RowProblem
from shared.standards import division, identity_number, student_number
from shared.standards.identity_number import IdentityNumberError
from shared.tabular.sheets import Cell

_STAGE_WORDS: dict[Stage, tuple[str, ...]] = {
    "preschool": ("学前", "学前教育", "幼儿园", "preschool"),
    "primary": ("小学", "primary"),
    "junior": ("初中", "初级中学", "junior"),
    "senior": ("高中", "普高", "普通高中", "senior"),
    "vocational": ("中职", "职高", "中等职业", "中等职业教育", "vocational"),
    "special": ("特教", "特殊教育", "special"),
}
STAGES: dict[str, Stage] = {word: stage for stage, words in _STAGE_WORDS.items() for word in words}
BOARDING = {"住校": True, "住宿": True, "寄宿": True, "走读": False}
LEFT_BEHIND = {
    "非留守儿童": False,
    "非": False,
    "单亲留守": True,
    "双亲留守": True,
    "单亲": True,
    "双亲": True,
    "2": True,
}

# Problems that leave a row of the register without a usable person; others are shown and taken in.
_FATAL_FIELDS = frozenset(("name", "school"))
_TOLERATED_NUMBERS = frozenset(("empty", "other_document"))


class StudentPlace(NamedTuple):
    """The school a row means."""

    school_code: str
    division_code: str


def fatal_problems(row: RegisterRow) -> list[RowProblem]:
    """Why a row of the register cannot be recorded: no name, or a number that is given but wrong. A child without any
    identity number is recorded (intake weeks, domain.md §12), one with a wrong number is not: it would name another."""
    found = [p for p in row.problems if p.field in _FATAL_FIELDS or p.code == "contradicted"]
    found += [p for p in row.problems if p.field == "id_number" and p.code not in _TOLERATED_NUMBERS | {"contradicted"}]
    if row.student_number and not _repeats_identity(row):
        try:
            student_number.parse(row.student_number)
        except student_number.StudentNumberError as error:
            if not (row.id_number is None and found):
                found.append(RowProblem("student_number", error.code, error.message_zh, error.message_en))
    return found


def unusable_number(told: Cell | None) -> list[RowProblem]:
    """Why what was told as the identity number cannot be one; in a row, the student number may have spoken for it."""
    try:
        identity_number.parse(told)
    except IdentityNumberError as error:
        if error.code not in _TOLERATED_NUMBERS:
            return [RowProblem("id_number", error.code, error.message_zh, error.message_en)]
    return []


def _repeats_identity(row: RegisterRow) -> bool:
    """Nearly every number is G and a valid identity number: nothing more to check, and the check is the costly part."""
    return row.id_number is not None and row.student_number == f"G{row.id_number}"


def student_record(row: RegisterRow, place: StudentPlace, enrolled_on: date | None = None) -> StudentRecord:
    """The record of a row without fatal problems, at the school found for it."""
    number = student_number.parse(row.student_number) if row.student_number and not _repeats_identity(row) else None
    return StudentRecord(
        name=row.name,
        school_code=place.school_code,
        division_code=place.division_code,
        id_number=row.id_number,
        student_number=number.text if number else row.student_number or None,
        student_number_kind=number.kind if number else "G" if row.student_number else None,
        former_name=row.former_name or None,
        id_kind=row.id_kind or None,
        sex=cast("Sex | None", row.sex),
        birth_date=row.birth_date,
        stage=stage_of(row.stage),
        grade=row.grade or None,
        class_name=row.class_name or None,
        boarder=boards(row.boarder),
        left_behind=stays_behind(row.left_behind),
        placement=row.placement or None,
        guardian_name=row.guardian_name or None,
        guardian_id=row.guardian_id or None,
        phone=row.phone or None,
        address=row.address or None,
        enrolled_on=enrolled_on,
    )


def stage_of(word: str) -> Stage | None:
    """The stage a cell names."""
    return STAGES.get(word)


def boards(word: str) -> bool | None:
    """Whether a cell says that a student boards."""
    return either(word, BOARDING)


def stays_behind(word: str) -> bool | None:
    """Whether a cell says that a child stays behind while the parents work elsewhere."""
    return either(word, LEFT_BEHIND)


def enrolment(record: StudentRecord, student_id: UUID, keys: Keys) -> StudentEnrolled:
    """The fact a record states."""
    personal = StudentPersonal(
        person_id=keys.person(record.id_number, student_id),
        name=record.name,
        former_name=record.former_name,
        id_number=record.id_number,
        id_kind=record.id_kind,
        student_number=record.student_number,
        sex=record.sex,
        birth_date=record.birth_date,
        guardian_name=record.guardian_name,
        guardian_id=record.guardian_id,
        phone=record.phone,
        address=record.address,
    )
    return StudentEnrolled(
        school_code=record.school_code,
        division_code=record.division_code,
        stage=record.stage,
        grade=record.grade,
        class_name=record.class_name,
        boarder=record.boarder,
        left_behind=record.left_behind,
        placement=record.placement,
        student_number_kind=record.student_number_kind,
        fingerprint=keys.digest(personal),
        personal=personal,
    )


def entry_ids(rows: Iterable[ListRow], agency: str, of_file: str, keys: Keys) -> list[tuple[ListRow, int, UUID]]:
    """Each row with its occurrence among rows of the same record key and part (from 1) and its entry id, in order.
    ``of_file`` is the part of rows that do not name theirs."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for row in rows:
        named = row_part(row, of_file), entry_record_key(row)
        seen[named] = occurrence = seen.get(named, 0) + 1
        found.append((row, occurrence, keys.entry(agency, row.list, *named, occurrence)))
    return found


def listing(
    row: ListRow, entry_id: UUID, agency: str, submission_id: UUID | None, keys: Keys, own_division: str
) -> ListEntryAdded:
    """The fact a list row states. ``own_division`` is this installation's, responsible where the row names no part."""
    residence = _division(row.division_code)
    number = household_number_of(row)
    return ListEntryAdded(
        agency=agency,
        list=row.list,
        submission_id=submission_id,
        row=row.row,
        household_key=keys.household(row.list, number) if number else None,
        relation=row.relation or None,
        household_type=row.household_type,
        support_type=row.support_type,
        area_type=row.area_type,
        coverage=row.coverage,
        disability_kind=row.disability_kind,
        disability_grade=row.disability_grade,
        cause=row.cause or None,
        orphan=row.orphan,
        schooling_state=row.schooling_state or None,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        lifted_on=row.lifted_on,
        division_code=residence if residence is not None and division.within(residence, own_division) else own_division,
        residence_code=residence,
        school_code=row.school_key,
        school_elsewhere=row.school_elsewhere,
        stage=row.stage or None,
        grade=row.grade or None,
        number_problem=row.number_problem,
        number_contradicted=row.number_contradicted,
        problems=tuple(f"{problem.field}:{problem.code}" for problem in row.problems),
        fingerprint=keys.digest(content_of(row)),
        personal=_person_listed(row, entry_id, keys),
    )


def _person_listed(row: ListRow, entry_id: UUID, keys: Keys) -> EntryPersonal:
    return EntryPersonal(
        person_id=keys.person(row.id_number, entry_id),
        name=row.name,
        former_name=row.former_name or None,
        id_number=row.id_number,
        id_text=row.id_text or None,
        student_number=row.student_number or None,
        certificate_number=row.certificate_number or None,
        sex=cast("Sex | None", row.sex),
        birth_date=row.birth_date,
        suggested_birth_date=row.suggested_birth_date,
        head_name=row.head_name or None,
        head_id=row.head_id or None,
        guardian_name=row.guardian_name or None,
        guardian_id=row.guardian_id or None,
        phone=row.phone or None,
        school=row.school or None,
        address=row.address or None,
    )


def either(text: str, words: dict[str, bool]) -> bool | None:
    """Yes or no in words such as 住校; None when the text says neither."""
    return words[text] if text in words else cells.yes_no(text)


def _division(text: str) -> str | None:
    try:
        return division.scope(text) if text else None
    except division.DivisionCodeError:
        return None
