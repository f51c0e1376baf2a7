"""One's own notification settings over HTTP, and for a county clerk who is reached by what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.delivery import contacts, receivers
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.message_api import Responsible, place
from services.notifications.delivery_errors import AddressUnfit
from services.notifications.delivery_events import ContactPersonal, ContactSet, Digest
from shared.database.database import driver
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.entity_tags import expected_version, set_entity_tag
from shared.web.viewers import Viewer, require

Clerk = Annotated[Viewer, Depends(require(Right.CONTACTS_READ))]
Hour = Annotated[int, Field(ge=0, le=23)]
SHOWN = 500


class Settings(BaseModel):
    """As in ContactSet. The page's inbox always is; ``channels`` come besides. An address left out is forgotten."""

    model_config = ConfigDict(extra="forbid")

    channels: list[Literal["email", "sms"]] = Field(default=[], max_length=2)
    email: str | None = Field(default=None, max_length=254)
    phone: str | None = Field(default=None, max_length=20)
    digest: Digest = "at_once"
    digest_hour: Hour = 8
    digest_weekday: int = Field(default=0, ge=0, le=6)
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None
    urgent_breaks_quiet: bool = True
    language: Literal["zh", "en"] = "zh"


class Own(Settings):
    """One's own settings with the place they are for; ``version`` 0: nothing was set, these are the defaults.
    ``offered``: the channels this installation has."""

    division_code: str
    school_code: str | None
    version: int
    offered: list[str]


class Reached(BaseModel):
    """Who is reached by what; addresses masked."""

    contact_id: UUID
    principal: str
    division_code: str
    school_code: str | None
    channels: list[str]
    digest: str
    email: str
    phone: str
    set_at: datetime


def router(desk: Desk, *, sms: bool) -> APIRouter:
    """The routes under /v1. ``sms``: a gateway is configured."""
    routes = APIRouter(prefix="/v1")

    def own(viewer: Viewer) -> Own:
        where = place(desk, viewer)
        with desk.database.writing() as connection:
            fact, version = contacts.contact_of(desk, connection, desk.streams.contact(viewer.principal))
        given: dict[str, Any] = {}
        if fact is not None:
            given = {name: getattr(fact, name) for name in Settings.model_fields if hasattr(fact, name)}
            given["channels"] = list(fact.channels)
            if fact.personal is not None:
                given |= {"email": fact.personal.email, "phone": fact.personal.phone}
        offered = ["email", "sms"] if sms else ["email"]
        given |= {"division_code": where.division_code, "school_code": where.school_code}
        return Own(**given, version=version, offered=offered)

    @routes.get("/contacts/me")
    def mine(response: Response, viewer: Responsible) -> Own:
        """How the caller is reached; the ETag is what If-Match of a change names."""
        found = own(viewer)
        set_entity_tag(response, found.version)
        return found

    @routes.put("/contacts/me")
    def put(body: Settings, request: Request, response: Response, viewer: Responsible) -> Own:
        """Set it anew, for the place the caller's own token covers."""
        where = place(desk, viewer)
        command = command_from(request, viewer, body)
        stream = desk.streams.contact(viewer.principal)
        if "sms" in body.channels and not sms:
            raise AddressUnfit("channels", "没有配置短信网关", "No SMS gateway is configured")
        plain = body.model_dump(exclude={"email", "phone", "channels"})
        fact = ContactSet(
            division_code=where.division_code,
            school_code=where.school_code,
            channels=tuple(sorted(set(body.channels))),
            personal=ContactPersonal(person_id=stream, email=body.email or None, phone=body.phone or None),
            **plain,
        )
        contacts.set_contact(desk, where, fact, command, expected_version(request), today())
        found = own(viewer)
        set_entity_tag(response, found.version)
        return found

    @routes.get("/contacts")
    def reached(viewer: Clerk) -> list[Reached]:
        """Who is reached by what in the viewer's division; addresses masked."""
        with desk.database.reading(viewer.scope, VIEW) as connection:
            found = receivers.of_kind(driver(connection), "contact", SHOWN)
        return [
            Reached(
                contact_id=each.receiver_id,
                principal=each.principal,
                division_code=each.division_code,
                school_code=each.school_code,
                channels=each.channels,
                digest=str(each.habits.get("digest", "")),
                email=each.shown.get("email", ""),
                phone=each.shown.get("phone", ""),
                set_at=each.set_at,
            )
            for each in found
        ]

    return routes
