"""Keys of agencies over HTTP: issued by administrators, shown, rotated and revoked by the agency's publisher as well,
exchanged by machines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.access.accounts.account_api import Done
from services.access.acting import administrator
from services.access.desk import Desk
from services.access.errors import MachinesOwn, UnknownAccount
from services.access.events import AgencyKeyIssued
from services.access.keys import agency_keys
from services.access.keys.agency_keys import Keeper, Rotation
from services.access.sessions.session_api import Given
from shared.kernel.clock import utc_now
from shared.standards.rights import Right
from shared.web.authentication import Unauthenticated
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.AGENCY_KEYS_READ))]
Rotator = Annotated[Viewer, Depends(require(Right.AGENCY_KEYS_ROTATE))]
Issuer = Annotated[Viewer, Depends(require(Right.AGENCY_KEYS_ISSUE))]
SCHEME = "key"
MACHINE = "agency-key:"


class KeyBody(BaseModel):
    """``label``: which machine has it; ``until``: the first day on which it is no longer good."""

    model_config = ConfigDict(extra="forbid")

    agency: str = Field(pattern=r"^[a-z_]{1,64}$")
    label: str = Field(min_length=1, max_length=80)
    until: date


class RotateBody(BaseModel):
    """``until``: of the new key, as in KeyBody; ``valid_until``: the moment until which the former one is good."""

    model_config = ConfigDict(extra="forbid")

    until: date
    valid_until: AwareDatetime


class Issued(BaseModel):
    """``key``: shown now and never again; None when the same command was done before."""

    key_id: UUID
    key: str | None


class KeyRow(BaseModel):
    """One key; ``used_at``: when it was last exchanged, to the minute; ``issued_by_name``: who made it, None where it
    is not the viewer's to know; ``ends_at``: until when it is good beside the one it was ``replaced_by``."""

    key_id: UUID
    agency: str
    label: str
    issued_at: datetime
    issued_by_name: str | None
    until: date
    used_at: datetime | None
    revoked: bool
    ends_at: datetime | None
    replaced_by: UUID | None


class Keys(BaseModel):
    items: list[KeyRow]


def agency_key_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/agency-keys, and the exchange."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/agency-keys")
    def keys(viewer: Reader) -> Keys:
        rows = agency_keys.keys(desk, _keeper(viewer))
        names = _names(desk, {row.issued_by for row in rows})
        items = [KeyRow(**row._asdict(), issued_by_name=names.get(row.issued_by)) for row in rows]
        return Keys(items=items)

    @routes.post("/agency-keys")
    def issue(body: KeyBody, request: Request, viewer: Issuer) -> Issued:
        command = command_from(request, viewer, body)
        key_id = desk.streams.agency_key(viewer.principal, command.command_id)
        told = AgencyKeyIssued(
            key_id=key_id,
            agency=body.agency,
            label=body.label,
            until=body.until,
            division_code=desk.division,
            by=viewer.principal,
        )
        made = agency_keys.issue(desk, _keeper(viewer), key_id, told, command, utc_now())
        return Issued(**made._asdict())

    @routes.post("/agency-keys/{key_id}/rotate")
    def rotate(key_id: UUID, body: RotateBody, request: Request, viewer: Rotator) -> Issued:
        """Another key for the same machine; the former one is good for a while beside it."""
        command = command_from(request, viewer, body)
        fresh_id = desk.streams.agency_key(viewer.principal, command.command_id)
        wanted = Rotation(key_id, fresh_id, body.until, body.valid_until)
        return Issued(**agency_keys.rotate(desk, _keeper(viewer), wanted, command, utc_now())._asdict())

    @routes.post("/agency-keys/{key_id}/revoke")
    def revoke(key_id: UUID, request: Request, viewer: Rotator) -> Done:
        """End a key, and at once every token it was exchanged for."""
        command = command_from(request, viewer, None)
        result = agency_keys.revoke(desk, _keeper(viewer), key_id, command, utc_now())
        return Done(id=key_id, event_id=result.event_ids[0])

    @routes.post("/agency-token")
    def exchange(request: Request) -> Given:
        """A token of at most five minutes for ``Authorization: Key …``."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != SCHEME:
            raise Unauthenticated("no key")
        made = agency_keys.exchanged(desk, key.strip(), utc_now())
        return Given(access_token=made.token, expires_in=made.seconds)

    return routes


def _keeper(viewer: Viewer) -> Keeper:
    """A person who looks after keys; who found a machine's key makes no further ones of it. Raises MachinesOwn,
    NotYours."""
    if viewer.principal.startswith(MACHINE):
        raise MachinesOwn
    if viewer.scope.agency is not None:
        return Keeper(viewer.principal, agency=viewer.scope.agency)
    return Keeper(viewer.principal, administrator=administrator(viewer))


def _names(desk: Desk, accounts: set[str]) -> dict[str, str]:
    """Account → name, of those who have one still."""
    found = {}
    with desk.database.writing() as connection:
        for each in accounts:
            try:
                personal = desk.opened(connection, UUID(each)).personal
            except (ValueError, UnknownAccount):
                continue
            if personal is not None:
                found[each] = personal.name
    return found
