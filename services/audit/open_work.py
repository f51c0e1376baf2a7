"""What waits for a person at audit: alarms, erasures and holds for a second person, counterfactuals being computed. All
of it concerns the whole division, so it moves with the post."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from services.audit.alarms.alarm_queries import alarms as every_alarm
from services.audit.erasure.desk import Desk
from services.audit.erasure.erasure_folds import ERASURES
from services.audit.erasure.erasure_tables import SUBJECTS
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.kernel.clock import SHANGHAI
from shared.messaging.builds import enter_live
from shared.standards.open_work import Kind
from shared.web.open_items import OpenItem, Read, Source
from shared.web.viewers import Viewer

ALARMS_MOST = 1_000  # each log has a few kinds of them
_S = SUBJECTS.c


def sources(desk: Desk, division: str) -> tuple[Source, ...]:
    """As open_items.py serves them. ``division``: the installation's."""

    def whole(scope: Scope) -> bool:
        return scope.holds(division)

    def subjects(viewer: Viewer, kind: Kind, waits: ColumnElement[bool], after: UUID, limit: int) -> list[OpenItem]:
        if not whole(viewer.scope):
            return []
        columns = (_S.student_id, _S.erasure, _S.hold, _S.asked_on, _S.ground)
        statement = select(*columns).where(waits, _S.student_id > after).order_by(_S.student_id).limit(limit)
        with desk.database.working() as connection:
            enter_live(driver(connection), ERASURES.name)
            rows = connection.execute(statement).all()
        return [
            OpenItem(
                kind=kind,
                item_id=row.student_id,
                about=(row.ground or "") if kind is Kind.ERASURE else row.hold,
                since=row.asked_on if kind is Kind.ERASURE else None,
                path="/erasures",
            )
            for row in rows
        ]

    def erasures(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        return subjects(viewer, Kind.ERASURE, _S.erasure == "requested", after, limit)

    def holds(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        return subjects(viewer, Kind.HOLD, or_(_S.hold == "proposed", _S.hold == "releasing"), after, limit)

    def computing(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        if not whole(viewer.scope):
            return []
        with desk.database.working() as connection:
            rows = driver(connection).execute(
                """SELECT counterfactual_id, asked_at FROM public.counterfactuals
                   WHERE state IN ('waiting', 'running') AND counterfactual_id > %s
                   ORDER BY counterfactual_id LIMIT %s""",
                (after, limit),
            )
            return [
                OpenItem(
                    kind=Kind.COUNTERFACTUAL,
                    item_id=found,
                    about="",
                    since=asked_at.astimezone(SHANGHAI).date(),
                    path=f"/audit/counterfactuals/{found}",
                )
                for found, asked_at in rows
            ]

    return (
        Source(Kind.ALARM, _alarms(desk)),
        Source(Kind.ERASURE, erasures),
        Source(Kind.HOLD, holds),
        Source(Kind.COUNTERFACTUAL, computing),
    )


def _alarms(desk: Desk) -> Read:
    def read(_viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        with desk.database.working() as connection:
            found = every_alarm(connection, ALARMS_MOST)
        items = [
            OpenItem(
                kind=Kind.ALARM,
                item_id=desk.streams.alarm(alarm.service, alarm.kind, alarm.log_index),
                about=f"{alarm.service} {alarm.kind} #{alarm.log_index}",
                since=alarm.raised_at.astimezone(SHANGHAI).date(),
                path="/audit/alarms",
            )
            for alarm in found
            if alarm.state == "open"
        ]
        return [item for item in sorted(items, key=lambda item: item.item_id) if item.item_id > after][:limit]

    return read
