"""The three ledgers and what is compared for them: counts by school, the rows behind each count, and the weeks' trend.

Children of school age, suspected, dropped out (domain.md §9); with the four checks (of school age; in no school; left
and not accepted; not really attending) and the three comparisons (lists × register, register × attendance, dropouts ×
poor households). All of it plain SQL over one set of rows, within the viewer's scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, text

from shared.web.languages import Language
from shared.web.pages import PageTurn

Ledger = Literal["school_age", "in_no_school", "left", "not_attending", "suspected", "dropped_out", "poor_dropouts"]
LEDGERS: tuple[Ledger, ...] = (
    "school_age", "in_no_school", "left", "not_attending", "suspected", "dropped_out", "poor_dropouts",
)  # fmt: skip
TOWNSHIP_DIGITS = 9
WEEKS_MOST = 60

COVERS = (
    "未接入公安户籍适龄儿童名单:适龄儿童台账只包括学籍在册和各部门名单上的儿童,不在任何名单上的儿童不在其中。",
    "The police list of all children is not connected: the ledger of school-age children covers those in the register "
    "and on agencies' lists; a child on no list is not in it.",
)

# One row for each child of a ledger; a child with two open cases stands once, in the case raised first.
_ROWS = """
WITH enrolled AS (
    SELECT entity AS child, entity AS student_id, NULL::uuid AS entry_id, status, since, division_code, school_code
    FROM children WHERE valid_from <= :day AND valid_to > :day
      AND CASE WHEN compulsory_from IS NULL THEN stage IN ('primary', 'junior')
               ELSE compulsory_from <= :day AND compulsory_to > :day END
), missing AS (
    SELECT DISTINCT ON (coalesce(line.person_id, listing.entry_id))
           listing.entry_id AS child, NULL::uuid AS student_id, listing.entry_id,
           coalesce(listing.starts_on, line.valid_from) AS since, listing.division_code, listing.school_code
    FROM listings listing LEFT JOIN listed_rows line ON line.entity = listing.entry_id AND line.valid_to = 'infinity'
    WHERE listing.state = 'not_in_register' AND listing.school_age AND listing.entity = listing.entry_id
    ORDER BY coalesce(line.person_id, listing.entry_id), listing.entry_id
), cases AS (
    SELECT DISTINCT ON (dropped, coalesce(student_id, entry_id))
           coalesce(student_id, entry_id) AS child, student_id, entry_id, entity AS alert_id, state, since, kind,
           dropped, division_code, school_code
    FROM (
        SELECT *, state = 'dropped_out' OR kind = 'dropped_out' AS dropped FROM alerts
        WHERE valid_from <= :day AND valid_to > :day AND state IN ('open', 'seen', 'dropped_out')
          AND (student_id IS NOT NULL OR entry_id IS NOT NULL)
    ) open_ones ORDER BY dropped, coalesce(student_id, entry_id), raised_on, entity
), ledger AS (
    SELECT 'school_age' AS ledger, child, student_id, entry_id, NULL::uuid AS alert_id, NULL::text AS state, since,
           division_code, school_code FROM enrolled WHERE status = 'enrolled'
    UNION ALL SELECT 'left', child, student_id, entry_id, NULL, NULL, since, division_code, school_code FROM enrolled
        WHERE status = 'transferred_out'
    UNION ALL SELECT unnest(ARRAY['school_age', 'in_no_school']), child, student_id, entry_id, NULL, NULL, since,
           division_code, school_code FROM missing
    UNION ALL SELECT unnest(CASE WHEN kind IN (
               'absent_running', 'absent_share', 'not_returned_at_term_start', 'suspension_overdue')
               THEN ARRAY['suspected', 'not_attending'] ELSE ARRAY['suspected'] END),
           child, student_id, entry_id, alert_id, state, since, division_code, school_code
        FROM cases WHERE NOT dropped
    UNION ALL SELECT unnest(CASE WHEN EXISTS (
               SELECT FROM listings listing WHERE listing.list IN ('poverty', 'civil') AND listing.state <> ''
                 AND (listing.student_id = cases.student_id OR listing.entry_id = cases.entry_id)
                 AND (listing.ends_on IS NULL OR listing.ends_on > :day))
               THEN ARRAY['dropped_out', 'poor_dropouts'] ELSE ARRAY['dropped_out'] END),
           child, student_id, entry_id, alert_id, state, since, division_code, school_code
        FROM cases WHERE dropped
)
"""
_COUNTS = text(
    _ROWS
    + """
SELECT coalesce(ledger.division_code, '') AS division_code, ledger.school_code, max(school.name) AS school_name,
       ledger.ledger, count(*) AS children
FROM ledger LEFT JOIN schools school ON school.code = ledger.school_code
    AND school.valid_from <= :day AND school.valid_to > :day
GROUP BY 1, 2, 4 ORDER BY 1, 2
"""
)
_CHILDREN = text(
    _ROWS
    + """
SELECT ledger.*, coalesce(child.name_masked, '') AS name, child.grade, child.class_name, school.name AS school_name
FROM ledger
LEFT JOIN children child ON child.entity = ledger.student_id AND child.valid_from <= :day AND child.valid_to > :day
LEFT JOIN schools school ON school.code = ledger.school_code
    AND school.valid_from <= :day AND school.valid_to > :day
WHERE ledger.ledger = :ledger AND (CAST(:school AS text) IS NULL OR ledger.school_code = :school)
  AND (CAST(:township AS text) IS NULL OR ledger.division_code ^@ :township)
  AND (CAST(:after AS uuid) IS NULL OR ledger.child > :after)
ORDER BY ledger.child LIMIT :count
"""
)
_TREND = text("""
SELECT week.ends::date AS week_ends,
       (SELECT count(DISTINCT (entity, raised_on)) FROM alerts
        WHERE raised_on > week.ends::date - 7 AND raised_on <= week.ends::date) AS raised,
       count(a.entity) FILTER (WHERE a.state IN ('open', 'seen') AND a.kind <> 'dropped_out') AS suspected,
       count(a.entity) FILTER (
           WHERE a.state = 'dropped_out' OR (a.state IN ('open', 'seen') AND a.kind = 'dropped_out')) AS dropped_out
FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '7 days') AS week (ends)
LEFT JOIN alerts a ON a.valid_from <= week.ends::date AND a.valid_to > week.ends::date
GROUP BY week.ends ORDER BY week.ends
""")


class PlaceCounts(BaseModel):
    """How many children of each ledger a school, or a place without one, has."""

    division_code: str
    township: str
    school_code: str | None
    school_name: str | None
    school_age: int = 0
    in_no_school: int = 0
    left: int = 0
    not_attending: int = 0
    suspected: int = 0
    dropped_out: int = 0
    poor_dropouts: int = 0


class Board(BaseModel):
    """``covers``: what the ledger of school-age children does not cover, in the reader's language."""

    covers: str
    places: list[PlaceCounts]


class LedgerChild(BaseModel):
    """A child of a ledger; ``name`` is masked, empty for one in no register. ``alert_id``: its case."""

    child_id: UUID
    student_id: UUID | None
    entry_id: UUID | None
    alert_id: UUID | None
    state: str | None
    name: str
    grade: str | None
    class_name: str | None
    division_code: str | None
    school_code: str | None
    school_name: str | None
    since: date | None


class Week(BaseModel):
    """``raised`` within the week; the others as they stood at its end."""

    week_ends: date
    raised: int
    suspected: int
    dropped_out: int


def board(connection: Connection, day: date, language: Language) -> Board:
    """The counts by place and school."""
    places: dict[tuple[str, str | None], PlaceCounts] = {}
    for row in connection.execute(_COUNTS, {"day": day}):
        key = (row.division_code, row.school_code)
        found = places.setdefault(
            key,
            PlaceCounts(
                division_code=row.division_code,
                township=row.division_code[:TOWNSHIP_DIGITS],
                school_code=row.school_code,
                school_name=row.school_name,
            ),
        )
        setattr(found, row.ledger, row.children)
    return Board(covers=COVERS[language == "en"], places=list(places.values()))


def children(
    connection: Connection,
    day: date,
    turn: PageTurn,
    ledger: Ledger,
    school: str | None = None,
    township: str | None = None,
) -> list[LedgerChild]:
    """At most ``turn.fetch`` children of a ledger."""
    after = None
    if turn.after is not None:
        if [type(part) for part in turn.after] != [UUID]:
            turn.beyond()  # refuses another list's cursor
        (after,) = turn.after
    asked: dict[str, Any] = {
        "day": day, "ledger": ledger, "school": school, "township": township, "after": after, "count": turn.fetch,
    }  # fmt: skip
    rows = connection.execute(_CHILDREN, asked)
    return [LedgerChild(child_id=row.child, **_named(row._mapping)) for row in rows]


def trend(connection: Connection, last: date, weeks: int) -> Sequence[Week]:
    """The last ``weeks`` weeks, each ending on the weekday of ``last``, oldest first."""
    first = last - timedelta(days=7 * (weeks - 1))
    rows = connection.execute(_TREND, {"first": first, "last": last})
    return [Week.model_validate(dict(row._mapping)) for row in rows]


def _named(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in LedgerChild.model_fields if name != "child_id"}
