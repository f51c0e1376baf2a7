"""Cases over HTTP: the page of one, its steps, the recorded read of notes and names, and the plan of deadlines."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifications import queries
from services.notifications.care.contacts import last_heard
from services.notifications.case_commands import (
    ConfirmDropout,
    FormTeam,
    LogAttempt,
    Member,
    NoteAction,
    Refer,
    StateMistake,
)
from services.notifications.case_events import (
    Agency,
    AgencyAction,
    CaseNotesRead,
    NextStep,
    Outcome,
    ReferredTo,
    TeamRole,
    Way,
)
from services.notifications.cases.case_acts import Cases
from services.notifications.cases.case_evidence import evidence_of
from services.notifications.cases.case_page import CasePage, Opened, case_page, opened, recorded
from services.notifications.cases.case_plan import activation, canonical, parse
from services.notifications.cases.escalating import plan_on
from services.notifications.domain import evolve
from services.notifications.errors import UnknownAlert
from services.notifications.projections import ALERTS_VIEW
from shared.eventsourcing.store import Result
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.entity_tags import set_entity_tag
from shared.web.purposes import check_purpose
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.ALERTS_READ))]
Responsible = Annotated[Viewer, Depends(require(Right.ALERTS_WORK))]
Opener = Annotated[Viewer, Depends(require(Right.ALERTS_WORK, reveals=True))]
RuleReader = Annotated[Viewer, Depends(require(Right.ALERT_RULES_READ))]
RuleKeeper = Annotated[Viewer, Depends(require(Right.ALERT_RULES_ACTIVATE))]
REFERENCE = r"^[0-9A-Za-z\u4e00-\u9fff〔〕()()._/ \-]+$"
Reference = Annotated[str, Field(min_length=1, max_length=120, pattern=REFERENCE)]
Note = Annotated[str | None, Field(max_length=2_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TeamMemberBody(_Body):
    """An account, or name and phone of who has none."""

    principal: str | None = Field(default=None, min_length=1, max_length=120)
    name: str | None = Field(default=None, min_length=1, max_length=60)
    phone: str | None = Field(default=None, min_length=3, max_length=40)


class Team(_Body):
    """The township's lead, a teacher, a village cadre, and a parent or guardian."""

    lead: TeamMemberBody
    teacher: TeamMemberBody
    cadre: TeamMemberBody
    family: TeamMemberBody
    family_is: Literal["parent", "guardian"] = "parent"


class Attempt(_Body):
    day: date
    way: Way
    by: list[TeamRole] = Field(min_length=1, max_length=4)
    outcome: Outcome
    next_on: date | None = None
    next_step: NextStep | None = None
    note: Note = None


class Referral(_Body):
    day: date
    to: ReferredTo
    reference: Reference | None = None
    note: Note = None


class Action(_Body):
    day: date
    agency: Agency
    action: AgencyAction
    reference: Reference | None = None
    note: Note = None


class Referenced(_Body):
    """``reference``: a paper's number; nothing personal."""

    reference: Reference


class Reveal(_Body):
    """Why somebody needs the names and notes; kept for ever, and names nobody."""

    purpose: str = Field(min_length=4, max_length=200)


class Settled(BaseModel):
    """The same answer however often the command is repeated."""

    alert_id: UUID
    event_ids: tuple[UUID, ...]
    version: int | None


class Activated(BaseModel):
    event_ids: tuple[UUID, ...]


class PlanTold(BaseModel):
    content: dict[str, Any]
    content_hash: str


def router(cases: Cases) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, cases)
    _acting(routes, cases)
    _concluding(routes, cases)
    _planning(routes, cases)
    return routes


def _reading(routes: APIRouter, cases: Cases) -> None:
    @routes.get("/alerts/{alert_id}")
    def page(alert_id: UUID, response: Response, viewer: Reader) -> CasePage:
        """One case with everything that happened, newest first; names masked, notes closed."""
        day = today()
        with cases.database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            row = queries.alerts_by_id(connection, day, [alert_id], viewer.language).get(alert_id)
            moments = recorded(connection, alert_id)
            student = None if row is None else row.student_id
            heard = None if student is None else last_heard(connection, day, student)
        if row is None:
            raise UnknownAlert("没有这条预警", "there is no such alert")
        with cases.database.writing() as connection:
            stored = cases.store.load(connection, alert_id, personal=True)
        case = evolve((each.fact, each.event.effective_on, each.event.principal) for each in stored)
        assert case.raised is not None
        found = evidence_of(cases.database, case.raised, day)
        set_entity_tag(response, case.version)
        shown = case_page(row, case, stored, moments, found, viewer.principal, day, viewer.language)
        return shown.model_copy(update={"heard_on": heard})

    @routes.post("/alerts/{alert_id}/reveal")
    def reveal(alert_id: UUID, body: Reveal, request: Request, viewer: Opener) -> Opened:
        """The team in full, and the notes that are the reader's to see; recorded before anything is shown."""
        check_purpose(body.purpose)
        command = command_from(request, viewer, body)
        case, _ = cases.stored(viewer.scope, alert_id)
        assert case.raised is not None
        own = viewer.has(Right.COUNSELLING_NOTE) and viewer.scope.of_school(case.raised.school_code)
        read = CaseNotesRead(
            viewer=viewer.principal,
            alert_id=alert_id,
            purpose=body.purpose,
            fields=("team", "notes") if own else ("team", "own_notes"),
            division_code=case.raised.division_code,
            school_code=case.raised.school_code,
        )
        cases.note_read(read, today(), command)
        _, stored = cases.stored(viewer.scope, alert_id, personal=True)
        return opened(stored, viewer.principal, of_school=own)


def _acting(routes: APIRouter, cases: Cases) -> None:
    @routes.post("/alerts/{alert_id}/team")
    def team(alert_id: UUID, body: Team, request: Request, response: Response, viewer: Responsible) -> Settled:
        members: dict[TeamRole, Member] = {
            "lead": Member(**body.lead.model_dump()),
            "teacher": Member(**body.teacher.model_dump()),
            "cadre": Member(**body.cadre.model_dump()),
            "family": Member(**body.family.model_dump()),
        }
        intent = FormTeam(members, body.family_is, today())
        command = command_from(request, viewer, body)
        return _settled(response, alert_id, cases.form_team(viewer.scope, alert_id, intent, command))

    @routes.post("/alerts/{alert_id}/attempts")
    def attempt(alert_id: UUID, body: Attempt, request: Request, response: Response, viewer: Responsible) -> Settled:
        told = body.model_dump() | {"by": tuple(dict.fromkeys(body.by))}
        intent = LogAttempt(on=today(), **told)
        command = command_from(request, viewer, body)
        return _settled(response, alert_id, cases.log_attempt(viewer.scope, alert_id, intent, command))

    @routes.post("/alerts/{alert_id}/referrals")
    def referral(alert_id: UUID, body: Referral, request: Request, response: Response, viewer: Responsible) -> Settled:
        intent = Refer(on=today(), **body.model_dump())
        command = command_from(request, viewer, body)
        return _settled(response, alert_id, cases.refer(viewer.scope, alert_id, intent, command))

    @routes.post("/alerts/{alert_id}/actions")
    def action(alert_id: UUID, body: Action, request: Request, response: Response, viewer: Responsible) -> Settled:
        intent = NoteAction(on=today(), **body.model_dump())
        command = command_from(request, viewer, body)
        return _settled(response, alert_id, cases.note_action(viewer.scope, alert_id, intent, command))


def _concluding(routes: APIRouter, cases: Cases) -> None:
    @routes.post("/alerts/{alert_id}/mistaken")
    def mistaken(
        alert_id: UUID, body: Referenced, request: Request, response: Response, viewer: Responsible
    ) -> Settled:
        """One person says so; another one closes it."""
        intent = StateMistake(body.reference, today())
        command = command_from(request, viewer, body)
        return _settled(response, alert_id, cases.state_mistake(viewer.scope, alert_id, intent, command))

    @routes.post("/alerts/{alert_id}/dropped-out")
    def dropped_out(
        alert_id: UUID, body: Referenced, request: Request, response: Response, viewer: Responsible
    ) -> Settled:
        """Confirmed: the case stays on the ledger of dropouts."""
        intent = ConfirmDropout(body.reference, today())
        command = command_from(request, viewer, body)
        return _settled(response, alert_id, cases.confirm_dropout(viewer.scope, alert_id, intent, command))


def _planning(routes: APIRouter, cases: Cases) -> None:
    @routes.get("/case-plan")
    def plan(viewer: RuleReader, true_on: date | None = None) -> PlanTold | None:
        """The plan in force on a day."""
        with cases.database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            found = plan_on(connection, true_on or today())
        if found is None:
            return None
        return PlanTold(content=msgspec.json.decode(canonical(found.plan)), content_hash=found.content_hash)

    @routes.post("/case-plan", status_code=201)
    def activate(body: dict[str, Any], request: Request, viewer: RuleKeeper, as_of: date | None = None) -> Activated:
        """Another plan from ``as_of`` (default today) on, in the form that GET tells."""
        content = msgspec.json.encode(body)
        command = command_from(request, viewer, content)
        result = cases.activate_plan(activation(parse(content)), as_of or today(), command)
        return Activated(event_ids=result.event_ids)


def _settled(response: Response, alert_id: UUID, result: Result) -> Settled:
    version = result.versions.get(alert_id)
    if version is not None:
        set_entity_tag(response, version)
    return Settled(alert_id=alert_id, event_ids=result.event_ids, version=version)
