"""What waits for a person at disbursement: money to pay and to recover, by term, programme and school, and letters.

Of money one item for each of these, not for each child: a county pays tens of thousands at once, and signs for them by
school.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import TextClause, text

from shared.database.database import Database
from shared.kernel.clock import today
from shared.kernel.identifiers import keyed_id
from shared.standards.open_work import Kind
from shared.web.open_items import OpenItem, Source
from shared.web.viewers import Viewer

VIEW = "payments"
_NAMES = b"disbursement open items"  # no secret: it names a term, a programme and a school
# A school or a place without one; ``paid`` and not granted: to recover.
_WAITING = text("""
SELECT e.term, e.programme, e.school_code, max(n.name) AS school_name, count(*) AS matters, min(e.valid_from) AS since,
       min(e.pay_by) AS due
FROM entitlements e
LEFT JOIN payments p ON p.entity = e.entity AND p.valid_from <= :day AND p.valid_to > :day
LEFT JOIN schools n ON n.code = e.school_code AND n.valid_from <= :day AND n.valid_to > :day
WHERE e.valid_from <= :day AND e.valid_to > :day AND e.granted = :granted AND (p.entity IS NULL) = :granted
GROUP BY e.term, e.programme, e.school_code
""")

# A letter waits for its signature, its sending, and then for the answer about each of its children.
_LETTERS = text("""
SELECT l.entity, concat_ws(' ', l.term, l.place_name) AS about, l.drafted_on AS since, l.reply_by AS due
FROM letters l
WHERE l.valid_to = 'infinity' AND l.entity > :after AND (l.state IN ('drafted', 'approved')
    OR (l.state IN ('sent', 'overdue') AND EXISTS (
        SELECT FROM inquiries i WHERE i.letter_id = l.entity AND i.valid_to = 'infinity'
          AND i.aided IS NULL AND i.decided IS NOT TRUE)))
ORDER BY l.entity LIMIT :count
""")
_INCOMING = text("""
SELECT entity, concat_ws(' ', from_name, number, term) AS about, received_on AS since, answer_by AS due FROM incoming
WHERE valid_to = 'infinity' AND state = 'open' AND entity > :after ORDER BY entity LIMIT :count
""")


def sources(database: Database) -> tuple[Source, ...]:
    """As open_items.py serves them."""

    def waiting(kind: Kind, state: str, viewer: Viewer) -> list[OpenItem]:
        with database.reading(viewer.scope, VIEW) as connection:
            rows = connection.execute(_WAITING, {"day": today(), "granted": kind is Kind.PAYMENT}).all()
        return [
            OpenItem(
                kind=kind,
                item_id=keyed_id(_NAMES, kind, row.term, row.programme, row.school_code or ""),
                about=f"{row.term} {row.programme} {row.school_name or row.school_code or ''}".strip(),
                since=row.since,
                due=row.due if kind is Kind.PAYMENT else None,
                path=f"/entitlements?state={state}&term={row.term}&school={row.school_code or ''}",
                count=row.matters,
            )
            for row in rows
        ]

    def source(kind: Kind, state: str) -> Source:
        def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
            found = sorted(waiting(kind, state, viewer), key=lambda item: item.item_id)
            return [item for item in found if item.item_id > after][:limit]

        return Source(kind, read)

    def letters(kind: Kind, statement: TextClause, path: str) -> Source:
        def read(viewer: Viewer, after: UUID, limit: int) -> Sequence[OpenItem]:
            with database.reading(viewer.scope, VIEW) as connection:
                rows = connection.execute(statement, {"after": after, "count": limit}).all()
            return [
                OpenItem(
                    kind=kind,
                    item_id=row.entity,
                    about=row.about,
                    since=row.since,
                    due=row.due,
                    path=path.format(row.entity),
                )
                for row in rows
            ]

        return Source(kind, read)

    return (
        source(Kind.PAYMENT, "granted"),
        source(Kind.RECOVERY, "to_recover"),
        letters(Kind.LETTER, _LETTERS, "/letters/{}"),
        letters(Kind.INCOMING_LETTER, _INCOMING, "/letters/incoming"),
    )
