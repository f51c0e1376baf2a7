"""Keys of agencies over HTTP: issued, shown and revoked by administrators, exchanged by machines."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.access import agency_keys
from services.access.account_api import Done, Keeper
from services.access.acting import administrator
from services.access.desk import Desk
from services.access.events import AgencyKeyIssued
from services.access.session_api import Given
from shared.kernel.clock import utc_now
from shared.web.authentication import Unauthenticated
from shared.web.commands import command_from

SCHEME = "key"


class KeyBody(BaseModel):
    """``label``: which machine has it; ``until``: the first day on which it is no longer good."""

    model_config = ConfigDict(extra="forbid")

    agency: str = Field(pattern=r"^[a-z_]{1,64}$")
    label: str = Field(min_length=1, max_length=80)
    until: date


class Issued(BaseModel):
    """``key``: shown now and never again; None when the same command was done before."""

    key_id: UUID
    key: str | None


class KeyRow(BaseModel):
    """One key; ``used_at``: when it was last exchanged, to the minute."""

    key_id: UUID
    agency: str
    label: str
    issued_at: datetime
    until: date
    used_at: datetime | None
    revoked: bool


class Keys(BaseModel):
    items: list[KeyRow]


def agency_key_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/agency-keys, and the exchange."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/agency-keys")
    def keys(viewer: Keeper) -> Keys:
        return Keys(items=[KeyRow(**row._asdict()) for row in agency_keys.keys(desk, administrator(viewer))])

    @routes.post("/agency-keys")
    def issue(body: KeyBody, request: Request, viewer: Keeper) -> Issued:
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
        made = agency_keys.issue(desk, administrator(viewer), key_id, told, command, utc_now())
        return Issued(**made._asdict())

    @routes.post("/agency-keys/{key_id}/revoke")
    def revoke(key_id: UUID, request: Request, viewer: Keeper) -> Done:
        """End a key, and at once every token it was exchanged for."""
        command = command_from(request, viewer, None)
        result = agency_keys.revoke(desk, administrator(viewer), key_id, command, utc_now())
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
