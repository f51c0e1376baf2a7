"""The rule of retention and the rotation of the key-encryption key over HTTP, for who sees the whole division."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from services.audit.erasure import erasure_queries
from services.audit.erasure.desk import Desk, activate_rule
from services.audit.erasure.erasure_api import Done, whole_division
from services.audit.erasure.retention import RetentionRule
from services.audit.erasure.rotating import Rotating, RotationState
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Anyone = Annotated[Viewer, Depends(require(Right.ERASURES_READ))]
Approver = Annotated[Viewer, Depends(require(Right.RETENTION_SET))]
KeyKeeper = Annotated[Viewer, Depends(require(Right.KEYS_ROTATE))]


class WantRule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    years_after_leaving: int
    from_day: date | None = None


class Rule(BaseModel):
    years_after_leaving: int
    content_hash: str


def rule_routes(desk: Desk, rotating: Rotating, division: str) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(whole_division(division))])

    @routes.get("/retention-rule")
    def rule(_viewer: Anyone) -> Rule:
        with desk.database.working() as connection:
            found = erasure_queries.rule_on(connection, today())
        return Rule(years_after_leaving=found.rule.years_after_leaving, content_hash=found.content_hash)

    @routes.post("/retention-rule")
    def set_rule(body: WantRule, request: Request, viewer: Approver) -> Done:
        command = command_from(request, viewer, body)
        wanted = RetentionRule(years_after_leaving=body.years_after_leaving)
        result = activate_rule(desk, wanted, viewer.principal, body.from_day or today(), command)
        return Done(event_ids=list(result.event_ids))

    @routes.get("/keys/rotation")
    def rotation(_viewer: Anyone) -> RotationState:
        return rotating.state()

    @routes.post("/keys/rotation")
    def rotate(request: Request, viewer: KeyKeeper) -> RotationState:
        rotating.start(viewer.principal, command_from(request, viewer, None))
        return rotating.state()

    return routes
