"""What of matching can be asked for as it was known at a moment."""

from __future__ import annotations

from collections.abc import Mapping

from services.matching.category_history import category_history, every_category_history
from services.matching.list_dates import list_dates
from services.matching.projections import ROSTER_VIEW
from services.matching.roster import every_student
from services.matching.row_states import every_row_state, row_states_of
from services.matching.tables import COVERS, RULES
from shared.eventsourcing.view import View, period_rows

_COVER = (
    *("entry_id", "student_id", "stands", "covered_from", "covered_to", "list", "agency", "rule", "reason"),
    *("household_type", "support_type", "area_type", "coverage", "starts_on", "ends_on", "division_code"),
    *("school_code", "event_id"),
)

VIEWS: tuple[View, ...] = (
    View("roster", "matching", ROSTER_VIEW, every_student, ("student_id",), "student_id", inputs=list_dates),
    View(
        "categories",
        "matching",
        ROSTER_VIEW,
        every_category_history,
        ("student_id", "valid_from"),
        about=category_history,
        inputs=list_dates,
    ),
    View("list_rows", "matching", ROSTER_VIEW, every_row_state, ("entry_id",), about=row_states_of, inputs=list_dates),
    View("covers", "matching", ROSTER_VIEW, period_rows(COVERS, "cover_id", _COVER), ("cover_id",), "student_id"),
    View(
        "category_rules",
        "matching",
        ROSTER_VIEW,
        period_rows(RULES, "rules_id", ("content", "content_hash")),
        ("rules_id",),
    ),
)

NOT_REPLAYED: Mapping[str, str] = {}
