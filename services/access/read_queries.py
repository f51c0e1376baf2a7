"""Days of readers that stand out, within the viewer's rows."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import BaseModel
from sqlalchemy import Connection, text

from services.access.read_projection import ACTS
from shared.standards.reading import MANY_AT_ONCE, MANY_READS, MANY_ROWS, Sign, signs_of

READS_DAYS = 30  # a month is looked back over, as with audit's reads

_EACH = " UNION ALL ".join(
    f"SELECT account, at, rows, whole FROM {table.name} WHERE at >= CAST(:since AS date)" for table in ACTS
)
_MANY_READS = text(f"""
SELECT * FROM (
    SELECT account, (at AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS reads, sum(rows)::integer AS rows,
           coalesce(max(rows) FILTER (WHERE NOT whole), 0) AS at_once
    FROM ({_EACH}) AS acts GROUP BY 1, 2
) AS days
WHERE reads >= :reads OR rows >= :rows OR at_once >= :at_once ORDER BY day DESC, rows DESC, account LIMIT :limit
""")


class ReadsRow(BaseModel):
    """A day of one reader with many looks at personal data in full: ``reads`` acts, lists taken away among them,
    ``rows`` children told by all, ``at_once`` by the largest that is no list; ``unusual``: many_reads, many_at_once,
    many_rows. ``name`` None: of an account beyond one's place, or of a machine."""

    account: str
    name: str | None = None
    day: date
    reads: int
    rows: int
    at_once: int
    unusual: list[Sign]


def many_reads(connection: Connection, today: date, limit: int) -> list[ReadsRow]:
    """In the last weeks, the last day first, without names: those stand in another view."""
    given = {"since": today - timedelta(days=READS_DAYS), "limit": limit}
    given |= {"reads": MANY_READS, "rows": MANY_ROWS, "at_once": MANY_AT_ONCE}
    return [
        ReadsRow(**row, unusual=signs_of(row["reads"], row["at_once"], row["rows"]))
        for row in connection.execute(_MANY_READS, given).mappings()
    ]
