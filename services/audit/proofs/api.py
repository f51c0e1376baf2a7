"""What the witness says: cosigned checkpoints, and how far store and topic were compared with the archive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from services.audit.errors import NotCosignedYet, UnknownView
from services.audit.proofs.archive_tree import covering, last_cosigned
from shared.database.database import Database, driver
from shared.standards.rights import Right
from shared.web.viewers import Viewer, require

SignedIn = Annotated[Viewer, Depends(require(Right.SIGNED_IN))]

_PROGRESS = """
SELECT s.service, c.size, encode(c.root, 'base64'), c.cosigned_at, coalesce(p.next_index - 1, 0),
       coalesce(p.rounds, 0), p.round_ended_at, coalesce(p.topic_rounds, 0), p.topic_round_ended_at
FROM unnest(%s::text[]) WITH ORDINALITY AS s (service, place)
LEFT JOIN witness_progress p ON p.service = s.service
LEFT JOIN LATERAL (
    SELECT size, root, cosigned_at FROM cosignatures WHERE service = s.service ORDER BY size DESC LIMIT 1
) c ON true
ORDER BY s.place
"""


class WitnessRow(BaseModel):
    """What the witness last cosigned of a log (null: nothing yet); up to which index this round has compared the
    store, how many rounds are done and when the last one ended; the same for the topic."""

    service: str
    size: int | None
    root: str | None
    cosigned_at: datetime | None
    compared_to: int
    rounds: int
    round_ended_at: datetime | None
    topic_rounds: int
    topic_round_ended_at: datetime | None


class WitnessRows(BaseModel):
    items: list[WitnessRow]


def witness_routes(database: Database, services: tuple[str, ...]) -> APIRouter:
    """The routes under /v1/witness; nothing in them is personal: for everybody who is signed in."""
    routes = APIRouter(prefix="/v1/witness")

    @routes.get("")
    def progress(_viewer: SignedIn) -> WitnessRows:
        with database.working() as connection:
            return WitnessRows(items=_rows(driver(connection), services))

    @routes.get("/{service}/checkpoint", response_class=PlainTextResponse)
    def checkpoint(
        service: str, _viewer: SignedIn, index: Annotated[int | None, Query(ge=1)] = None
    ) -> PlainTextResponse:
        """The last cosigned checkpoint, or the first that covers the event at ``index``, as a signed note."""
        if service not in services:
            raise UnknownView("没有这个服务的记录", "there is no such log", services=list(services))
        with database.working() as connection:
            raw = driver(connection)
            found = last_cosigned(raw, service) if index is None else covering(raw, service, index)
        if found is None:
            raise NotCosignedYet("见证方尚未签署", "the witness has not cosigned this yet", service=service)
        return PlainTextResponse(found.note)

    return routes


def _rows(raw: psycopg.Connection[Any], services: tuple[str, ...]) -> list[WitnessRow]:
    names = list(WitnessRow.model_fields)
    rows = raw.execute(_PROGRESS, (list(services),))
    return [WitnessRow.model_validate(dict(zip(names, row, strict=True))) for row in rows]
