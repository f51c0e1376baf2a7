"""How urgent a case is: circumstances of the child, weighed by the plan; computed by the database for a whole list.

Siblings are counted among the cases the viewer may see. What only raises priority is no signal by itself (domain.md
§9).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, case, func, literal, literal_column

from services.notifications.cases.case_plan import Weights
from services.notifications.tables import ALERTS, CHILDREN

SIBLINGS_MOST = 3
RANK_MOST = 10_000  # a rank counts down from here, so that the most urgent case comes first in ascending order
CIRCUMSTANCES = ("poor", "disabled", "orphan", "left_behind")

# Each reads the rows of the outer select over alerts left-joined with children; {day} is a date's literal.
_LISTED = """EXISTS (
    SELECT FROM listings listing
    WHERE (listing.student_id = alerts.student_id OR listing.entry_id = alerts.entry_id) AND listing.list IN ({lists})
      AND listing.state <> '' AND listing.valid_from <= {day} AND listing.valid_to > {day}
      AND (listing.ends_on IS NULL OR listing.ends_on > {day}))"""
_ORPHAN = """EXISTS (
    SELECT FROM listings listing JOIN listed_rows line ON line.entity = listing.entry_id
    WHERE (listing.student_id = alerts.student_id OR listing.entry_id = alerts.entry_id) AND listing.state <> ''
      AND line.orphan AND line.valid_from <= {day} AND line.valid_to > {day})"""
_SIBLINGS = """(
    SELECT count(DISTINCT sibling.child)::integer FROM (
        SELECT beside.student_id AS child FROM memberships own
        JOIN memberships beside ON beside.household_id = own.household_id
        WHERE own.student_id = alerts.student_id AND own.belongs AND beside.belongs
          AND own.valid_from <= {day} AND own.valid_to > {day} AND beside.valid_from <= {day}
          AND beside.valid_to > {day}
        UNION
        SELECT kin.entity FROM children kin
        WHERE kin.guardian_id = children.guardian_id
          AND kin.valid_from <= {day} AND kin.valid_to > {day}
        UNION
        SELECT coalesce(theirs.student_id, theirs.entry_id) FROM listings mine
        JOIN listed_rows line ON line.entity = mine.entry_id AND line.valid_from <= {day} AND line.valid_to > {day}
        JOIN listed_rows beside ON beside.household_key = line.household_key AND beside.entity <> line.entity
            AND beside.valid_from <= {day} AND beside.valid_to > {day}
        JOIN listings theirs ON theirs.entity = beside.entity AND theirs.state <> ''
        WHERE mine.student_id = alerts.student_id OR mine.entry_id = alerts.entry_id
    ) sibling
    JOIN alerts other ON (other.student_id = sibling.child OR other.entry_id = sibling.child)
        AND other.state IN ('open', 'seen', 'dropped_out') AND other.valid_from <= {day} AND other.valid_to > {day}
    WHERE sibling.child <> coalesce(alerts.student_id, alerts.entry_id))"""


def circumstances(day: date) -> dict[str, ColumnElement[Any]]:
    """Circumstance → its column, for a select over ALERTS left-joined with CHILDREN on ``day``; ``siblings`` counts
    other children with an open case, of the same household, guardian or household on a list."""
    told = f"DATE '{day.isoformat()}'"
    return {
        "poor": _boolean(_LISTED.format(day=told, lists="'poverty', 'civil'")),
        "disabled": _boolean(_LISTED.format(day=told, lists="'disability'")),
        "orphan": _boolean(_ORPHAN.format(day=told)),
        "left_behind": func.coalesce(CHILDREN.c.left_behind, False),
        "siblings": func.least(literal_column(_SIBLINGS.format(day=told), Integer), SIBLINGS_MOST),
    }


def rank(found: dict[str, ColumnElement[Any]], weights: Weights) -> ColumnElement[int]:
    """RANK_MOST minus the priority: ascending order shows the most urgent first."""
    total: ColumnElement[Any] = literal(RANK_MOST, Integer)
    for name in CIRCUMSTANCES:
        total = total - case((found[name], getattr(weights, name)), else_=0)
    total = total - found["siblings"] * weights.sibling
    return total - case((func.coalesce(ALERTS.c.times, 1) > 1, weights.reopened), else_=0)


def _boolean(sql: str) -> ColumnElement[bool]:
    return literal_column(sql, Boolean)
