"""What waits for a person at access: emergency access to look at, hand-overs to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from services.access.handover_tables import HANDOVERS
from services.access.projections import NAME
from services.access.tables import EMERGENCIES
from shared.database.database import Database
from shared.kernel.clock import SHANGHAI, today
from shared.standards.open_work import Kind
from shared.standards.posts import POSTS
from shared.standards.posts import Kind as PostKind
from shared.web.open_items import OpenItem, Source
from shared.web.viewers import Viewer

_E, _H = EMERGENCIES.c, HANDOVERS.c


def sources(database: Database) -> tuple[Source, ...]:
    """As open_items.py serves them."""

    def emergencies(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        statement = select(_E.entity, _E.kind, _E.school_code, _E.division_code, _E.taken_at).where(
            EMERGENCIES.holds_on(today()), _E.justified.is_(None), _E.entity > after
        )
        with database.reading(viewer.scope, NAME) as connection:
            rows = connection.execute(statement.order_by(_E.entity).limit(limit)).all()
        return [
            OpenItem(
                kind=Kind.EMERGENCY,
                item_id=row.entity,
                about=f"{POSTS[PostKind(row.kind)].zh} {row.school_code or row.division_code}",
                since=row.taken_at.astimezone(SHANGHAI).date(),
                path="/",
            )
            for row in rows
        ]

    def handovers(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        statement = select(_H.entity, _H.kind, _H.school_code, _H.division_code, _H.opened_at).where(
            HANDOVERS.holds_on(today()), _H.state.in_(("opened", "listed")), _H.entity > after
        )
        with database.reading(viewer.scope, NAME) as connection:
            rows = connection.execute(statement.order_by(_H.entity).limit(limit)).all()
        return [
            OpenItem(
                kind=Kind.HANDOVER,
                item_id=row.entity,
                about=f"{POSTS[PostKind(row.kind)].zh} {row.school_code or row.division_code}",
                since=row.opened_at.astimezone(SHANGHAI).date(),
                path=f"/handovers/{row.entity}",
            )
            for row in rows
        ]

    return Source(Kind.EMERGENCY, emergencies), Source(Kind.HANDOVER, handovers)
