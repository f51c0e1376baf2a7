"""What waits for a person at visits: the students one helps, and the visits one meant to repeat.

Both hang on a person. A visit to repeat is the helper's of its student; where there is none it is his who went.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from shared.database.database import Database
from shared.kernel.clock import today
from shared.standards.open_work import Kind
from shared.web.open_items import OpenItem, Source
from shared.web.viewers import Viewer

VIEW = "visits"
_HELPED = text("""
SELECT h.entity, h.student_id, h.valid_from AS since, coalesce(n.name, h.school_code) AS school,
       s.grade, s.class_name
FROM helpers h
LEFT JOIN students s ON s.entity = h.student_id AND s.valid_from <= :day AND s.valid_to > :day
LEFT JOIN schools n ON n.code = h.school_code AND n.valid_from <= :day AND n.valid_to > :day
WHERE h.valid_from <= :day AND h.valid_to > :day AND h.helper = :me AND h.entity > :after
ORDER BY h.entity LIMIT :count
""")
# Of one student the visit made last says when to come again.
_TO_REPEAT = text("""
WITH last AS (
    SELECT DISTINCT ON (student_id) entity, student_id, visitor, visited_on, repeat_on, school_code FROM visits
    WHERE valid_to = 'infinity' ORDER BY student_id, visited_on DESC, entity DESC
)
SELECT v.entity, v.student_id, v.visited_on AS since, v.repeat_on AS due, coalesce(n.name, v.school_code) AS school,
       s.grade, s.class_name
FROM last v
LEFT JOIN helpers h ON h.student_id = v.student_id AND h.valid_from <= :day AND h.valid_to > :day
LEFT JOIN students s ON s.entity = v.student_id AND s.valid_from <= :day AND s.valid_to > :day
LEFT JOIN schools n ON n.code = v.school_code AND n.valid_from <= :day AND n.valid_to > :day
WHERE v.repeat_on IS NOT NULL AND coalesce(h.helper, v.visitor) = :me AND v.entity > :after
ORDER BY v.entity LIMIT :count
""")


def sources(database: Database) -> tuple[Source, ...]:
    """As open_items.py serves them."""

    def source(kind: Kind) -> Source:
        def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
            given = {"day": today(), "me": viewer.principal, "after": after, "count": limit}
            statement = _HELPED if kind is Kind.HELPED_STUDENT else _TO_REPEAT
            with database.reading(viewer.scope, VIEW) as connection:
                rows = connection.execute(statement, given).mappings().all()
            return [
                OpenItem(
                    kind=kind,
                    item_id=row["entity"],
                    about=" ".join(row[name] for name in ("school", "grade", "class_name") if row[name]),
                    since=row["since"],
                    due=row.get("due"),
                    path=f"/students/{row['student_id']}",
                    assigned_to=viewer.principal,
                )
                for row in rows
            ]

        return Source(kind, read)

    return source(Kind.HELPED_STUDENT), source(Kind.REPEAT_VISIT)
