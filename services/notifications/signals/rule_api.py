"""The alert rules over HTTP: every version with who put it into force, and another one from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sqlalchemy import Connection

from services.notifications.errors import BadRules
from services.notifications.events import AlertRulesActivated
from services.notifications.signals.rules import canonical, content_hash, parse
from services.notifications.streams import Streams
from shared.database.database import Database
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.clock import today
from shared.web.commands import command_from
from shared.web.viewers import AID_CLERK, AUDITOR, SCHOOL, Viewer, require

Reader = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL, AUDITOR))]
Clerk = Annotated[Viewer, Depends(require(AID_CLERK))]


class Version(BaseModel):
    """One version of the rules, in force from ``effective_on`` until the next one's day. ``content`` as
    signals/rules.py declares it, with every default told."""

    version: int
    effective_on: date
    activated_by: str
    content: dict[str, Any]
    content_hash: str


class Activated(BaseModel):
    """The same answer however often the command is repeated."""

    event_ids: tuple[UUID, ...]


def router(database: Database, store: EventStore, streams: Streams) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/alert-rules")
    def versions(viewer: Reader) -> list[Version]:
        """Every version, the last activated first."""
        with database.writing() as connection:
            stored = store.load(connection, streams.alert_rules)
        found = [
            Version(
                version=number,
                effective_on=each.event.effective_on,
                activated_by=each.event.principal,
                content=msgspec.json.decode(canonical(parse(each.fact.content))),
                content_hash=each.fact.content_hash,
            )
            for number, each in enumerate(stored, 1)
            if isinstance(each.fact, AlertRulesActivated)
        ]
        return found[::-1]

    @routes.post("/alert-rules", status_code=201)
    def activate(body: dict[str, Any], request: Request, viewer: Clerk, as_of: date | None = None) -> Activated:
        """Other rules from ``as_of`` (default today) on, in the form that GET tells; what is left out has its default.
        A day before today is refused: what was raised then stands on the rules of then."""
        content = canonical(parse(msgspec.json.encode(body).decode()))
        command = command_from(request, viewer, content.encode())
        day = as_of or today()
        if day < today():
            raise BadRules("规则只能从今天或以后的日期起生效", "rules begin today or later", field="as_of")
        return Activated(event_ids=_activate(database, store, streams, content, day, command).event_ids)

    return routes


def _activate(
    database: Database, store: EventStore, streams: Streams, content: str, as_of: date, command: Command
) -> Result:
    stream = streams.alert_rules
    fact = AlertRulesActivated(content=content, content_hash=content_hash(content))

    def decide(connection: Connection) -> Sequence[Proposed]:
        streams.lock(connection, [stream])
        return [Proposed(stream, len(store.load(connection, stream)), fact, as_of)]

    return store.run(database, command, decide)
