"""Snapshots over HTTP, for who runs the installation: what there is, and dropping all of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from services.audit.erasure.desk import Desk
from services.audit.erasure.erasure_api import whole_division
from services.audit.events import SnapshotsDropped
from services.audit.snapshots.snapshotter import Snapshotter
from shared.eventsourcing.store import Proposed
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.LOGS_READ))]
KeyKeeper = Annotated[Viewer, Depends(require(Right.KEYS_ROTATE))]


class KeptRow(BaseModel):
    """The snapshots of one projection that may be used now: how many, and the longest one's moment and events."""

    projection: str
    snapshots: int
    known_at: datetime | None
    events: int


class Kept(BaseModel):
    """``every_events``, ``kept``: as set. ``sealed_bytes``: of all. ``unusable``: ids of those to be dropped next."""

    every_events: int
    kept: int
    sealed_bytes: int
    unusable: list[UUID]
    items: list[KeptRow]


class Dropped(BaseModel):
    snapshots: int


def snapshot_routes(snapshotter: Snapshotter, desk: Desk, division: str) -> APIRouter:
    """The routes under /v1/snapshots."""
    routes = APIRouter(prefix="/v1/snapshots", dependencies=[Depends(whole_division(division))])
    shelf = snapshotter.shelf

    @routes.get("")
    def snapshots(_viewer: Reader) -> Kept:
        items = []
        for name, heads in sorted(shelf.usable_of(snapshotter.projections.values()).items()):
            known_at, events = (heads[0].known_at, heads[0].events) if heads else (None, 0)
            items.append(KeptRow(projection=name, snapshots=len(heads), known_at=known_at, events=events))
        return Kept(
            every_events=snapshotter.every_events,
            kept=snapshotter.kept,
            sealed_bytes=shelf.sealed_bytes(),
            unusable=shelf.unusable(snapshotter.projections.values()),
            items=items,
        )

    @routes.post("/drop")
    def drop(request: Request, viewer: KeyKeeper) -> Dropped:
        """Destroy the keys of all of them and remove them; those that are due are written anew. Recorded before."""
        command = command_from(request, viewer, None)
        ids = shelf.unusable(())
        fact = SnapshotsDropped(snapshots=len(ids), dropped_by=viewer.principal)
        desk.store.run(desk.database, command, lambda _connection: [Proposed(new_event_id(), 0, fact, today())])
        shelf.drop(ids)
        return Dropped(snapshots=len(ids))

    return routes
