"""What waits for a person at matching: rows to decide, and models that another person activates."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.matching.outcome import State
from services.matching.projections import ROSTER_VIEW
from services.matching.queries import decided_rows
from services.matching.tables import DECISIONS
from shared.database.database import Database, driver
from shared.kernel.clock import SHANGHAI, today
from shared.standards.open_work import Kind
from shared.web.open_items import OpenItem, Source
from shared.web.viewers import Viewer

_D = DECISIONS.c


def sources(database: Database, division: str) -> tuple[Source, ...]:
    """As open_items.py serves them. ``division``: the installation's, whose whole a model concerns."""

    def reviews(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        statement = decided_rows(today()).where(_D.state == State.REVIEW.value, _D.entity > after)
        with database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            rows = connection.execute(statement.order_by(_D.entity).limit(limit)).all()
        return [
            OpenItem(
                kind=Kind.REVIEW,
                item_id=row.entity,
                about=row.list if row.row is None else f"{row.list} #{row.row}",
                since=row.valid_from,
                path=f"/reviews/{row.entity}",
            )
            for row in rows
        ]

    def models(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
        if not viewer.scope.holds(division):
            return []
        with database.writing() as connection:
            rows = driver(connection).execute(
                """SELECT proposal_id, name, version, proposed_at FROM public.model_proposals
                   WHERE state IN ('computing', 'ready') AND proposal_id > %s ORDER BY proposal_id LIMIT %s""",
                (after, limit),
            )
            return [
                OpenItem(
                    kind=Kind.MODEL,
                    item_id=proposal_id,
                    about=f"{name} {version}",
                    since=proposed_at.astimezone(SHANGHAI).date(),
                    path=f"/models/proposals/{proposal_id}",
                )
                for proposal_id, name, version, proposed_at in rows
            ]

    return Source(Kind.REVIEW, reviews), Source(Kind.MODEL, models)
