"""Mass changes as people see them: how far each is, and student by student what it changes, masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel
from sqlalchemy import Connection, select

from services.registry.change_events import BY_STUDENT
from services.registry.changes import change_jobs, change_wanted
from services.registry.changes.change_jobs import Counts, Job, PreviewRow, Terms
from services.registry.changes.change_sheets import PERSONAL, shown
from services.registry.changes.change_wanted import Wanted
from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.tables import STUDENTS
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.kernel.masking import mask_name

_S = STUDENTS.c


class FieldCount(BaseModel):
    """How many students differ in a field."""

    field: str
    students: int


class ChangeRow(BaseModel):
    """One mass change; ``why_not``: why the reader may not approve it. ``preview_hash`` is there once the preview is
    complete; ``students`` = those of the preview.
    While it is applied ``changed`` and ``changed_since`` grow up to it; while it is undone ``restored`` and
    ``not_restored`` grow up to ``changed``."""

    change_id: UUID
    kind: str
    state: str
    day: date
    division_code: str
    school_code: str | None
    sources: tuple[str, ...]
    into: str | None
    former_code: str | None
    code: str | None
    where: dict[str, str]
    values: dict[str, str]
    reason: str
    proposed_by: str
    why_not: str | None = None
    proposed_at: datetime
    approved_by: str | None
    finished_at: datetime | None
    students: int
    preview_hash: str | None
    fields: list[FieldCount]
    changed: int
    changed_since: int
    restored: int
    not_restored: int
    schools_kept: tuple[str, ...]


class FieldChange(BaseModel):
    """``hidden``: what differs is masked."""

    field: str
    before: str
    after: str
    hidden: bool


class StudentChange(BaseModel):
    """One student of a preview."""

    student_id: UUID
    name: str
    school_code: str
    fields: list[FieldChange]


def row(job: Job) -> ChangeRow:
    """One change as it stands."""
    terms = msgspec.json.decode(job.terms, type=Terms)
    fields, done, undone = (Counts.kept(each) for each in (job.fields, job.tally, job.undo_tally))
    plain = ("change_id", "kind", "state", "day", "division_code", "school_code", "reason", "proposed_by", "students")
    said = ("sources", "into", "former_code", "code", "where", "values")
    return ChangeRow(
        **{name: getattr(job, name) for name in (*plain, "proposed_at", "approved_by", "finished_at")},
        **{name: getattr(terms, name) for name in said},
        preview_hash=None if job.state == "previewing" else job.digest,
        fields=[FieldCount(field=name, students=count) for name, count in sorted(fields.of.items())],
        changed=done["changed"],
        changed_since=done["changed_since"],
        restored=undone["restored"],
        not_restored=undone["changed_since"],
        schools_kept=tuple(sorted(each.partition(":")[2] for each in undone.of if each.startswith("school:"))),
    )


def students(registry: Registry, scope: Scope, job: Job, after: UUID, limit: int) -> list[StudentChange]:
    """The next students of a preview by id; personal fields are opened to be masked."""
    with registry.database.writing() as connection:
        raw = driver(connection)
        rows = change_jobs.rows_after(raw, job.change_id, after, limit)
        ids = [each.student_id for each in rows]
        wanted = change_wanted.opened(raw, registry.keyring, job.change_id, ids) if job.kind in BY_STUDENT else {}
    with registry.database.reading(scope, REGISTER.name) as connection:
        names = _names(connection, ids)
    return [_student(each, names.get(each.student_id, ""), wanted.get(each.student_id)) for each in rows]


def _names(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """As they stand last; a student whom the view does not show yet has none."""
    found = connection.execute(select(_S.entity, _S.name).where(_S.entity.in_(ids)).order_by(_S.valid_from))
    return {entity: mask_name(name) for entity, name in found}


def _student(each: PreviewRow, name: str, wanted: Wanted | None) -> StudentChange:
    fields = []
    for field in each.after:
        before, after = each.before[field], each.after[field]
        if field in PERSONAL:
            before, after = _personal(wanted, field)
        texts = shown(field, before), shown(field, after)
        hidden = before != after and texts[0] == texts[1]
        fields.append(FieldChange(field=field, before=texts[0], after=texts[1], hidden=hidden))
    return StudentChange(student_id=each.student_id, name=name, school_code=each.school_code, fields=fields)


def _personal(wanted: Wanted | None, field: str) -> tuple[Any, Any]:
    """Before and after; both empty after an erasure."""
    said: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}) if wanted is None else (wanted.before, wanted.values)
    return said[0].get(field, ""), said[1].get(field, "")
