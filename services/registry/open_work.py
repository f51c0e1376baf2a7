"""What waits for a person at the registry: corrections, changes that take two people, papers, held lists, tasks.

All of it is of a place but for the corrections one asked for oneself, which nobody else would hear of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.registry.corrections.passing_on import still_open
from services.registry.corrections.request_api import deciding_scope
from services.registry.handlers import Registry, covers
from services.registry.households.household_api import reach_of
from services.registry.projections import REGISTER
from services.registry.request_tables import REQUESTS
from services.registry.tables import SUBMISSIONS
from services.registry.terms.term_queries import TERMS_MINDED, Tasks
from shared.database.database import driver
from shared.eventsourcing.periods import FOREVER
from shared.kernel.clock import SHANGHAI, today
from shared.standards.open_work import Kind
from shared.standards.school_calendar import CalendarError
from shared.web.open_items import OpenItem, Source
from shared.web.viewers import Viewer

_R, _L = REQUESTS.c, SUBMISSIONS.c
# The rule of row-level security, for tables that are read with the service's own rights.
_SCOPED = (
    """((%(division)s <> '' AND division_code ^@ %(division)s) OR (%(school)s <> '' AND school_code = %(school)s))"""
)
_CHANGES = f"""
SELECT change_id, kind, proposed_at FROM change_sets
WHERE state IN ('previewing', 'ready') AND {_SCOPED} AND change_id > %(after)s ORDER BY change_id LIMIT %(count)s
"""
_PAPERS = f"""
SELECT paper_id, kind, entered_at FROM papers
WHERE state = 'waiting' AND ({_SCOPED} OR (%(agency)s <> '' AND agency = %(agency)s)) AND paper_id > %(after)s
ORDER BY paper_id LIMIT %(count)s
"""
_HOUSEHOLDS = """
SELECT proposal_id, list || ' ' || kind, proposed_at FROM household_proposals
WHERE state = 'waiting' AND list = ANY(%(lists)s) AND coalesce(division_code, '') ^@ %(reach)s
AND proposal_id > %(after)s ORDER BY proposal_id LIMIT %(count)s
"""


def sources(registry: Registry) -> tuple[Source, ...]:
    """As open_items.py serves them."""

    def rows(kind: Kind, statement: str, path: str) -> Source:
        def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
            given = {**_given(viewer, registry.division), "after": after, "count": limit}
            with registry.database.writing() as connection:
                found = driver(connection).execute(statement.encode(), given).fetchall()
            return [
                OpenItem(
                    kind=kind, item_id=row[0], about=row[1], since=row[2].astimezone(SHANGHAI).date(),
                    path=path.format(row[0]),
                )
                for row in found
            ]  # fmt: skip

        return Source(kind, read)

    return (
        Source(Kind.CHANGE_REQUEST, _inbox(registry)),
        Source(Kind.ASKED_REQUEST, _asked(registry)),
        rows(Kind.MASS_CHANGE, _CHANGES, "/changes/{}"),
        rows(Kind.HOUSEHOLD_CHANGE, _HOUSEHOLDS, "/household-changes/{}"),
        rows(Kind.PAPER, _PAPERS, "/papers/{}"),
        Source(Kind.HELD_LIST, _held(registry)),
        Source(Kind.TERM_TASK, _tasks(registry)),
    )


Read = Callable[[Viewer, UUID, int], Sequence[OpenItem]]


def _inbox(registry: Registry) -> Read:
    def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        statement = select(*_R).where(REQUESTS.holds_on(today()), _R.state == "open", _R.entity > after)
        with registry.database.reading(deciding_scope(viewer), REGISTER.name) as connection:
            found = connection.execute(statement.order_by(_R.entity).limit(limit)).all()
        return [_request(Kind.CHANGE_REQUEST, row.entity, row.fields, row.asked_on, None) for row in found]

    return read


def _asked(registry: Registry) -> Read:
    """Read from the requests' own streams: who asks may not see the record, nor its row in the inbox."""

    def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        found: list[OpenItem] = []
        with registry.database.writing() as connection:
            ids = driver(connection).execute(
                """SELECT request_id FROM asked_requests
                   WHERE requested_by = %s AND post IN ('', %s) AND request_id > %s ORDER BY request_id""",
                (viewer.principal, viewer.post, after),
            )
            for (request_id,) in ids.fetchall():
                stored = registry.store.load(connection, request_id)
                if still_open(each.fact for each in stored):
                    asked = stored[0]
                    fields = asked.fact.fields  # type: ignore[attr-defined] # the first of them is the asking
                    on = asked.event.effective_on
                    found.append(_request(Kind.ASKED_REQUEST, request_id, fields, on, viewer.principal))
                if len(found) == limit:
                    break
        return found

    return read


def _held(registry: Registry) -> Read:
    def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        statement = select(_L.entity, _L.list, _L.agency, _L.received_at, _L.missing).where(
            _L.state == "held", _L.valid_to == FOREVER, _L.entity > after
        )
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            found = connection.execute(statement.order_by(_L.entity).limit(limit)).all()
        return [
            OpenItem(
                kind=Kind.HELD_LIST,
                item_id=row.entity,
                about=f"{row.agency} {row.list}",
                since=row.received_at.astimezone(SHANGHAI).date(),
                path="/imports",
            )
            for row in found
        ]

    return read


def _tasks(registry: Registry) -> Read:
    def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            try:
                place = registry.keys, registry.division, today()
                tasks = Tasks(connection, *place, lambda *where: covers(viewer.scope, *where))
            except CalendarError:  # the page of terms says what is wrong with the calendar
                return []
            rows = [row for term in tasks.begun()[:TERMS_MINDED] for row in tasks.of_term(term, viewer.language)]
        waiting = sorted((row for row in rows if row.state in ("late", "due")), key=lambda row: row.task_id)
        return [
            OpenItem(
                kind=Kind.TERM_TASK,
                item_id=row.task_id,
                about=f"{row.term} {row.title} {row.school_name or ''}".strip(),
                since=row.opens_on,
                due=row.due_on,
                path="/terms",
            )
            for row in waiting
            if row.task_id > after
        ][:limit]

    return read


def _request(kind: Kind, request_id: UUID, fields: Sequence[str], on: date, whose: str | None) -> OpenItem:
    about = ", ".join(fields)
    return OpenItem(
        kind=kind, item_id=request_id, about=about, since=on, path=f"/requests/{request_id}", assigned_to=whose
    )


def _given(viewer: Viewer, division: str) -> Mapping[str, Any]:
    scope, reach = viewer.scope, reach_of(viewer, division)
    return {
        "division": scope.division or "",
        "school": scope.school or "",
        "agency": scope.agency or "",
        "lists": sorted(reach.lists),
        "reach": reach.division,
    }
