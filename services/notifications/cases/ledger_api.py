"""The ledgers over HTTP: counts by township and school, the children behind each count, the trend."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.notifications.cases import ledgers
from services.notifications.cases.ledgers import WEEKS_MOST, Board, Ledger, LedgerChild, Week
from services.notifications.projections import ALERTS_VIEW
from shared.database.database import Database
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.ALERTS_READ))]
Counter = Annotated[Viewer, Depends(require(Right.ALERTS_COUNT))]
Turn = Annotated[PageTurn, Depends(page_turn)]


def router(database: Database) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/ledgers")
    def board(viewer: Counter, true_on: date | None = None) -> Board:
        """How many children of each ledger every school has, and what the first one does not cover."""
        with database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            return ledgers.board(connection, true_on or today(), viewer.language)

    @routes.get("/ledgers/trend")
    def trend(
        viewer: Counter, weeks: Annotated[int, Query(ge=1, le=WEEKS_MOST)] = 12, true_on: date | None = None
    ) -> list[Week]:
        """Week by week: raised, suspected, dropped out."""
        with database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            return list(ledgers.trend(connection, true_on or today(), weeks))

    @routes.get("/ledgers/children")
    def children(
        viewer: Reader,
        turn: Turn,
        ledger: Ledger = "suspected",
        school: Annotated[str | None, Query(max_length=64)] = None,
        township: Annotated[str | None, Query(pattern=r"^\d{2,12}$")] = None,
        true_on: date | None = None,
    ) -> Page[LedgerChild]:
        """The children of one ledger; names masked."""
        with database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            rows = ledgers.children(connection, true_on or today(), turn, ledger, school, township)
        return page_of(rows, turn, key=lambda row: (row.child_id,))

    return routes
