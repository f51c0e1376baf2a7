"""A letter as a paper over HTTP: masked at once, or with the children in full for a purpose that is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.disbursement.letter_errors import LetterNotThere, UnknownLetter
from services.disbursement.letter_events import LetterPaperRead
from services.disbursement.letters import elsewhere, letter_queries
from services.disbursement.letters.in_full import FIELDS, InFull, in_full, note_read
from services.disbursement.letters.letter_desk import VIEW, LetterDesk
from services.disbursement.letters.letter_paper import DOCX, PaperChild, PaperLetter, written
from services.disbursement.letters.letter_queries import LetterChild, LetterRow
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.disclosures import tell
from shared.web.purposes import check_purpose
from shared.web.viewers import Viewer, require

Taking = Annotated[Viewer, Depends(require(Right.LETTERS_READ, exports=True))]
# Who keeps the letters posts them; whoever signs one off or looks it through reads it masked.
Posting = Annotated[Viewer, Depends(require(Right.LETTERS_KEEP, exports=True, reveals=True))]
SIGNED_OFF = ("approved", "sent", "overdue")
AID_CENTRE = "学生资助管理中心"


class PaperInFull(BaseModel):
    """Why the paper is needed with names and numbers in full; the purpose is kept for ever and names nobody."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(min_length=4, max_length=200)


class _Found(NamedTuple):
    row: LetterRow
    people: list[LetterChild]
    full: Mapping[UUID, InFull]
    sender: str


def paper_router(desk: LetterDesk) -> APIRouter:
    """The routes of one letter's paper."""
    routes = APIRouter(prefix="/v1/letters/{letter_id}")

    @routes.get("/letter.docx", response_class=Response)
    def masked(letter_id: UUID, viewer: Taking) -> Response:
        """The letter to read through and file; children masked."""
        found = _found(desk, viewer, letter_id, full=False)
        tell(rows=len(found.people))
        return _file(found, written(_masked(found)), "")

    @routes.post("/letter.docx", response_class=Response)
    def whole(letter_id: UUID, body: PaperInFull, request: Request, viewer: Posting) -> Response:
        """The letter to sign, seal and post, once it is signed off: children in full, who could not be found there
        otherwise. Recorded, with the purpose, before its first byte leaves."""
        check_purpose(body.purpose)
        command = command_from(request, viewer, body)
        found = _found(desk, viewer, letter_id, full=True)
        if found.row.state not in SIGNED_OFF:
            raise LetterNotThere(found.row.state)
        content = written(_whole(found))
        tell(rows=len(found.people), purpose=body.purpose)
        read = LetterPaperRead(
            viewer=viewer.principal,
            letter_id=letter_id,
            children=tuple(child.child_id for child in found.people if child.child_id in found.full),
            purpose=body.purpose,
            fields=FIELDS,
            division_code=found.row.division_code,
        )
        note_read(desk, read, command, today())
        return _file(found, content, "-完整信息")

    return routes


def _found(desk: LetterDesk, viewer: Viewer, letter_id: UUID, *, full: bool) -> _Found:
    """All of one moment, within the viewer's rows. Raises UnknownLetter."""
    day = today()
    with desk.database.reading(viewer.scope, VIEW) as connection:
        row = letter_queries.letter(connection, day, letter_id)
        if row is None:
            raise UnknownLetter
        people = letter_queries.children_of(connection, day, letter_id)
        names = in_full(connection, day, [child.child_id for child in people]) if full else {}
        own = elsewhere.division_history(connection).name_of(desk.division, day)
    return _Found(row, people, names, (own or "") + AID_CENTRE)


def _masked(found: _Found) -> PaperLetter:
    return _letter(found, [_child(each, InFull(each.name, each.number)) for each in found.people])


def _whole(found: _Found) -> PaperLetter:
    """In the order of the page, down which the slip is typed when it comes back."""
    nobody = InFull("", "")
    children = [_child(each, found.full.get(each.child_id, nobody)) for each in found.people]
    return _letter(found, children)._replace(in_full=True)


def _child(child: LetterChild, who: InFull) -> PaperChild:
    return PaperChild(who.name, who.id_number, child.school, child.grade, child.category)


def _letter(found: _Found, children: list[PaperChild]) -> PaperLetter:
    row = found.row
    return PaperLetter(
        sender=found.sender,
        recipient=(row.place_name or row.place) + AID_CENTRE,
        term=row.term,
        number=row.number or "",
        dated=row.sent_on,
        reply_by=row.reply_by,
        children=children,
    )


def _file(found: _Found, content: bytes, kind: str) -> Response:
    name = quote(f"公函-{found.row.place}-{found.row.term}{kind}.docx")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(content, media_type=DOCX, headers=headers)
