"""What of visits can be asked for as it was known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from services.visits.projections import VISITS_VIEW
from services.visits.queries import HelperRow, VisitRow, helpers, visits
from shared.eventsourcing.view import View
from shared.web.pages import WHOLE_LIST


def every_visit(connection: Connection, true_on: date) -> list[VisitRow]:
    """All visits made by the day."""
    return visits(connection, true_on, WHOLE_LIST)


def every_helper(connection: Connection, true_on: date) -> list[HelperRow]:
    """Who looks after whom on the day."""
    return helpers(connection, true_on, WHOLE_LIST)


VIEWS: tuple[View, ...] = (
    View("visits", "visits", VISITS_VIEW, every_visit, ("visit_id",), "student_id"),
    View("helpers", "visits", VISITS_VIEW, every_helper, ("student_id", "helper"), "student_id"),
)

NOT_REPLAYED: Mapping[str, str] = {
    "helpers_handed_on": "the policy's own memory of helpers, visits and hand-overs, which views show",
}
