"""How good the rules are, over HTTP: their published figures."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends

from services.notifications.whatif.figures import RuleFigure, figures
from services.notifications.whatif.outcomes import RULE_FIGURES
from shared.database.database import Database
from shared.kernel.clock import today
from shared.web.viewers import AID_CLERK, AUDITOR, SCHOOL, Viewer, require

Reader = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL, AUDITOR))]


def router(database: Database) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/alert-rules/figures")
    def rule_figures(viewer: Reader, true_on: date | None = None) -> list[RuleFigure]:
        """Precision, lead time and whether help followed, per version of the rules and kind."""
        with database.reading(viewer.scope, RULE_FIGURES.name) as connection:
            return figures(connection, true_on or today())

    return routes
