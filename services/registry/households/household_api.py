"""Households over HTTP: stated whole by the agency that keeps them, read by the county; what one person may change."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry import queries
from services.registry.commands import (
    ChangeHead,
    EnterRegister,
    HouseholdIntent,
    JoinHousehold,
    LeaveHousehold,
    MemberRecord,
    MoveHousehold,
    RegisterHousehold,
)
from services.registry.errors import HouseholdUnknown, InvalidRecord
from services.registry.events import ListName
from services.registry.handlers import Registry, covers
from services.registry.household_events import MemberLeaving
from services.registry.households import households
from services.registry.households.reach import Reach
from services.registry.lists.submissions import AGENCIES
from services.registry.projections import REGISTER
from services.registry.queries import HouseholdRow
from services.registry.reference.division_codes import DIVISION, check_division
from shared.kernel.clock import today
from shared.kernel.refusals import Forbidden
from shared.standards import identity_number
from shared.standards.identity_number import IdentityNumberError
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Sender = Annotated[Viewer, Depends(require(Right.HOUSEHOLDS_CHANGE))]
Reader = Annotated[Viewer, Depends(require(Right.HOUSEHOLDS_READ))]
MEMBERS_MAX = 60


class Member(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    id_number: str | int | float | None = None
    relation: str | None = Field(default=None, max_length=20)
    head: bool = False


class Stated(BaseModel):
    """A household as it is now; a member left out has left. ``household_number`` is the agency's own; ``new``: refused
    where one of that number is on record already."""

    model_config = ConfigDict(extra="forbid")

    list: ListName
    household_number: str = Field(min_length=1, max_length=40)
    household_type: str | None = Field(default=None, max_length=40)
    division_code: str | None = Field(default=None, max_length=12, pattern=DIVISION)
    address: str | None = Field(default=None, max_length=200)
    members: tuple[Member, ...] = Field(min_length=1, max_length=MEMBERS_MAX)
    new: bool = False

    def intent(self, division: str, as_of: date) -> RegisterHousehold:
        """Raises InvalidRecord."""
        return RegisterHousehold(
            list=self.list,
            household_number=self.household_number,
            division_code=self.division_code or division,
            members=tuple(_member(each) for each in self.members),
            as_of=as_of,
            household_type=self.household_type,
            address=self.address,
            new=self.new,
        )


class HeadChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    member_id: UUID
    on: date

    def intent(self, household_id: UUID) -> ChangeHead:
        return ChangeHead(household_id, self.member_id, self.on)


class Move(BaseModel):
    model_config = ConfigDict(extra="forbid")

    division_code: str = Field(max_length=12, pattern=DIVISION)
    address: str | None = Field(default=None, max_length=200)
    on: date

    def intent(self, household_id: UUID) -> MoveHousehold:
        return MoveHousehold(household_id, self.division_code, self.on, self.address)


class Entry(BaseModel):
    """``household_type`` is left out when it is the one before."""

    model_config = ConfigDict(extra="forbid")

    household_type: str | None = Field(default=None, max_length=40)
    on: date

    def intent(self, household_id: UUID) -> EnterRegister:
        return EnterRegister(household_id, self.on, self.household_type)


class Joining(BaseModel):
    """Somebody born, married in or taken in."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    id_number: str | int | float | None = None
    relation: str | None = Field(default=None, max_length=20)
    on: date

    def intent(self, household_id: UUID) -> JoinHousehold:
        """Raises InvalidRecord."""
        told = Member(name=self.name, id_number=self.id_number, relation=self.relation)
        return JoinHousehold(household_id, _member(told), self.on)


class Leaving(BaseModel):
    """``head_id``: who of those who stay heads the household from then on."""

    model_config = ConfigDict(extra="forbid")

    member_id: UUID
    reason: MemberLeaving
    head_id: UUID | None = None
    on: date

    def intent(self, household_id: UUID) -> LeaveHousehold:
        return LeaveHousehold(household_id, self.member_id, self.reason, self.on, self.head_id)


class Changed(BaseModel):
    """The same answer however often the command is repeated. ``household_id``: the one changed; of a split the new one,
    of a merger the one that remains."""

    household_id: UUID
    event_ids: tuple[UUID, ...]


class Registered(BaseModel):
    """The same answer however often the command is repeated."""

    household_id: UUID
    event_ids: tuple[UUID, ...]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/households", status_code=201)
    def register(body: Stated, request: Request, viewer: Sender, as_of: date | None = None) -> Registered:
        intent = registration(registry, viewer, body, as_of or today())
        result = households.register_household(
            registry, intent, command_from(request, viewer, body), reach_of(viewer, registry.division)
        )
        household_id = registry.keys.household(body.list, body.household_number)
        return Registered(household_id=household_id, event_ids=result.event_ids)

    @routes.get("/households/{household_id}")
    def household(household_id: UUID, viewer: Reader, true_on: date | None = None) -> HouseholdRow:
        """Who belongs to it on a day, masked."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            found = queries.household(connection, true_on or today(), household_id)
        if found is None:
            raise HouseholdUnknown(household_id)
        return found

    _changing(routes, registry)
    return routes


def registration(registry: Registry, viewer: Viewer, body: Stated, as_of: date) -> RegisterHousehold:
    """What the body asks for. Raises Forbidden for another agency's list and for a place outside the viewer's division,
    InvalidRecord, DivisionNotInForce."""
    if viewer.scope.division is None and viewer.scope.agency != AGENCIES[body.list]:
        raise Forbidden("只能报送本部门的家庭", "An agency states its own households only", list=body.list)
    if body.division_code is not None:
        check_division(registry, viewer.scope, body.division_code, as_of)
    if viewer.scope.division is not None and not covers(viewer.scope, body.division_code or registry.division, None):
        raise Forbidden("不在您的辖区内", "This is no place of your division", division_code=body.division_code)
    return body.intent(registry.division, as_of)


def reach_of(viewer: Viewer, division: str) -> Reach:
    """The households that are the viewer's to see and to change in the installation of ``division``."""
    own = viewer.scope.division
    lists = frozenset(name for name, agency in AGENCIES.items() if own is not None or viewer.scope.agency == agency)
    return Reach(lists, "" if own is None or viewer.scope.holds(division) else own)


def _changing(routes: APIRouter, registry: Registry) -> None:
    def done(household_id: UUID, intent: HouseholdIntent, request: Request, viewer: Viewer, body: BaseModel) -> Changed:
        result = households.change_household(
            registry, reach_of(viewer, registry.division), intent, command_from(request, viewer, body)
        )
        return Changed(household_id=household_id, event_ids=result.event_ids)

    @routes.post("/households/{household_id}/head")
    def head(household_id: UUID, body: HeadChange, request: Request, viewer: Sender) -> Changed:
        """Another member heads the household."""
        return done(household_id, body.intent(household_id), request, viewer, body)

    @routes.post("/households/{household_id}/register-entry")
    def enter(household_id: UUID, body: Entry, request: Request, viewer: Sender) -> Changed:
        """The household is on the poverty register again (动态纳入)."""
        return done(household_id, body.intent(household_id), request, viewer, body)

    @routes.post("/households/{household_id}/join")
    def joining(household_id: UUID, body: Joining, request: Request, viewer: Sender) -> Changed:
        """Somebody belongs to the household from that day on (成员增加)."""
        return done(household_id, body.intent(household_id), request, viewer, body)

    @routes.post("/households/{household_id}/leave")
    def leaving(household_id: UUID, body: Leaving, request: Request, viewer: Sender) -> Changed:
        """A member belongs to it no longer (成员减少)."""
        return done(household_id, body.intent(household_id), request, viewer, body)

    @routes.post("/households/{household_id}/move")
    def move(household_id: UUID, body: Move, request: Request, viewer: Sender) -> Changed:
        """The household lives in another division or at another address (迁移)."""
        check_division(registry, viewer.scope, body.division_code, body.on)
        return done(household_id, body.intent(household_id), request, viewer, body)


def _member(told: Member) -> MemberRecord:
    """Raises InvalidRecord; an old 15-digit number, as grandparents hold it, is let pass and not kept as a number."""
    try:
        number = identity_number.parse(told.id_number).text
    except IdentityNumberError as error:
        if error.code not in ("empty", "fifteen_digit"):
            raise InvalidRecord([("id_number", error.code, error.message_zh, error.message_en)]) from None
        number = None
    return MemberRecord(told.name, number, told.relation, told.head)
