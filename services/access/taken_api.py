"""What somebody takes away that no service made: a page of the portal, put together from several answers and written as
a file there. The portal has no log; it asks access to record it before a byte leaves."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.access.events import DataExported
from shared.database.database import Database
from shared.eventsourcing.store import EventStore, Proposed
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right
from shared.web.acts import posted
from shared.web.commands import command_from
from shared.web.disclosures import told
from shared.web.viewers import Viewer, require

# Whoever may see the page may take it away; whose rows stand in it is decided by the services that gave them.
SignedIn = Annotated[Viewer, Depends(require(Right.SIGNED_IN))]


class TakenBody(BaseModel):
    """``page``: its address without what was asked for; ``asked``: the conditions, of which typed words are masked
    here; ``sha256`` (hex) and ``size`` (bytes) of the file, None for a page that is printed; ``rows`` in it."""

    model_config = ConfigDict(extra="forbid")

    page: str = Field(pattern=r"^/[a-z_/.{}-]{1,80}$")
    asked: dict[str, str] = Field(default_factory=dict, max_length=40)
    rows: int | None = Field(None, ge=0, le=10**9)
    size: int | None = Field(None, ge=0, le=10**12)
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")


class Recorded(BaseModel):
    """That it is recorded; the file may leave now."""

    event_id: UUID


def taken_routes(store: EventStore, database: Database) -> APIRouter:
    """The route under /v1. ``store``: access's own."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/files-taken")
    def taken(body: TakenBody, request: Request, viewer: SignedIn) -> Recorded:
        """Record, under the name of whoever asks, that they take a page of the portal away."""
        command = command_from(request, viewer, body)
        proposed = _proposed(body, viewer, today())
        done = store.run(database, command, lambda _connection: [proposed])
        return Recorded(event_id=done.event_ids[0])

    return routes


def _proposed(body: TakenBody, viewer: Viewer, day: date) -> Proposed:
    export_id = new_event_id()
    fact = DataExported(
        export_id=export_id,
        route=f"GET {body.page}",
        phase="given",
        filters=told(body.asked),
        rows=body.rows,
        size=body.size,
        sha256=body.sha256,
        **posted(viewer),
    )
    return Proposed(export_id, 0, fact, day)
