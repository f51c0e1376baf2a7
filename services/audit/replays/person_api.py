"""A student's file, why and why not over HTTP. Ids travel in the body: an address stands in logs and histories."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.audit.erasure.desk import Desk
from services.audit.events import PersonFileRead
from services.audit.reads.recording import note_file_read
from services.audit.replays.bundling import PERSON, Bundles
from services.audit.replays.moments import cut
from services.audit.replays.narrowing import check_log, check_scope
from services.audit.replays.person import PersonFile, particulars_of, person_file, person_in
from services.audit.replays.records import EventTold
from services.audit.replays.replay_api import Asking, Auditing, Part, utc, zipped
from services.audit.replays.replaying import Question, Rows
from services.audit.replays.why import Ground, decisions, why
from services.audit.replays.why_not import RULES, InForce, Step, Subject, why_not
from shared.database.database import driver
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from, command_id_of
from shared.web.disclosures import tell, told
from shared.web.purposes import check_purpose
from shared.web.viewers import Viewer, require

Taking = Annotated[Viewer, Depends(require(Right.REPLAY, exports=True))]
Revealing = Annotated[Viewer, Depends(require(Right.FILES_REVEAL, reveals=True))]


class AskPerson(Part):
    """A student, at a moment (default: as complete as can be now), true on a day (default: that of the moment)."""

    student_id: UUID
    known_at: AwareDatetime | None = None
    true_on: date | None = None


class AskPersonBundle(AskPerson):
    """``with_log``: the events themselves go along, so that every leaf can be checked."""

    with_log: bool = False


class AskPersonInFull(AskPerson):
    """``purpose``: why the file is needed in full; it is kept, and names nobody."""

    purpose: str = Field(min_length=4, max_length=200)


class AskWhyNot(AskPerson):
    """``subject``: aid, link or alert."""

    subject: Subject


class AskWhy(BaseModel):
    """The event of a decision, as known at a moment."""

    event_id: UUID
    known_at: AwareDatetime | None = None


class ToldPerson(BaseModel):
    """``views``: view → its rows about her; ``events``: hers over all services, in the order they were recorded;
    ``decisions``: which of them decided something about her; ``particulars``: what the register last said of her. What
    is personal is masked, unless the file was asked for in full."""

    student_id: UUID
    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    left_out: list[tuple[str, int]]
    views: dict[str, Rows]
    events: list[EventTold]
    decisions: list[UUID]
    particulars: dict[str, Any]


class ToldWhy(BaseModel):
    """As in :class:`services.audit.replays.why.Why`."""

    decision: EventTold
    events: list[EventTold]
    grounds: list[Ground]
    people: list[str]
    complete: bool
    log_index: dict[str, int]


class ToldWhyNot(BaseModel):
    """As in :class:`services.audit.replays.why_not.WhyNot`."""

    student_id: UUID
    subject: Subject
    known_at: datetime
    true_on: date
    missing: str | None
    steps: list[Step]
    rules: list[InForce]
    decisions: list[UUID]


def told_person(file: PersonFile) -> ToldPerson:
    """The file as it is sent."""
    decided = [each.event_id for each in decisions(file.events)]
    return ToldPerson(**file._asdict(), decisions=decided, particulars=particulars_of(file))


def person_routes(routes: APIRouter, bundles: Bundles, services: tuple[str, ...], desk: Desk) -> None:
    """The routes about one student or one decision. ``services``: whose logs are archived."""
    replays, division = bundles.replays, bundles.division

    @routes.post("/person")
    def person(body: AskPerson, request: Request, viewer: Asking) -> ToldPerson:
        command_id_of(request)  # every POST carries one, although nothing is changed here
        check_scope(viewer.scope, body.scope(), division)
        return told_person(person_file(replays, body.student_id, utc(body.known_at), body.true_on, body.scope()))

    @routes.post("/person/full")
    def in_full(body: AskPersonInFull, request: Request, viewer: Revealing) -> ToldPerson:
        """The same unmasked, for a purpose; the read is recorded before anything is shown."""
        check_purpose(body.purpose)
        command = command_from(request, viewer, body)
        check_scope(viewer.scope, None, division)
        with replays.scratch() as connection:
            moment = utc(body.known_at), body.true_on, body.scope()
            found = person_in(connection, replays, body.student_id, *moment, in_full=True)
        place = (found.views.get("students") or [{}])[0]
        read = PersonFileRead(
            viewer=viewer.principal,
            student_id=body.student_id,
            purpose=body.purpose,
            known_at=found.known_at,
            true_on=found.true_on,
            division_code=place.get("division_code") or division,
            school_code=place.get("school_code"),
        )
        note_file_read(desk, read, command, today())
        return told_person(found)

    @routes.post("/person/bundle", response_class=Response)
    def bundle(body: AskPersonBundle, request: Request, viewer: Taking) -> Response:
        """A zip that proves the file to whoever has the public keys (bundle_format.py)."""
        command_id_of(request)
        check_scope(viewer.scope, body.scope(), division)
        if body.with_log:
            check_log(viewer.scope, division)
        tell(filters=told(body.model_dump()), student_id=body.student_id)
        moment = utc(body.known_at), body.true_on, body.scope()
        return zipped(bundles.make_person(body.student_id, *moment, with_log=body.with_log), PERSON)

    @routes.post("/why")
    def reasons(body: AskWhy, request: Request, viewer: Auditing) -> ToldWhy:
        command_id_of(request)
        check_scope(viewer.scope, None, division)
        with replays.scratch() as connection:
            raw = driver(connection)
            known = cut(raw, services, utc(body.known_at))
            found = why(raw, body.event_id, known, replays.keyring)
        return ToldWhy(**found._asdict(), log_index=known.upto)

    @routes.post("/why-not")
    def missing(body: AskWhyNot, request: Request, viewer: Asking) -> ToldWhyNot:
        command_id_of(request)
        check_scope(viewer.scope, body.scope(), division)
        file = person_file(replays, body.student_id, utc(body.known_at), body.true_on, body.scope())
        rules = {view: replays.ask(Question(view, file.true_on, file.known_at)).rows for view in RULES[body.subject]}
        return ToldWhyNot(**why_not(file, body.subject, rules)._asdict())
