"""The published measures of each version of the rules: precision, lead time, and whether help followed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from pydantic import BaseModel
from sqlalchemy import Connection, text

from services.notifications.events import AlertKind
from services.notifications.whatif.verdicts import Course, measured


class Tally(BaseModel):
    """Alerts of a kind, and how many were right, as in verdicts.py. ``helped``: somebody acted while it stood, or would
    have."""

    kind: AlertKind
    raised: int
    right: int
    wrong: int
    neither: int
    undecided: int
    precision: float | None
    lead_days: float | None
    helped: int


class RuleFigure(Tally):
    """One kind of alert under one version of the rules, within the viewer's scope. ``on_aid_list``: about a child who
    is on a list of the poor or disabled."""

    rules_hash: str
    activated_on: date | None
    on_aid_list: int


_COURSES = text("""
SELECT o.kind, o.rules_hash, o.raised_on, o.ended_on, o.reason, o.acted_on, o.dropped_out_on,
       EXISTS (SELECT FROM aided_rows a WHERE a.student_id = o.student_id AND a.linked
               AND a.valid_from <= :day AND a.valid_to > :day) AS aided,
       v.activated_on
FROM (
    SELECT DISTINCT ON (entity, raised_on) kind, rules_hash, student_id, raised_on, ended_on, reason,
           min(acted_on) OVER (PARTITION BY entity, raised_on) AS acted_on,
           coalesce(confirmed_on, (SELECT min(d.left_on) FROM told_dropouts d WHERE d.entity = student_id
               AND d.left_on >= raised_on AND kind <> 'dropped_out' AND d.valid_from <= :day)) AS dropped_out_on
    FROM alert_outcomes WHERE valid_from <= :day
    ORDER BY entity, raised_on, valid_from DESC
) o LEFT JOIN rule_versions v ON v.content_hash = o.rules_hash AND v.valid_from <= :day AND v.valid_to > :day
ORDER BY o.rules_hash, o.kind, o.raised_on
""")


def figures(connection: Connection, day: date) -> list[RuleFigure]:
    """By what was true on ``day``; newest rules first."""
    courses: dict[tuple[str, AlertKind], list[Course]] = defaultdict(list)
    aided: dict[tuple[str, AlertKind], int] = defaultdict(int)
    activated: dict[str, date | None] = {}
    for row in connection.execute(_COURSES, {"day": day}):
        place = row.rules_hash, row.kind
        courses[place].append(Course(row.raised_on, row.ended_on, row.reason, row.acted_on, row.dropped_out_on))
        aided[place] += row.aided
        activated[row.rules_hash] = row.activated_on
    found = [
        RuleFigure(
            rules_hash=rules_hash,
            activated_on=activated[rules_hash],
            kind=kind,
            on_aid_list=aided[rules_hash, kind],
            **measured(group, day)._asdict(),
        )
        for (rules_hash, kind), group in courses.items()
    ]
    return sorted(found, key=lambda each: (-(each.activated_on or date.min).toordinal(), each.rules_hash, each.kind))
