"""What waits for a person at notifications: cases, membership of their teams, messages nobody has read, and deliveries
that failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import any_, literal, text

from services.notifications.delivery.places import place_of
from services.notifications.projections import ALERTS_VIEW
from services.notifications.queries import OPEN, AlertRow, Judged, select_alerts
from services.notifications.tables import ALERTS
from shared.database.database import Database
from shared.kernel.clock import SHANGHAI, today
from shared.standards.open_work import Kind
from shared.web.open_items import OpenItem, Source
from shared.web.viewers import Viewer

_A = ALERTS.c
_MESSAGES = text("""
SELECT m.message_id, m.topic, m.total, m.opened_at FROM messages AS m
WHERE m.place = :place AND m.message_id > :after
  AND NOT EXISTS (SELECT FROM message_reads AS r WHERE r.message_id = m.message_id)
ORDER BY m.message_id LIMIT :count
""")
_FAILED = text("""
SELECT delivery_id, channel, problem, coalesce(tried_at, due_at) AS since FROM deliveries
WHERE state = 'failed' AND delivery_id > :after ORDER BY delivery_id LIMIT :count
""")


def sources(database: Database, division: str) -> tuple[Source, ...]:
    """As open_items.py serves them. ``division``: the installation's."""

    def alerts(viewer: Viewer, after: UUID, limit: int, *, mine: bool = False) -> Sequence[OpenItem]:
        day = today()
        with database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            judged = Judged(connection, day)
            statement = select_alerts(day, *judged.columns, judged.rank.label("rank"))
            statement = statement.where(_A.state.in_(OPEN), _A.entity > after)
            if mine:
                statement = statement.where(literal(viewer.principal) == any_(_A.team))
            rows = connection.execute(statement.order_by(_A.entity).limit(limit)).all()
            found = [judged.row(row, viewer.language) for row in rows]
        return [_case(row, viewer.principal if mine else None) for row in found]

    def teams(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        return alerts(viewer, after, limit, mine=True)

    def messages(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        place = place_of(viewer.scope, division)
        if place is None:
            return []
        given = {"place": place.key, "after": after, "count": limit}
        return [
            OpenItem(
                kind=Kind.MESSAGE,
                item_id=row.message_id,
                about=row.topic,
                since=_day(row.opened_at),
                path="/messages",
            )
            for row in _read(viewer, _MESSAGES, given)
        ]

    def failed(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        return [
            OpenItem(
                kind=Kind.DELIVERY,
                item_id=row.delivery_id,
                about=row.channel,
                since=_day(row.since),
                path="/deliveries",
            )
            for row in _read(viewer, _FAILED, {"after": after, "count": limit})
        ]

    def _read(viewer: Viewer, statement: Any, given: dict[str, Any]) -> Sequence[Any]:
        with database.reading(viewer.scope, ALERTS_VIEW.name) as connection:
            return connection.execute(statement, given).all()

    return (
        Source(Kind.ALERT, alerts),
        Source(Kind.CASE_TEAM, teams),
        Source(Kind.MESSAGE, messages),
        Source(Kind.DELIVERY, failed),
    )


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _case(row: AlertRow, member: str | None) -> OpenItem:
    """A case, or somebody's place in its team."""
    about = (row.kind, row.school_name or row.school_code or row.division_code, row.grade, row.class_name)
    return OpenItem(
        kind=Kind.ALERT if member is None else Kind.CASE_TEAM,
        item_id=row.alert_id,
        about=" ".join(part for part in about if part),
        since=row.since,
        due=row.due_on,
        path=f"/alerts/{row.alert_id}",
        assigned_to=member,
    )
