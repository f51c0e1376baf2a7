"""Documents of absence and the alert rules' versions over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.events import AbsenceKind
from services.notifications.projections import ALERTS_VIEW
from services.notifications.signals.documents import DocumentAbsence
from services.notifications.signals.signal_desk import DocumentRow, RulesVersion, SignalDesk, documents
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.ALERTS_READ))]
Responsible = Annotated[Viewer, Depends(require(Right.ALERTS_WORK))]
RuleReader = Annotated[Viewer, Depends(require(Right.ALERT_RULES_READ))]
RuleKeeper = Annotated[Viewer, Depends(require(Right.ALERT_RULES_ACTIVATE))]
Turn = Annotated[PageTurn, Depends(page_turn)]
REFERENCE = r"^[0-9A-Za-z\u4e00-\u9fff〔〕()()._/ \-]+$"
Reference = Annotated[str, Field(min_length=1, max_length=120, pattern=REFERENCE)]


class Document(BaseModel):
    """Both days included; ``reference``: a paper's number, nothing personal."""

    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    kind: AbsenceKind
    first_day: date
    last_day: date
    reference: Reference


class Withdrawal(BaseModel):
    """``reason`` names nobody."""

    model_config = ConfigDict(extra="forbid")

    reason: Reference


class Told(BaseModel):
    """The same answer however often the command is repeated."""

    document_id: UUID
    event_ids: tuple[UUID, ...]


class Activated(BaseModel):
    event_ids: tuple[UUID, ...]


def router(desk: SignalDesk) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _documents(routes, desk)
    _rules(routes, desk)
    return routes


def _documents(routes: APIRouter, desk: SignalDesk) -> None:
    @routes.get("/documented-absences")
    def listed(
        viewer: Reader,
        turn: Turn,
        student: UUID | None = None,
        school: Annotated[str | None, Query(max_length=64)] = None,
        expiring: bool = False,
        true_on: date | None = None,
    ) -> Page[DocumentRow]:
        """Documents in force or to come, those that end first in front; ``expiring``: within two weeks. With a student,
        also hers that have run out."""
        with desk.database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            rows = documents(connection, true_on or today(), turn, student, school, expiring)
        return page_of(rows, turn, key=lambda row: (row.last_day, row.document_id))

    @routes.post("/documented-absences", status_code=201)
    def document(body: Document, request: Request, viewer: Responsible) -> Told:
        """Absence from the first to the last day raises no alert."""
        command = command_from(request, viewer, body)
        intent = DocumentAbsence(**body.model_dump())
        document_id, result = desk.document(viewer.scope, intent, today(), command)
        return Told(document_id=document_id, event_ids=result.event_ids)

    @routes.post("/documented-absences/{document_id}/withdraw")
    def withdraw(document_id: UUID, body: Withdrawal, request: Request, viewer: Responsible) -> Told:
        """It never held: its days count again."""
        command = command_from(request, viewer, body)
        result = desk.withdraw(viewer.scope, document_id, body.reason, command)
        return Told(document_id=document_id, event_ids=result.event_ids)


def _version(after: tuple[Any, ...]) -> int:
    """Raises Malformed for another list's cursor."""
    if len(after) != 1 or not isinstance(after[0], int):
        raise Malformed("翻页标记无效,请从第一页开始", "The page cursor is not valid; start from the first page")
    return after[0]


def _rules(routes: APIRouter, desk: SignalDesk) -> None:
    @routes.get("/alert-rules")
    def versions(viewer: RuleReader, turn: Turn, in_force: bool = False) -> Page[RulesVersion]:
        """Every version of the rules, the one told last first: from which day, by whom, what changed. ``in_force``:
        only the one in force today."""
        found = [each for each in desk.versions(today()) if each.in_force or not in_force]
        before = None if turn.after is None else _version(turn.after)
        rows = [each for each in found if before is None or each.version < before]
        return page_of(rows[: turn.fetch], turn, key=lambda row: (row.version,))

    @routes.post("/alert-rules", status_code=201)
    def activate(body: dict[str, Any], request: Request, viewer: RuleKeeper, as_of: date | None = None) -> Activated:
        """Other thresholds from ``as_of`` (default today) on, in the form that GET tells as ``content``. What is left
        out has its default."""
        content = msgspec.json.encode(body)
        command = command_from(request, viewer, content)
        result = desk.activate(content, as_of or today(), command)
        return Activated(event_ids=result.event_ids)
