"""The invented county's logs: a real tree of a few records, signed and cosigned, and an alarm that can be noted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from services.portal.settings import SERVICES
from shared.kernel.refusals import Malformed
from shared.transparency.answers import InclusionProof
from shared.transparency.checkpoints import Checkpoint, cosigned, issue, log_signers, witness_name
from shared.transparency.notes import COSIGNATURE_KIND, Signer
from shared.transparency.proving import inclusion_proof
from shared.transparency.tree import folded
from shared.web import Viewer
from shared.web.pages import Page
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
SIZE = 11
SEEN_AT = 1_725_152_523  # 2024-09-01 in Shanghai


class CountyLogs:
    """``alarms``: what was found wrong; a note makes one acknowledged."""

    def __init__(self, told: Callable[[Request, Viewer, Any], None]) -> None:
        self._told = told
        self.alarms: list[Row] = []

    def router(self) -> APIRouter:
        r = APIRouter()

        @r.get("/registry/v1/term-tasks")
        def term_tasks(who: Who) -> Page[Row]:
            day = {"opens_on": "2024-08-15", "due_on": "2024-08-20"}
            return Page(items=[{"task": "reference_date", "title": "认定基准日", **day}])

        for name in SERVICES:
            self._log(r, name)
        self._alarms(r)

        @r.get("/audit/v1/witness")
        def witness(who: Who) -> Page[Row]:
            return Page(items=[{"service": name, "size": SIZE} for name in SERVICES])

        @r.get("/audit/v1/witness/{service}/checkpoint", response_class=PlainTextResponse)
        def checkpoint(who: Who, service: str) -> str:
            witness = Signer(witness_name("460100"), COSIGNATURE_KIND, b"w" * 32)
            return cosigned(_note(service), witness, SEEN_AT)

        return r

    def _log(self, r: APIRouter, name: str) -> None:
        @r.get(f"/{name}/v1/log/checkpoint", response_class=PlainTextResponse)
        def checkpoint(who: Who) -> str:
            return _note(name)

        @r.get(f"/{name}/v1/log/proof/inclusion")
        def inclusion(who: Who, index: int) -> InclusionProof:
            leaves = _leaves(name)
            path = inclusion_proof(index - 1, SIZE, lambda level, place: folded(leaves[place << level :][: 1 << level]))
            return InclusionProof(
                origin=f"rollcall/460100/{name}",
                log_index=index,
                size=SIZE,
                leaf=leaves[index - 1],
                path=path,
                checkpoint=_note(name),
            )

        @r.get(f"/{name}/v1/log/events/{{index}}")
        def event(who: Who, index: int) -> Row:
            return {"logindex": index}

    def _alarms(self, r: APIRouter) -> None:
        @r.get("/audit/v1/alarms")
        def alarms(who: Who) -> Row:
            return {"items": self.alarms}

        @r.get("/audit/v1/alarms/standing")
        def standing(who: Who) -> Row:
            states = [alarm["state"] for alarm in self.alarms]
            first = self.alarms[0] if self.alarms else None
            return {"open": states.count("open"), "acknowledged": states.count("acknowledged"), "first": first}

        @r.post("/audit/v1/alarms/acknowledge")
        def acknowledge(request: Request, who: Who, body: Row) -> Row:
            if len(body["note"]) < 4:
                raise Malformed("请写明在做什么", "Say what is being done")
            self._told(request, who, body)
            note = {"note": body["note"], "by": who.principal, "at": "2024-09-01T01:02:03Z"}
            self.alarms[0] |= {"state": "acknowledged", "notes": [note]}
            return {"event_ids": []}

        @r.get("/audit/v1/comparisons")
        def comparisons(who: Who) -> Row:
            at = "2024-09-01T01:02:03Z"
            row = {"service": "registry", "day": "2024-09-01", "rounds": 90, "size": SIZE, "ended_at": at}
            green = row | {"compared": "store", "green": 90, "green_at": at, "first_wrong": None}
            return {"items": [green, row | {"compared": "topic", "green": 89, "green_at": None, "first_wrong": 7}]}


def _leaves(name: str) -> list[bytes]:
    return [hashlib.sha256(f"{name} {number}".encode()).digest() for number in range(SIZE)]


def _note(name: str) -> str:
    root = folded(_leaves(name))
    signers = log_signers(f"//rollcall/460100/{name}", [b"1" * 32])
    return issue(Checkpoint(f"rollcall/460100/{name}", SIZE, root), signers)
