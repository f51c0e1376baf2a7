"""What people see of students, schools and submissions: plain SELECTs within the viewer's rows, masked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select, text

from services.registry.tables import HOUSEHOLDS, MEMBERS, SCHOOLS, STUDENTS, SUBMISSIONS
from shared.database.scopes import own_rows
from shared.eventsourcing.periods import FOREVER
from shared.kernel.masking import mask_address, mask_name, mask_number, mask_phone
from shared.web.languages import Language
from shared.web.pages import PageTurn

REVEALABLE = (
    *("name", "former_name", "id_number", "student_number", "birth_date"),
    *("guardian_name", "guardian_id", "phone", "address"),
)
HISTORY_ROWS = 200
_S, _N, _L, _H, _M = STUDENTS.c, SCHOOLS.c, SUBMISSIONS.c, HOUSEHOLDS.c, MEMBERS.c


class StudentRow(BaseModel):
    """A student on a day; names and numbers are masked."""

    student_id: UUID
    name: str
    student_number: str
    id_number: str
    sex: str | None
    birth_year: int | None
    school_code: str | None
    school_name: str | None
    division_code: str | None
    stage: str | None
    grade: str | None
    class_name: str | None
    state: str | None
    version: int


class HappenedRow(BaseModel):
    """Something that happened to a student. ``recorded_at`` is None for the moment until it has its place in the log;
    ``type`` is the fact's name, ``text`` what it means in the reader's language."""

    version: int
    effective_on: date
    recorded_at: datetime | None
    type: str
    text: str


class StudentDetails(StudentRow):
    """One student, with what is masked of the household; ``history`` newest first."""

    former_name: str
    birth_date: str
    guardian_name: str
    guardian_id: str
    phone: str
    address: str
    boarder: bool | None
    left_behind: bool | None
    placement: str | None
    due_back: date | None
    history: list[HappenedRow] = []


class SchoolRow(BaseModel):
    school_code: str
    name: str
    former_names: tuple[str, ...]
    division_code: str
    stages: tuple[str, ...]


class MemberRow(BaseModel):
    """A member of a household, masked; ``student_id`` when she is a student of the register."""

    member_id: UUID
    student_id: UUID | None
    name: str
    id_number: str
    relation: str | None
    head: bool


class RegisterTime(BaseModel):
    """A time on the poverty register, [entered_on, left_on); ``reason``: why it ended."""

    entered_on: date
    left_on: date | None
    household_type: str | None
    reason: str | None


class HouseholdRow(BaseModel):
    """A household on a day, the head first; the address is masked. ``merged_into``: it is no more. ``register_times``:
    its times on the poverty register, all of them (动态进出)."""

    household_id: UUID
    list: str
    household_type: str | None
    division_code: str | None
    address: str
    merged_into: UUID | None
    members: tuple[MemberRow, ...]
    register_times: tuple[RegisterTime, ...] = ()


class SubmissionRow(BaseModel):
    """One submission; the newest of a list tells how old its data are."""

    submission_id: UUID
    agency: str
    list: str
    mode: str
    state: str
    received_by: str
    received_at: datetime
    effective_on: date
    rows: int
    added: int
    corrected: int
    unchanged: int
    removed: int
    rejected: int
    missing: int | None
    standing_before: int | None


def students(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    school: str | None = None,
    search: str | None = None,
    class_name: str | None = None,
) -> list[StudentRow]:
    """At most ``turn.fetch`` students by school and id. ``search`` is the beginning of a name, or a whole number."""
    statement = _students(true_on).where(own_rows(connection, _S))
    if school is not None:
        statement = statement.where(_S.school_code == school)
    if class_name is not None:
        statement = statement.where(_S.class_name == class_name)
    if search:
        # ^@ is leakproof and so may use its index under row-level security, LIKE may not (invariant 12).
        number = search.upper()
        statement = statement.where(or_(_S.name.op("^@")(search), _S.id_number == number, _S.student_number == number))
    if turn.after is not None:
        statement = statement.where(turn.beyond(_S.school_code, _S.entity))
    rows = connection.execute(statement.order_by(_S.school_code, _S.entity).limit(turn.fetch))
    return [StudentRow(**_shown(row)) for row in rows]


def student_rows(
    connection: Connection, true_on: date, turn: PageTurn, condition: ColumnElement[bool]
) -> list[tuple[dict[str, Any], Row[Any]]]:
    """At most ``turn.fetch`` students who meet a condition, by school and id: as a StudentRow shows them, and whole."""
    statement = _students(true_on).where(condition)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_S.school_code, _S.entity))
    rows = connection.execute(statement.order_by(_S.school_code, _S.entity).limit(turn.fetch))
    return [(_shown(row), row) for row in rows]


def student(connection: Connection, true_on: date, student_id: UUID) -> StudentDetails | None:
    """One student, None when there is none in the viewer's scope."""
    row = connection.execute(_students(true_on).where(_S.entity == student_id)).one_or_none()
    if row is None:
        return None
    return StudentDetails(
        **_shown(row),
        former_name=mask_name(row.former_name),
        birth_date=f"{row.birth_date.year}-**-**" if row.birth_date else "",
        guardian_name=mask_name(row.guardian_name),
        guardian_id=mask_number(row.guardian_id),
        phone=mask_phone(row.phone),
        address=mask_address(row.address),
        boarder=row.boarder,
        left_behind=row.left_behind,
        placement=row.placement,
        due_back=row.due_back,
    )


def plain_fields(
    connection: Connection, true_on: date, student_id: UUID, fields: tuple[str, ...]
) -> dict[str, str | None] | None:
    """The unmasked ``fields`` (of REVEALABLE) of one student; the read must have been recorded before."""
    row = connection.execute(_students(true_on).where(_S.entity == student_id)).one_or_none()
    if row is None:
        return None
    found = {field: getattr(row, field) for field in fields}
    return {field: None if value is None else str(value) for field, value in found.items()}


_HISTORY = text("""
SELECT e.version, e.type, e.effective_on, l.recorded_at
FROM public.events e LEFT JOIN public.log l ON l.position = e.position
WHERE e.stream_id = :student ORDER BY e.version DESC LIMIT :rows
""")
_WORDS: dict[str, tuple[str, str]] = {
    "StudentEnrolled": ("入学(建立学籍)", "Enrolled"),
    "StudentPlaced": ("年级、班级或就读方式变动", "Grade, class or placement changed"),
    "StudentTransferredOut": ("转出", "Transferred out"),
    "StudentAcceptedElsewhere": ("外地学校已接收", "Accepted elsewhere"),
    "StudentLeft": ("离校", "Left"),
    "StudentSuspensionExtended": ("休学延期", "Suspension extended"),
    "StudentDetailsCorrected": ("更正个人信息", "Particulars corrected"),
}


def history(connection: Connection, student_id: UUID, language: Language) -> list[HappenedRow]:
    """What happened to a student, newest first, HISTORY_ROWS at most; the caller has made sure of the scope."""
    found = []
    rows = connection.execute(_HISTORY, {"student": student_id, "rows": HISTORY_ROWS})
    for version, name, effective_on, recorded_at in rows:
        kind = name.split(".")[1]
        zh, en = _WORDS.get(kind, (kind, kind))
        found.append(
            HappenedRow(
                version=version,
                effective_on=effective_on,
                recorded_at=recorded_at,
                type=kind,
                text=zh if language == "zh" else en,
            )
        )
    return found


def schools(connection: Connection, true_on: date, turn: PageTurn) -> list[SchoolRow]:
    """At most ``turn.fetch`` schools by code."""
    statement = select(*_N).where(SCHOOLS.holds_on(true_on))
    if turn.after is not None:
        statement = statement.where(turn.beyond(_N.code))
    rows = connection.execute(statement.order_by(_N.code).limit(turn.fetch))
    return [
        SchoolRow(
            school_code=row.code,
            name=row.name,
            former_names=tuple(row.former_names or ()),
            division_code=row.division,
            stages=tuple(row.stages or ()),
        )
        for row in rows
    ]


def submissions(
    connection: Connection, turn: PageTurn, *, list_name: str | None = None, agency: str | None = None
) -> list[SubmissionRow]:
    """At most ``turn.fetch`` submissions, newest first."""
    statement = _submissions()
    if list_name is not None:
        statement = statement.where(_L.list == list_name)
    if agency is not None:
        statement = statement.where(_L.agency == agency)
    if turn.after is not None:
        turn.beyond(_L.received_at, _L.entity)  # refuses another list's cursor
        moment, submission_id = turn.after
        older = or_(_L.received_at < moment, and_(_L.received_at == moment, _L.entity < submission_id))
        statement = statement.where(older)
    rows = connection.execute(statement.order_by(_L.received_at.desc(), _L.entity.desc()).limit(turn.fetch))
    return [_submission(row) for row in rows]


def submission(connection: Connection, submission_id: UUID) -> SubmissionRow | None:
    """One submission of the viewer's scope."""
    row = connection.execute(_submissions().where(_L.entity == submission_id)).one_or_none()
    return None if row is None else _submission(row)


def household(connection: Connection, true_on: date, household_id: UUID) -> HouseholdRow | None:
    """A household and who belongs to it on a day; None when there is none in the viewer's scope."""
    found = connection.execute(select(*_H).where(HOUSEHOLDS.holds_on(true_on), _H.entity == household_id)).one_or_none()
    if found is None:
        return None
    members = connection.execute(
        select(*_M)
        .where(MEMBERS.holds_on(true_on), _M.household_id == household_id, _M.belongs)
        .order_by(_M.head.desc(), _M.member_id)
    )
    shown = tuple(
        MemberRow(
            member_id=row.member_id,
            student_id=row.student_id,
            name=mask_name(row.name),
            id_number=mask_number(row.id_number),
            relation=row.relation,
            head=row.head,
        )
        for row in members
    )
    return HouseholdRow(
        household_id=household_id,
        list=found.list,
        household_type=found.household_type,
        division_code=found.division_code,
        address=mask_address(found.address),
        merged_into=found.merged_into,
        members=shown,
        register_times=_register_times(connection, household_id) if found.list == "poverty" else (),
    )


def _register_times(connection: Connection, household_id: UUID) -> tuple[RegisterTime, ...]:
    periods = connection.execute(select(*_H).where(_H.entity == household_id).order_by(_H.valid_from))
    times: list[RegisterTime] = []
    for row in periods:
        on_register = row.on_register is not False
        if on_register and (not times or times[-1].left_on is not None):
            kind = row.household_type
            times.append(RegisterTime(entered_on=row.valid_from, left_on=None, household_type=kind, reason=None))
        elif not on_register and times and times[-1].left_on is None:
            ended = {"left_on": row.valid_from, "reason": row.register_reason}
            times[-1] = times[-1].model_copy(update=ended)
    return tuple(times)


def _students(day: date) -> Select[Any]:
    names = select(_N.code, _N.name).where(SCHOOLS.holds_on(day)).subquery("school_names")
    tables = STUDENTS.table.outerjoin(names, names.c.code == _S.school_code)
    return select(*_S, names.c.name.label("school_name")).select_from(tables).where(STUDENTS.holds_on(day))


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "student_id": row.entity,
        "name": mask_name(row.name),
        "student_number": mask_number(row.student_number),
        "id_number": mask_number(row.id_number),
        "sex": row.sex,
        "birth_year": row.birth_date.year if row.birth_date else None,
        "school_code": row.school_code,
        "school_name": row.school_name,
        "division_code": row.division_code,
        "stage": row.stage,
        "grade": row.grade,
        "class_name": row.class_name,
        "state": row.state,
        "version": row.stream_version,
    }


def _submissions() -> Select[Any]:
    # One period, or more when it was confirmed or withdrawn: the last says how it stands. One without a receipt was
    # never complete.
    return select(*_L).where(_L.valid_to == FOREVER, _L.received_at.is_not(None))


def _submission(row: Row[Any]) -> SubmissionRow:
    return SubmissionRow(
        submission_id=row.entity,
        agency=row.agency,
        list=row.list,
        mode=row.mode,
        state=row.state,
        received_by=row.received_by,
        received_at=row.received_at,
        effective_on=row.valid_from,
        rows=row.rows,
        added=row.added,
        corrected=row.corrected,
        unchanged=row.unchanged,
        removed=row.removed,
        rejected=row.rejected,
        missing=row.missing,
        standing_before=row.standing_before,
    )
