"""Review over HTTP: one row beside its candidates, in full for a recorded purpose, and what a person rules about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from services.matching import handlers
from services.matching.active_model import ActiveModel
from services.matching.commands import RuleRow
from services.matching.comparing import REVEALABLE
from services.matching.errors import RowUnknown
from services.matching.events import ListName, ReviewRead, Verdict
from services.matching.handlers import Desk
from services.matching.projections import ROSTER_VIEW
from services.matching.review_cases import ReviewCase, WeighedBy, neighbours, review_case, weigh
from services.matching.review_history import history
from services.matching.ruled_rows import ruled_rows
from services.matching.rulings import in_force
from services.matching.scoring import ModelRefused, scorer
from shared.database.database import driver
from shared.eventsourcing.store import Result
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed, NotFound
from shared.standards.rights import Right
from shared.standards.separation import REVIEWS_DECIDE
from shared.web.commands import command_from
from shared.web.entity_tags import check_version, set_entity_tag
from shared.web.viewers import Viewer, require

log = structlog.get_logger(__name__)
Reader = Annotated[Viewer, Depends(require(Right.REVIEWS_READ))]
Reviewer = Annotated[Viewer, Depends(require(Right.REVIEWS_DECIDE))]
Opener = Annotated[Viewer, Depends(require(Right.REVIEWS_DECIDE, reveals=True))]
Listed = Annotated[ListName | None, Query(alias="list")]
ANY_NUMBER = re.compile(r"\d{6}")
STUDENTS_MAX = 10


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RulingBody(_Body):
    """``must_link`` names the one student, ``cannot_link`` those it is not, ``nobody`` no one: it means everyone shown.
    ``evidence`` is that of the case as it was read: changed since → 409; left out, the ruling rests on what is now."""

    verdict: Verdict
    students: tuple[UUID, ...] = Field(default=(), max_length=STUDENTS_MAX)
    evidence: str | None = Field(default=None, max_length=64)


class RevealBody(_Body):
    """Why somebody needs to see the row and its candidates in full; the purpose is kept for ever and names nobody."""

    purpose: str = Field(min_length=4, max_length=200)
    fields: tuple[str, ...] = Field(default=REVEALABLE, min_length=1, max_length=len(REVEALABLE))


class Ruled(BaseModel):
    """The same answer however often the command is repeated. ``version`` is None when nothing changed."""

    entry_id: UUID
    event_ids: tuple[UUID, ...]
    version: int | None


def router(desk: Desk, models: ActiveModel) -> APIRouter:
    """The routes under /v1/reviews/{entry_id}."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, desk, models)
    _ruling(routes, desk)
    return routes


@contextmanager
def watched(viewer: Viewer, entry_id: UUID) -> Iterator[None]:
    """Logs who asked for a row that is not theirs to see; the caller only learns that there is none."""
    try:
        yield
    except NotFound:
        log.warning("row_outside_scope", viewer=viewer.principal, entry_id=str(entry_id))
        raise


def _case(
    desk: Desk,
    models: ActiveModel,
    viewer: Viewer,
    entry_id: UUID,
    list_name: str | None,
    revealed: tuple[str, ...] = (),
) -> ReviewCase:
    """The whole case. Raises RowUnknown."""
    with watched(viewer, entry_id), desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
        case = review_case(connection, today(), entry_id, viewer.language, revealed)
        if case is None:
            raise RowUnknown(entry_id)
        case.history = tuple(history(connection, desk.store, desk.streams, entry_id, viewer.language))
        _weigh(connection, case, models)
        case.previous, case.next, case.waiting = neighbours(connection, today(), case, viewer.principal, list_name)
        said = ruled_rows(driver(connection), [entry_id]).get(entry_id)
    if said is not None:
        case.version, case.asked_by = said.version, said.asked_by
        case.ruled_by = tuple(dict.fromkeys(ruling.ruled_by for ruling in said.rulings))
        force = in_force(said.rulings)
        apart = {pin.student_id for pin in force.apart}
        for candidate in case.candidates:
            linked = force.link is not None and force.link.student_id == candidate.student_id
            candidate.ruled = "must_link" if linked else "cannot_link" if candidate.student_id in apart else None
    case.why_not = REVIEWS_DECIDE.why_not(case.asked_by, viewer.principal, viewer.language)
    case.may_rule = viewer.has(Right.REVIEWS_DECIDE) and case.why_not is None
    if viewer.has(Right.REVIEWS_DECIDE):
        case.evidence = _evidence(desk, viewer, entry_id)
    return case


def _weigh(connection: Connection, case: ReviewCase, models: ActiveModel) -> None:
    """Weigh by the model that the last decision names, or by that in force where it is none of ours. A model that this
    program cannot read any more shows no weights."""
    known = models.activations(connection)
    said = next((row.model for row in case.history if row.model), "")
    named = models.named(connection, said) or known[-1]
    try:
        weigh(connection, case, scorer(named.model))
    except ModelRefused as refused:
        log.warning("a former model cannot be read", model=named.hash, problem=refused.problem)
        return
    case.weighed_by = WeighedBy(
        hash=named.hash,
        name=named.model.name,
        version=named.model.version,
        in_force=named.hash == known[-1].hash,
    )


def _evidence(desk: Desk, viewer: Viewer, entry_id: UUID) -> str:
    """The digest of what the viewer is shown; empty when the row itself is not theirs to see, and so to rule on."""
    try:
        seen = handlers.shown(desk, viewer.scope, entry_id)
    except NotFound:
        return ""
    return handlers.shown_digest(desk.streams, seen.row, {each: seen.students[each] for each in seen.candidates})


def _reading(routes: APIRouter, desk: Desk, models: ActiveModel) -> None:
    @routes.get("/reviews/{entry_id}")
    def review(entry_id: UUID, response: Response, viewer: Reader, list_name: Listed = None) -> ReviewCase:
        """A list row beside each student it may be about, masked; also one that is decided already. ``list`` narrows
        the queue that ``previous`` and ``next`` walk. If-Match of a ruling takes the ETag of this answer."""
        found = _case(desk, models, viewer, entry_id, list_name)
        set_entity_tag(response, found.version)
        return found

    @routes.post("/reviews/{entry_id}/reveal")
    def reveal(
        entry_id: UUID,
        body: RevealBody,
        request: Request,
        response: Response,
        viewer: Opener,
        list_name: Listed = None,
    ) -> ReviewCase:
        """The case in full for a purpose; the read is recorded before anything is shown."""
        if unknown := sorted(set(body.fields) - set(REVEALABLE)):
            raise Malformed("不能查看这些字段", "These fields cannot be revealed", fields=unknown)
        if ANY_NUMBER.search(body.purpose):
            raise Malformed("事由中请不要写号码", "A purpose holds no number of anybody", field="purpose")
        command = command_from(request, viewer, body)
        with watched(viewer, entry_id):
            seen = handlers.shown(desk, viewer.scope, entry_id)
        read = ReviewRead(
            viewer=viewer.principal,
            entry_id=entry_id,
            students=seen.candidates,
            purpose=body.purpose,
            fields=body.fields,
            division_code=seen.division_code,
        )
        handlers.note_read(desk, read, today(), command)
        found = _case(desk, models, viewer, entry_id, list_name, body.fields)
        set_entity_tag(response, found.version)
        return found


def _check_students(body: RulingBody) -> None:
    named = len(body.students)
    if body.verdict == "must_link" and named != 1:
        raise Malformed("须指明一名学生", "Exactly one student is to be named", field="students")
    if body.verdict == "cannot_link" and not named:
        raise Malformed("须指明学生", "The students are to be named", field="students")
    if body.verdict == "nobody" and named:
        raise Malformed("“查无此人”不指明学生", "Nobody names no student", field="students")


def _ruling(routes: APIRouter, desk: Desk) -> None:
    def done(response: Response, entry_id: UUID, result: Result) -> Ruled:
        version = result.versions.get(desk.streams.rulings(entry_id))
        if version is not None:
            set_entity_tag(response, version)
        return Ruled(entry_id=entry_id, event_ids=result.event_ids, version=version)

    def checked(request: Request) -> Callable[[int], None]:
        return lambda version: check_version(request, version)

    @routes.post("/reviews/{entry_id}/ruling")
    def rule(entry_id: UUID, body: RulingBody, request: Request, response: Response, viewer: Reviewer) -> Ruled:
        """Decide a row; it is decided again by the rules at once, with the ruling in force."""
        _check_students(body)
        intent = RuleRow(entry_id, body.verdict, tuple(sorted(set(body.students))), viewer.principal, body.evidence)
        command = command_from(request, viewer, body)
        with watched(viewer, entry_id):
            result = handlers.rule_row(desk, viewer.scope, intent, command, checked(request))
        return done(response, entry_id, result)

    @routes.delete("/reviews/{entry_id}/ruling")
    def withdraw(entry_id: UUID, request: Request, response: Response, viewer: Reviewer) -> Ruled:
        """Undo the last ruling: the row stands as if it had never been given."""
        command = command_from(request, viewer, None)
        by = viewer.principal
        with watched(viewer, entry_id):
            result = handlers.withdraw_ruling(desk, viewer.scope, entry_id, by, command, checked(request))
        return done(response, entry_id, result)

    @routes.post("/reviews/{entry_id}/second-opinion")
    def ask(entry_id: UUID, request: Request, response: Response, viewer: Reviewer) -> Ruled:
        """Leave the row to another person."""
        command = command_from(request, viewer, None)
        by = viewer.principal
        with watched(viewer, entry_id):
            result = handlers.ask_second_opinion(desk, viewer.scope, entry_id, by, command, checked(request))
        return done(response, entry_id, result)
