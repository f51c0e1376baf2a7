"""Who saw whom in full: latest first, a page at a time, within the viewer's rows. Nothing here is personal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, text

from services.audit.reads.read_folds import DOWNLOAD, REFUSED
from shared.kernel.clock import SHANGHAI
from shared.kernel.refusals import Malformed
from shared.standards.reading import MANY_AT_ONCE, MANY_READS, MANY_ROWS, Sign, signs_of
from shared.web.pages import PageTurn

NIGHT = (22, 6)  # Shanghai hours, half-open over midnight
_COLUMNS = (
    "r.entity AS read_id, r.read_at, r.viewer, r.kind, {student} AS student_id, r.subject_id, r.purpose, r.fields,"
    " r.rows, r.filters, r.post, r.route, r.reason, r.times, r.sha256, r.division_code, r.school_code, r.agency"
)
# table → how the student of a read is known, and from which rows besides
_SOURCES = (
    ("registry_reads r LEFT JOIN read_papers s ON s.entity = r.subject_id", "coalesce(r.student_id, s.student_id)"),
    ("matching_reads r", "r.student_id"),
    ("notifications_reads r LEFT JOIN read_cases s ON s.entity = r.subject_id", "s.student_id"),
    ("audit_reads r", "r.student_id"),
    ("access_reads r", "r.student_id"),
    ("disbursement_reads r", "r.student_id"),
    ("visits_reads r", "r.student_id"),
)


# The rows of one act were folded from one event, which (log, index) names. A whole list is one row of many.
_TOLD = " UNION ALL ".join(
    f"SELECT '{table.split()[0]}' AS log, r.log_index, r.viewer, r.read_at, {told} AS student_id, r.rows"
    f" FROM {table} WHERE r.read_at >= :since AND r.read_at < :until AND r.kind NOT IN ('{REFUSED}', '{DOWNLOAD}')"
    for table, told in _SOURCES
)
_UNUSUAL = text(f"""
WITH told AS (
    SELECT *, (read_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
           extract(hour FROM read_at AT TIME ZONE 'Asia/Shanghai') AS hour
    FROM ({_TOLD}) AS each
), acts AS (
    SELECT viewer, day, hour >= :dusk OR hour < :dawn AS at_night, max(rows) AS whole, count(*) AS shown
    FROM told GROUP BY log, log_index, viewer, day, hour
), days AS (
    SELECT viewer, day, count(*) AS reads, sum(coalesce(whole, shown))::bigint AS rows,
           coalesce(max(shown) FILTER (WHERE whole IS NULL), 0) AS at_once,
           count(*) FILTER (WHERE at_night) AS at_night
    FROM acts GROUP BY viewer, day
), people AS (SELECT viewer, day, count(DISTINCT student_id) AS students FROM told GROUP BY viewer, day)
SELECT viewer, day, reads, students, rows, at_once, at_night FROM days JOIN people USING (viewer, day)
WHERE reads >= :many OR rows >= :rows OR at_once >= :at_once OR at_night > 0
ORDER BY reads DESC, rows DESC, viewer, day LIMIT :limit
""")

Act = Literal["read", "export", "refused"]
UnusualSign = Sign | Literal["at_night"]
_EXPORT = f"(r.kind = '{DOWNLOAD}' OR r.kind LIKE 'export:%')"
_ACTS: Mapping[Act, str] = {
    "read": f"NOT {_EXPORT} AND r.kind <> '{REFUSED}'",
    "export": _EXPORT,
    "refused": f"r.kind = '{REFUSED}'",
}


class ReadRow(BaseModel):
    """One read. ``kind``: student, file, list_row, case, letter, paper, returned_rows, or export:<what> for a whole
    list, which tells its ``filters`` and number of ``rows``; ``download`` for any file, with its ``route``, rows and
    ``sha256``; ``refused``, ``times`` within the minute before ``read_at``, for a ``reason``, by who stands as viewer
    ("": nobody whose token could be believed). ``student_id`` is null for a whole list and for what is about no
    student."""

    read_id: UUID
    read_at: datetime
    viewer: str
    kind: str
    student_id: UUID | None
    subject_id: UUID | None
    purpose: str | None
    fields: list[str]
    rows: int | None
    filters: list[str] | None
    post: str | None = None
    route: str | None = None
    reason: str | None = None
    times: int | None = None
    sha256: str | None = None
    division_code: str | None
    school_code: str | None
    agency: str | None


class UnusualRow(BaseModel):
    """A reader's day that is worth a question. ``reads``: acts, each once however many it showed; ``students``:
    different ones among them, where they are known; ``rows``: shown by all acts, whole lists included; ``at_once``: by
    the largest act that is no whole list; ``at_night``: acts then; ``unusual``: many_reads, many_at_once, many_rows,
    at_night."""

    viewer: str
    day: date
    reads: int
    students: int
    rows: int
    at_once: int
    at_night: int
    unusual: list[UnusualSign]


class Places(BaseModel):
    """Where a student was: whole lists of these schools, or of divisions that hold these, may have shown her."""

    schools: list[str]
    divisions: list[str]


def reads(
    connection: Connection,
    turn: PageTurn,
    *,
    student: UUID | None = None,
    places: Places | None = None,
    viewer: str | None = None,
    post: str | None = None,
    act: Act | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[ReadRow]:
    """At most ``turn.fetch`` reads, latest first. ``student``: of her, and with ``places`` the whole lists that may
    have held her, without what was refused and what another row tells already. ``act``: reads in full, files taken
    away, or refusals alone. ``since`` and ``until`` (exclusive) UTC. Raises Malformed for another list's cursor."""
    given: dict[str, Any] = {"student": student, "viewer": viewer, "since": since, "until": until, "limit": turn.fetch}
    given["post"] = post
    conditions = ["r.read_at IS NOT NULL"]
    if act is not None:
        conditions.append(_ACTS[act])
    if places is not None:
        conditions.append(f"r.kind <> '{REFUSED}' AND r.told_by IS NULL")
    if post is not None:
        conditions.append("r.post = :post")
    if viewer is not None:
        conditions.append("r.viewer = :viewer")
    if since is not None:
        conditions.append("r.read_at >= :since")
    if until is not None:
        conditions.append("r.read_at < :until")
    if turn.after is not None:
        given |= _after(turn.after)
        conditions.append("(r.read_at, r.entity) < (:after_at, :after_id)")
    if places is not None:
        given |= {"schools": places.schools, "divisions": places.divisions}
    branches = [_branch(table, told, conditions, student, places) for table, told in _SOURCES]
    statement = " UNION ALL ".join(branches) + " ORDER BY read_at DESC, read_id DESC LIMIT :limit"
    rows = connection.execute(text(statement), given).mappings()
    return [ReadRow.model_validate({**row, "fields": row["fields"] or []}) for row in rows]


def begin_of(day: date) -> datetime:
    """When the day begins in Shanghai, UTC."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def end_of(day: date) -> datetime:
    """When the day after begins; the last day there is has no end."""
    return datetime.max.replace(tzinfo=UTC) if day == date.max else begin_of(day + timedelta(days=1))


def unusual(connection: Connection, since: datetime, until: datetime, limit: int) -> list[UnusualRow]:
    """Readers' days within [since, until) that stand out, most acts first."""
    given: dict[str, Any] = {"since": since, "until": until, "limit": limit, "dusk": NIGHT[0], "dawn": NIGHT[1]}
    given |= {"many": MANY_READS, "rows": MANY_ROWS, "at_once": MANY_AT_ONCE}
    found = []
    for row in connection.execute(_UNUSUAL, given).mappings():
        signs: list[UnusualSign] = [*signs_of(row["reads"], row["at_once"], row["rows"])]
        if row["at_night"]:
            signs.append("at_night")
        found.append(UnusualRow(**row, unusual=signs))
    return found


def _branch(table: str, told: str, conditions: Sequence[str], student: UUID | None, places: Places | None) -> str:
    """One table's part, limited by itself: no more than a page is read of any."""
    own = list(conditions)
    if student is not None:
        about = ["r.student_id = :student"]
        if "JOIN" in table:
            about.append("s.student_id = :student")
        if places is not None:
            about.append(
                "(r.kind LIKE 'export:%' AND (r.school_code = ANY(:schools) OR (r.school_code IS NULL AND EXISTS"
                " (SELECT FROM unnest(CAST(:divisions AS text[])) AS place WHERE place ^@ r.division_code))))"
            )
        own.append("(" + " OR ".join(about) + ")")
    where = " AND ".join(own)
    return (
        f"(SELECT {_COLUMNS.format(student=told)} FROM {table} WHERE {where}"
        " ORDER BY r.read_at DESC, r.entity DESC LIMIT :limit)"
    )


def _after(key: tuple[Any, ...]) -> dict[str, Any]:
    if len(key) != 2 or not isinstance(key[0], datetime) or not isinstance(key[1], UUID):
        raise Malformed("翻页标记无效,请从第一页开始", "The page cursor is not valid; start from the first page")
    return {"after_at": key[0], "after_id": key[1]}
