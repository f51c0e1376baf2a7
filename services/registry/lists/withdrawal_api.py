"""Taking a submission back over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from services.registry.events import WithdrawalReason
from services.registry.handlers import Registry
from services.registry.lists.withdrawals import Withdrawals
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Sender = Annotated[Viewer, Depends(require(Right.LISTS_SEND))]


class Withdrawal(BaseModel):
    """Why a submission is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: WithdrawalReason


class Withdrawn(BaseModel):
    """``rows`` the submission spoke of = ``left`` the list again + ``restored`` to what they said before + ``returned``
    to the list + ``kept`` as a later submission says + ``unaffected``."""

    submission_id: UUID
    rows: int
    left: int
    restored: int
    returned: int
    kept: int
    unaffected: int


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    withdrawals = Withdrawals(registry)

    @routes.post("/submissions/{submission_id}/withdraw")
    def withdraw(submission_id: UUID, body: Withdrawal, request: Request, viewer: Sender) -> Withdrawn:
        """Undo what a submission did, row by row; what a later submission says of a row stays."""
        command = command_from(request, viewer, body)
        fact = withdrawals.withdraw(submission_id, viewer.scope, viewer.principal, body.reason, today(), command)
        counts = {name: getattr(fact, name) for name in Withdrawn.model_fields if name != "submission_id"}
        return Withdrawn(submission_id=submission_id, **counts)

    return routes
