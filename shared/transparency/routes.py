"""The routes of a transparency log, the same in every service: /v1/log/…

Checkpoints, keys and proofs hold nothing but hashes: everybody who is signed in may have them, so that anybody can be a
witness. An event itself, sealed as it is, goes to auditors and the clerk of the whole division.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse, Response

from shared.database.database import Database, driver
from shared.eventsourcing import log as event_log
from shared.standards.rights import Right
from shared.transparency.answers import ConsistencyProof, InclusionProof, LogKey, LogKeys, StoreRange, Tile
from shared.transparency.checkpointer import Signed, latest, own_nodes
from shared.transparency.checkpoints import origin_of
from shared.transparency.exported import to_line
from shared.transparency.nodes import STEP, TILE, HashMissing, Remembered
from shared.transparency.proving import consistency_proof, inclusion_proof
from shared.transparency.refusals import (
    AskForOne,
    LogDamaged,
    NoSuchCheckpoint,
    NoSuchEvent,
    NothingSigned,
    NotSignedYet,
    NotTheWitness,
    RangeTooWide,
)
from shared.transparency.store_ranges import RANGE_EVENTS, held, is_witness, range_root
from shared.web.viewers import Viewer, require

SignedIn = Annotated[Viewer, Depends(require(Right.SIGNED_IN))]
Auditor = Annotated[Viewer, Depends(require(Right.LOGS_READ))]
Index = Annotated[int, Query(ge=1)]


def log_routes(database: Database, source: str, division: str) -> APIRouter:
    """The routes over the log of ``database`` for people: keys, checkpoints, proofs, single events."""
    routes = APIRouter(prefix="/v1/log", tags=["log"])
    proofs = Proofs(source, database.service)

    @routes.get("/keys")
    def keys(_viewer: SignedIn) -> LogKeys:
        with database.working() as connection:
            return proofs.keys(driver(connection))

    @routes.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint(_viewer: SignedIn, size: Annotated[int | None, Query(ge=1)] = None) -> PlainTextResponse:
        """The last signed checkpoint, or the one over ``size`` events, as a signed note."""
        with database.working() as connection:
            return PlainTextResponse(proofs.signed(driver(connection), size).note)

    @routes.get("/proof/inclusion")
    def inclusion(
        _viewer: SignedIn,
        index: Annotated[int | None, Query(ge=1)] = None,
        event_id: UUID | None = None,
        size: Annotated[int | None, Query(ge=1)] = None,
    ) -> InclusionProof:
        """That an event is in the tree of the last checkpoint, or of the one over ``size`` events."""
        if (index is None) == (event_id is None):
            raise AskForOne("请给出序号或事件编号之一", "give index or event_id")
        with database.working() as connection:
            raw = driver(connection)
            found = index if event_id is None else proofs.index_of(raw, event_id)
            assert found is not None
            return proofs.inclusion(raw, found, size)

    @routes.get("/proof/consistency")
    def consistency(
        _viewer: SignedIn,
        from_size: Annotated[int, Query(ge=1, alias="from")],
        to_size: Annotated[int | None, Query(ge=1, alias="to")] = None,
    ) -> ConsistencyProof:
        """That the tree of one checkpoint (default: the last) begins with the tree of an earlier one."""
        with database.working() as connection:
            return proofs.consistency(driver(connection), from_size, to_size)

    @routes.get("/events/{index}")
    def event(index: int, viewer: Auditor) -> Response:
        """One event as it is hashed, its personal blocks sealed: a line that `./rollcall verify inclusion` reads."""
        with database.working() as connection:
            entries = event_log.page(driver(connection), source, index - 1, 1)
        if not entries or not viewer.scope.holds(division):
            raise NoSuchEvent("没有这条记录", "there is no such event", index=index)
        return Response(to_line(entries[0].logged), media_type="application/json")

    return routes


def store_routes(database: Database, source: str, secret: Callable[[], bytes]) -> APIRouter:
    """What the store holds and which nodes it keeps, for the installation's own witness. ``secret``: what that witness
    signs its requests with."""
    routes = APIRouter(prefix="/v1/log/store", tags=["log"])

    def witness(request: Request) -> None:
        asked = f"{request.url.path}?{request.url.query}"
        if not is_witness(secret(), asked, request.headers.get("authorization", "")):
            raise NotTheWitness("仅供本系统的见证方使用", "only this installation's witness may ask this")

    @routes.get("", dependencies=[Depends(witness)])
    def store(first: Index, last: Index) -> StoreRange:
        """A range of indexes, hashed anew from the event rows."""
        if not first <= last < first + RANGE_EVENTS:
            raise RangeTooWide("范围过大", "the range is too wide", events_max=RANGE_EVENTS)
        with database.working() as connection:
            raw = driver(connection)
            rows, leaves = held(raw, source, first, last)
            size = event_log.head(raw).log_index
        return StoreRange(first=first, last=last, rows=range_root(rows), leaves=range_root(leaves), size=size)

    @routes.get("/tiles", dependencies=[Depends(witness)])
    def tile(
        level: Annotated[int, Query(ge=0, le=56, multiple_of=STEP)],
        first: Annotated[int, Query(ge=0)],
        count: Annotated[int, Query(ge=1, le=TILE)],
    ) -> Tile:
        """Hashes of the tree at level 0 (leaves), 8, 16 …: they show where two trees part."""
        with database.working() as connection:
            try:
                hashes = own_nodes(driver(connection), database.service).hashes(level, first, count)
            except HashMissing as missing:
                raise NoSuchEvent("没有这些哈希", "there are no such hashes", first=first, count=count) from missing
        return Tile(level=level, first=first, hashes=hashes)

    return routes


class Proofs:
    """Proofs from the log and its nodes, in the caller's transaction."""

    def __init__(self, source: str, service: str) -> None:
        self._origin, self._service = origin_of(source), service
        self._remembered = Remembered()

    def keys(self, raw: psycopg.Connection[Any]) -> LogKeys:
        """Every key this log signed with, oldest first."""
        rows = raw.execute("SELECT vkey, since_size FROM log_keys ORDER BY since, vkey")
        return LogKeys(origin=self._origin, items=[LogKey(vkey=vkey, since_size=since) for vkey, since in rows])

    def signed(self, raw: psycopg.Connection[Any], size: int | None) -> Signed:
        """A stored checkpoint. Raises NothingSigned, NoSuchCheckpoint."""
        found = latest(raw, size)
        if found is not None:
            return found
        last = latest(raw)
        if last is None:
            raise NothingSigned("尚未签发检查点", "no checkpoint was signed yet")
        raise NoSuchCheckpoint("没有这个大小的检查点", "no checkpoint has this size", size=size, last=last.size)

    def index_of(self, raw: psycopg.Connection[Any], event_id: UUID) -> int:
        """The log index of an event. Raises NoSuchEvent, NotSignedYet."""
        row = raw.execute(
            "SELECT l.log_index FROM events e LEFT JOIN log l ON l.position = e.position WHERE e.event_id = %s",
            (event_id,),
        ).fetchone()
        if row is None:
            raise NoSuchEvent("没有这条记录", "there is no such event")
        if row[0] is None:
            raise NotSignedYet("该记录尚未签入检查点,请稍后再试", "no checkpoint covers this event yet; try again")
        return int(row[0])

    def inclusion(self, raw: psycopg.Connection[Any], index: int, size: int | None) -> InclusionProof:
        """Raises NothingSigned, NoSuchCheckpoint, NotSignedYet, NoSuchEvent, LogDamaged."""
        signed = self.signed(raw, size)
        if index > signed.size:
            if index > event_log.head(raw).log_index:
                raise NoSuchEvent("没有这条记录", "there is no such event", index=index)
            raise NotSignedYet(
                "该记录尚未签入检查点,请稍后再试", "no checkpoint covers this event yet; try again", size=signed.size
            )
        try:
            nodes = own_nodes(raw, self._service).at(signed.size)
            path = inclusion_proof(index - 1, signed.size, self._remembered.over(nodes))
            leaf = nodes.node(0, index - 1)
        except HashMissing as missing:
            raise _damaged(missing) from missing
        return InclusionProof(
            origin=self._origin, log_index=index, size=signed.size, leaf=leaf, path=path, checkpoint=signed.note
        )

    def consistency(self, raw: psycopg.Connection[Any], from_size: int, to_size: int | None) -> ConsistencyProof:
        """Raises NothingSigned, NoSuchCheckpoint, LogDamaged."""
        newer = self.signed(raw, to_size)
        if from_size > newer.size:
            raise NoSuchCheckpoint(
                "较早的检查点比较晚的大", "the earlier checkpoint is larger", size=from_size, last=newer.size
            )
        try:
            nodes = own_nodes(raw, self._service).at(newer.size)
            path = consistency_proof(from_size, newer.size, self._remembered.over(nodes))
        except HashMissing as missing:
            raise _damaged(missing) from missing
        return ConsistencyProof(origin=self._origin, from_size=from_size, to_size=newer.size, path=path)


def _damaged(missing: HashMissing) -> LogDamaged:
    return LogDamaged(
        "日志与已签发的检查点不符,无法出具证明",
        "the log no longer holds what was signed; nothing is proved from it",
        level=missing.level,
        place=missing.place,
    )
