"""Left-behind children over HTTP: for the school and the centre, who was not heard of for longest first."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.notifications.care.contacts import NEVER, LeftBehindRow, contact_days, left_behind
from services.notifications.errors import NoRulesYet
from services.notifications.projections import ALERTS_VIEW
from services.notifications.signals.watching import NAME as WATCHING
from shared.database.database import Database, driver
from shared.kernel.clock import today
from shared.messaging.builds import enter_live
from shared.standards.rights import Right
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.ALERTS_READ))]
Turn = Annotated[PageTurn, Depends(page_turn)]


def router(database: Database) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/left-behind")
    def children(
        viewer: Reader,
        turn: Turn,
        due: bool = False,
        school: Annotated[str | None, Query(max_length=64)] = None,
        true_on: date | None = None,
    ) -> Page[LeftBehindRow]:
        """Left-behind children at school; ``due``: only those not heard of for longer than the rules allow."""
        day = true_on or today()
        with database.working() as working:
            enter_live(driver(working), WATCHING)
            allowed = contact_days(working, day)
        if allowed is None:
            raise NoRulesYet("尚无预警规则", "there are no alert rules yet")
        with database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            rows = left_behind(connection, day, turn, allowed, due=due, school=school)
        return page_of(rows, turn, key=lambda row: (row.heard_on or NEVER, row.student_id))

    return routes
