"""Counterfactuals over HTTP: asked by who may ask questions, answered a while later, each reader in their scope."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.audit.counterfactuals import counterfactual_sheet as sheet
from services.audit.counterfactuals.answer import (
    Child,
    CounterfactualAnswer,
    Deviation,
    Total,
    by_agency,
    by_school,
    totals,
)
from services.audit.counterfactuals.changes import CHANGES_MOST, files_named, parse
from services.audit.counterfactuals.counterfactual_errors import ChangesRefused, NoSuchCounterfactual
from services.audit.counterfactuals.counterfactual_queries import Asked, State
from services.audit.counterfactuals.desk import Counterfactuals
from services.audit.errors import WholeDivisionOnly
from services.audit.replays.replay_api import utc
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.commands import command_from
from shared.web.disclosures import tell
from shared.web.viewers import Viewer, require

Auditor = Annotated[Viewer, Depends(require(Right.REPLAY))]
Taking = Annotated[Viewer, Depends(require(Right.REPLAY, exports=True))]
LISTED_MOST = 50
FILES_MOST = 5
ROWS_SHOWN = 1_000


class AskCounterfactual(BaseModel):
    """``changes``: what is otherwise, each an object with ``what`` (move, redate, leave_out, replace, bring, rules);
    docs/audit.md tells their fields. ``files``: the corrected lists they name, base64. ``known_at`` with its time zone;
    none = as complete as can be now."""

    model_config = ConfigDict(extra="forbid")

    changes: list[dict[str, Any]] = Field(min_length=1, max_length=CHANGES_MOST)
    known_at: AwareDatetime | None = None
    files: dict[str, Base64Bytes] = Field(default_factory=dict, max_length=FILES_MOST)


class Begun(BaseModel):
    """The same for the same command again."""

    counterfactual_id: UUID


class AskedRow(BaseModel):
    """One that was asked. ``state``: waiting, running, done, refused (see ``wrong``) or failed. ``rerun``: the one
    under way, ``control`` with nothing changed or ``changed``; ``fed`` events were told to it of at most
    ``expected``."""

    counterfactual_id: UUID
    asked_by: str
    asked_at: datetime
    known_at: datetime
    changes: list[dict[str, Any]]
    state: State
    rerun: str | None
    fed: int
    expected: int
    wrong: dict[str, Any] | None


class AskedRows(BaseModel):
    items: list[AskedRow]


class Answered(BaseModel):
    """The answer within the reader's scope, totals included. ``clean``: without any change the rerun came to exactly
    the real entitlements; else ``deviating`` of ``entitlements`` did not, and whoever sees the whole division is told
    which. ``children``: the first rows, all of them are in the workbook. Money in fen."""

    counterfactual_id: UUID
    known_at: datetime
    log_index: dict[str, int]
    changes: list[dict[str, Any]]
    clean: bool
    entitlements: int
    deviating: int
    deviations: list[Deviation]
    count: int
    children: list[Child]
    schools: list[Total]
    agencies: list[Total]
    notes: list[str]
    hash: str
    events: int
    seconds: float


def counterfactual_routes(desk: Counterfactuals, division: str) -> APIRouter:
    """The routes under /v1/counterfactuals."""
    routes = APIRouter(prefix="/v1/counterfactuals")

    def whole(scope: Scope) -> bool:
        return scope.holds(division)

    def found(counterfactual_id: UUID, viewer: Viewer) -> Asked:
        _placed(viewer.scope)
        one = desk.asked(counterfactual_id)
        if one is None or not (one.asked_by == viewer.principal or whole(viewer.scope)):
            raise NoSuchCounterfactual("没有这次推演", "there is no such counterfactual")
        return one

    def read(counterfactual_id: UUID, viewer: Viewer, form: str) -> tuple[CounterfactualAnswer, int]:
        """What the viewer may see, and how many entitlements deviate in all."""
        one = found(counterfactual_id, viewer)
        everything = desk.answer(one)
        answer = narrowed(everything, viewer.scope, whole=whole(viewer.scope))
        desk.note_read(one, len(answer.children), form, viewer.principal, viewer.scope, today())
        return answer, len(everything.deviations)

    @routes.post("")
    def ask(body: AskCounterfactual, request: Request, viewer: Auditor) -> Begun:
        """Begin; the answer comes a while later. What is wrong with the changes by themselves is told at once, what is
        wrong with them over the logs when it is found out."""
        _placed(viewer.scope)
        changes = parse(body.changes)
        missing = [f"the file {name} was not given" for name in files_named(changes) if name not in body.files]
        if missing:
            raise ChangesRefused(missing)
        command = command_from(request, viewer, body)
        asked = desk.ask(changes, utc(body.known_at), body.files, viewer.scope, command, today())
        return Begun(counterfactual_id=asked)

    @routes.get("")
    def asked(viewer: Auditor) -> AskedRows:
        """Latest first: one's own, and everybody's for who sees the whole division."""
        by = None if whole(viewer.scope) else viewer.principal
        return AskedRows(items=[_row(each) for each in desk.latest(by, LISTED_MOST)])

    @routes.get("/{counterfactual_id}")
    def one(counterfactual_id: UUID, viewer: Auditor) -> AskedRow:
        return _row(found(counterfactual_id, viewer))

    @routes.get("/{counterfactual_id}/answer")
    def answer(counterfactual_id: UUID, viewer: Auditor) -> Answered:
        told, deviating = read(counterfactual_id, viewer, "json")
        fields = told.model_dump(exclude={"children"})
        return Answered(
            **fields,
            counterfactual_id=counterfactual_id,
            deviating=deviating,
            count=len(told.children),
            children=told.children[:ROWS_SHOWN],
        )

    @routes.get("/{counterfactual_id}/sheet", response_class=Response, responses=dict(sheet.ANSWERS))
    def workbook(counterfactual_id: UUID, viewer: Taking) -> Response:
        """The answer as a workbook to print and sign."""
        told, _ = read(counterfactual_id, viewer, "xlsx")
        tell(rows=len(told.children))
        with tempfile.TemporaryDirectory(prefix="rollcall-counterfactual-") as folder:
            path = Path(folder) / "answer.xlsx"
            sheet.write(told, path)
            content = path.read_bytes()
        headers = {"content-disposition": f'attachment; filename="counterfactual-{counterfactual_id}.xlsx"'}
        return Response(content, media_type=XLSX, headers=headers)

    return routes


def narrowed(answer: CounterfactualAnswer, scope: Scope, *, whole: bool) -> CounterfactualAnswer:
    """What somebody of this scope may see of an answer; sums of what they see."""
    if whole:
        return answer
    rows = [row for row in answer.children if _covers(scope, row)]
    hidden = {"children": rows, "schools": totals(rows, by_school), "agencies": totals(rows, by_agency)}
    return answer.model_copy(update=hidden | {"deviations": []})


def _covers(scope: Scope, row: Child) -> bool:
    """The same rule as row-level security."""
    by_division = scope.division is not None and row.division_code.startswith(scope.division)
    return by_division or (scope.school is not None and scope.school == row.school_code)


def _placed(scope: Scope) -> None:
    """Raises WholeDivisionOnly for somebody who sees no part of the division."""
    if scope.division is None and scope.school is None:
        raise WholeDivisionOnly("您没有可查看的范围", "you see no part of the division")


def _row(asked: Asked) -> AskedRow:
    return AskedRow(**{name: value for name, value in asked._asdict().items() if name in AskedRow.model_fields})
