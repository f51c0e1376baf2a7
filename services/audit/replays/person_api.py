"""A student's file, why and why not over HTTP. Ids travel in the body: an address stands in logs and histories."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel

from services.audit.replays.bundling import PERSON, Bundles
from services.audit.replays.moments import cut
from services.audit.replays.narrowing import check_scope
from services.audit.replays.person import person_file
from services.audit.replays.records import EventTold
from services.audit.replays.replay_api import Asking, Auditing, Part, utc, zipped
from services.audit.replays.replaying import Question, Rows
from services.audit.replays.why import Ground, decisions, why
from services.audit.replays.why_not import RULES, InForce, Step, Subject, why_not
from shared.database.database import driver
from shared.web.commands import command_id_of


class AskPerson(Part):
    """A student, at a moment (default: as complete as can be now), true on a day (default: that of the moment)."""

    student_id: UUID
    known_at: AwareDatetime | None = None
    true_on: date | None = None


class AskPersonBundle(AskPerson):
    """``with_log``: the events themselves go along, so that every leaf can be checked."""

    with_log: bool = False


class AskWhyNot(AskPerson):
    """``subject``: aid, link or alert."""

    subject: Subject


class AskWhy(BaseModel):
    """The event of a decision, as known at a moment."""

    event_id: UUID
    known_at: AwareDatetime | None = None


class ToldPerson(BaseModel):
    """``views``: view → its rows about her; ``events``: hers over all services, in the order they were recorded;
    ``decisions``: which of them decided something about her. What is personal is masked."""

    student_id: UUID
    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    left_out: list[tuple[str, int]]
    views: dict[str, Rows]
    events: list[EventTold]
    decisions: list[UUID]


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


def person_routes(routes: APIRouter, bundles: Bundles, services: tuple[str, ...]) -> None:
    """The routes about one student or one decision. ``services``: whose logs are archived."""
    replays, division = bundles.replays, bundles.division

    @routes.post("/person")
    def person(body: AskPerson, request: Request, viewer: Asking) -> ToldPerson:
        command_id_of(request)  # every POST carries one, although nothing is changed here
        check_scope(viewer.scope, body.scope(), division)
        found = person_file(replays, body.student_id, utc(body.known_at), body.true_on, body.scope())
        decided = [each.event_id for each in decisions(found.events)]
        return ToldPerson(**found._asdict(), decisions=decided)

    @routes.post("/person/bundle", response_class=Response)
    def bundle(body: AskPersonBundle, request: Request, viewer: Asking) -> Response:
        """A zip that proves the file to whoever has the public keys (bundle_format.py)."""
        command_id_of(request)
        check_scope(viewer.scope, body.scope(), division)
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
