"""Papers over HTTP: typed with their scan, checked by a second person, recorded."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry import handlers
from services.registry.handlers import Registry
from services.registry.lists.submissions import AGENCIES
from services.registry.paper_errors import PaperUnknown, ScanMissing
from services.registry.paper_events import PaperKind, PaperScanRead
from services.registry.papers import paper_store, papers
from services.registry.papers.paper_store import Paper
from services.registry.papers.papers import KEY_FIELDS, EnterPaper
from services.registry.purposes import check_purpose
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.masking import mask_name
from shared.kernel.refusals import Forbidden
from shared.standards.rights import Right
from shared.standards.separation import PAPERS_CHECK
from shared.web.bodies import Upload, received_file
from shared.web.commands import command_from, command_id_of
from shared.web.disclosures import tell
from shared.web.viewers import Viewer, require

Typist = Annotated[Viewer, Depends(require(Right.PAPERS_TYPE))]
Opener = Annotated[Viewer, Depends(require(Right.PAPERS_TYPE, exports=True, reveals=True))]
Name = Annotated[str, Field(min_length=1, max_length=40)]
Value = Annotated[str, Field(max_length=200)]
Why = Annotated[str, Field(min_length=2, max_length=200)]
FIELDS_MOST = 40
SHOWN = 100


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Typed(_Body):
    """``fields`` by canonical name, as the paper says; numbers are text. ``as_of``: the paper's day, default today."""

    kind: PaperKind
    fields: dict[Name, Value] = Field(min_length=1, max_length=FIELDS_MOST)
    as_of: date | None = None


class TypedAgain(_Body):
    """The key fields (name, id_number) as a second person reads them on the paper."""

    fields: dict[Name, Value] = Field(min_length=1, max_length=len(KEY_FIELDS))


class Amended(_Body):
    fields: dict[Name, Value] = Field(min_length=1, max_length=FIELDS_MOST)


class Refused(_Body):
    reason: Why


class Entered(BaseModel):
    paper_id: UUID


class Difference(BaseModel):
    field: str
    first: str
    second: str


class Checked(BaseModel):
    """``recorded_id`` null: the two differ, so that nothing is recorded."""

    recorded_id: UUID | None
    differences: list[Difference]


class PaperRow(BaseModel):
    """A paper; of what it says only the name stands here, masked. ``own``: the viewer typed it."""

    paper_id: UUID
    state: str
    kind: str
    name: str
    school_code: str | None
    agency: str | None
    as_of: date
    scan_type: str | None
    entered_by: str
    entered_at: datetime
    decided_by: str | None
    own: bool
    why_not: str | None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _typing(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    def row(paper: Paper, viewer: Viewer) -> PaperRow:
        name = mask_name(paper_store.fields_of(registry.keyring, paper).get("name"))
        told = ("name", "own", "why_not")
        plain = {field: getattr(paper, field) for field in PaperRow.model_fields if field not in told}
        why_not = PAPERS_CHECK.why_not(paper.entered_by, viewer.principal, viewer.language)
        return PaperRow(**plain, name=name, own=paper.entered_by == viewer.principal, why_not=why_not)

    def known(paper_id: UUID, viewer: Viewer) -> Paper:
        with registry.database.writing() as connection:
            paper = paper_store.one(driver(connection), paper_id)
        if paper is None or not papers.visible(viewer.scope, paper):
            raise PaperUnknown(paper_id)
        return paper

    @routes.get("/papers")
    def latest(viewer: Typist) -> list[PaperRow]:
        """Those that wait for a second person first."""
        with registry.database.writing() as connection:
            found = paper_store.latest(driver(connection), SHOWN)
        return [row(paper, viewer) for paper in found if papers.visible(viewer.scope, paper)]

    @routes.get("/papers/{paper_id}")
    def one(paper_id: UUID, viewer: Typist) -> PaperRow:
        return row(known(paper_id, viewer), viewer)

    @routes.get("/papers/{paper_id}/scan")
    def scan(paper_id: UUID, viewer: Opener, purpose: Annotated[str, Query(min_length=4, max_length=200)]) -> Response:
        """The scan, for a purpose; the read is recorded before anything is given out."""
        check_purpose(purpose)
        tell(purpose=purpose)
        paper = known(paper_id, viewer)
        if paper.scan_type is None:
            raise ScanMissing(paper_id)
        read = PaperScanRead(
            viewer=viewer.principal,
            paper_id=paper_id,
            purpose=purpose,
            division_code=paper.division_code,
            school_code=paper.school_code,
            agency=paper.agency,
        )
        handlers.note_read(registry, read, Command(viewer.principal, new_event_id(), paper_id.bytes))
        with registry.database.writing() as connection:
            content = paper_store.scan_of(driver(connection), registry.keyring, paper_id)
        headers = {"content-disposition": "inline", "cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(content, media_type=paper.scan_type, headers=headers)


def _typing(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/papers", status_code=201)
    def enter(body: Typed, request: Request, viewer: Typist) -> Entered:
        """Type a paper; nothing is recorded before a second person agrees."""
        agency = None if body.kind == "student" else AGENCIES[body.kind]
        if agency is not None and viewer.scope.division is None and viewer.scope.agency != agency:
            raise Forbidden("只能录入本部门的名单", "An agency types its own lists only", list=body.kind)
        if agency is None and viewer.scope.agency is not None:
            raise Forbidden("部门不录入学籍", "An agency enrols nobody")
        intent = EnterPaper(body.kind, body.fields, body.as_of or today(), agency)
        command = command_from(request, viewer, body)
        return Entered(paper_id=papers.enter(registry, viewer.scope, intent, command, today()))

    @routes.post("/papers/{paper_id}/attachments", status_code=201)
    def attach(
        paper_id: UUID, request: Request, viewer: Typist, upload: Annotated[Upload, Depends(received_file)]
    ) -> Entered:
        """The scan of a paper that waits (PDF, PNG, JPEG); another one takes its place."""
        command_id_of(request)
        with upload.path.open("rb") as file:
            papers.attach(registry, viewer.scope, paper_id, file.read(papers.SCAN_BYTES_MOST + 1))
        return Entered(paper_id=paper_id)

    @routes.post("/papers/{paper_id}/check")
    def check(paper_id: UUID, body: TypedAgain, request: Request, viewer: Typist) -> Checked:
        """Type the key fields again; when they are the same, the paper is recorded."""
        command = command_from(request, viewer, body)
        found = papers.check(registry, viewer.scope, paper_id, body.fields, command, today())
        differences = [Difference(**each._asdict()) for each in found.differences]
        return Checked(recorded_id=found.recorded_id, differences=differences)

    @routes.post("/papers/{paper_id}/amend")
    def amend(paper_id: UUID, body: Amended, request: Request, viewer: Typist) -> Entered:
        """Type it anew; then somebody else has to check it."""
        command = command_from(request, viewer, body)
        papers.amend(registry, viewer.scope, paper_id, body.fields, command, today())
        return Entered(paper_id=paper_id)

    @routes.post("/papers/{paper_id}/refuse")
    def refuse(paper_id: UUID, body: Refused, request: Request, viewer: Typist) -> Entered:
        check_purpose(body.reason)
        command = command_from(request, viewer, body)
        papers.refuse(registry, viewer.scope, paper_id, body.reason, command, today())
        return Entered(paper_id=paper_id)
