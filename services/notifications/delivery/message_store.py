"""Messages as they stand: open ones that still grow, fixed ones that were read or taken for delivery (ADR 0030).

At most one message per topic and place is open; that is a unique index. The rows repeat what MessageComposed says of
the fixed ones, and hold what no event says yet of the open ones: their causes are events of this very log, counted in
the transaction that moves the checkpoint past them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from services.notifications.delivery.places import Place
from services.notifications.delivery_events import MessageComposed, Topic

Raw = psycopg.Connection[Any]
NOTIFIED_MESSAGES_MAX = 100

STEPS: tuple[tuple[str, str], ...] = (
    (
        "notifications-messages-0001",
        """
CREATE TABLE messages (
    message_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    topic text NOT NULL,
    place text NOT NULL,
    division_code text NOT NULL,
    school_code text,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'fixed')),
    planned boolean NOT NULL DEFAULT false,
    counts jsonb NOT NULL,
    total integer NOT NULL CHECK (total > 0),
    opened_at timestamptz NOT NULL,
    grew_at timestamptz NOT NULL,
    first_cause uuid NOT NULL,
    last_cause uuid NOT NULL
);
CREATE UNIQUE INDEX messages_open ON messages (topic, place) WHERE state = 'open';
CREATE INDEX messages_by_place ON messages (place, number);
CREATE INDEX messages_to_plan ON messages (opened_at) WHERE NOT planned;
CREATE TABLE message_reads (
    message_id uuid NOT NULL REFERENCES messages,
    principal text NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, principal)
);
CREATE FUNCTION add_counts(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(key, total) FROM (
        SELECT key, sum(value::integer) AS total
        FROM (SELECT * FROM jsonb_each_text(one) UNION ALL SELECT * FROM jsonb_each_text(other)) AS every
        GROUP BY key
    ) AS summed
$$;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE message_reads ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_reads FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON messages, message_reads TO rollcall_worker;
CREATE POLICY worker ON messages TO rollcall_worker USING (true) WITH CHECK (true);
CREATE POLICY worker ON message_reads TO rollcall_worker USING (true) WITH CHECK (true);
GRANT SELECT ON messages, message_reads TO rollcall_app;
CREATE POLICY viewer ON messages FOR SELECT TO rollcall_app USING (
    (division_code ^@ nullif((SELECT current_setting('rollcall.division', true)), ''))
    OR (school_code = nullif((SELECT current_setting('rollcall.school', true)), ''))
);
CREATE POLICY viewer ON message_reads FOR SELECT TO rollcall_app USING (
    EXISTS (SELECT FROM messages AS seen WHERE seen.message_id = message_reads.message_id)
);
""",
    ),
    (
        "notifications-messages-0002-of-a-class",
        """
ALTER TABLE messages ADD COLUMN stage text, ADD COLUMN grade text, ADD COLUMN class_name text;
CREATE POLICY class ON messages FOR SELECT TO rollcall_app USING (
    school_code = nullif((SELECT current_setting('rollcall.class_school', true)), '')
    AND (SELECT current_setting('rollcall.class_stage', true)) IN ('', stage)
    AND grade = (SELECT current_setting('rollcall.class_grade', true))
    AND class_name = (SELECT current_setting('rollcall.class_name', true))
);
""",
    ),
)


@dataclass
class Growth:
    """What a batch adds to the open message of one topic and place."""

    topic: Topic
    place: Place
    message_id: UUID
    opened_at: datetime
    grew_at: datetime
    first_cause: UUID
    last_cause: UUID
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Message:
    """A message as it stands."""

    message_id: UUID
    number: int
    topic: Topic
    place: str
    division_code: str
    school_code: str | None
    state: str
    planned: bool
    counts: dict[str, int]
    total: int
    opened_at: datetime
    grew_at: datetime
    first_cause: UUID
    last_cause: UUID
    stage: str | None
    grade: str | None
    class_name: str | None

    def composed(self) -> MessageComposed:
        """The event that fixes it."""
        return MessageComposed(
            topic=self.topic,
            division_code=self.division_code,
            school_code=self.school_code,
            counts=dict(sorted(self.counts.items())),
            total=self.total,
            opened_at=self.opened_at,
            grew_at=self.grew_at,
            first_cause=self.first_cause,
            last_cause=self.last_cause,
            stage=self.stage,
            grade=self.grade,
            class_name=self.class_name,
        )


COLUMNS = (
    "message_id, number, topic, place, division_code, school_code, state, planned, counts, total, opened_at, grew_at,"
    " first_cause, last_cause, stage, grade, class_name"
)
_GROW = """
INSERT INTO messages AS m
    (message_id, topic, place, division_code, school_code, counts, total, opened_at, grew_at, first_cause, last_cause,
     stage, grade, class_name)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::integer[],
                     %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (topic, place) WHERE state = 'open' DO UPDATE SET
    counts = add_counts(m.counts, excluded.counts), total = m.total + excluded.total,
    opened_at = least(m.opened_at, excluded.opened_at), grew_at = greatest(m.grew_at, excluded.grew_at),
    first_cause = CASE WHEN excluded.opened_at < m.opened_at THEN excluded.first_cause ELSE m.first_cause END,
    last_cause = CASE WHEN excluded.grew_at > m.grew_at THEN excluded.last_cause ELSE m.last_cause END
RETURNING message_id
"""


def grow(raw: Raw, growths: Iterable[Growth]) -> list[UUID]:
    """Add to the open messages, opening those that are missing; tells the live inboxes which. Rows are locked in the
    order of topic and place by everyone who grows."""
    rows = sorted(growths, key=lambda each: (each.topic, each.place.key))
    if not rows:
        return []
    found = raw.execute(
        _GROW,
        (
            [each.message_id for each in rows],
            [each.topic for each in rows],
            [each.place.key for each in rows],
            [each.place.division_code for each in rows],
            [each.place.school_code for each in rows],
            [json.dumps(each.counts) for each in rows],
            [each.counts.total() for each in rows],
            [each.opened_at for each in rows],
            [each.grew_at for each in rows],
            [each.first_cause for each in rows],
            [each.last_cause for each in rows],
            *([_of_class(each, name) for each in rows] for name in ("stage", "grade", "name")),
        ),
    ).fetchall()
    ids = [row[0] for row in found]
    tell(raw, ids)
    return ids


def _of_class(growth: Growth, name: str) -> str | None:
    own = growth.place.classroom
    return None if own is None else getattr(own, name)


def tell(raw: Raw, ids: Sequence[UUID]) -> None:
    """Wake the live inboxes, after the commit."""
    for start in range(0, len(ids), NOTIFIED_MESSAGES_MAX):
        entities = [str(each) for each in ids[start : start + NOTIFIED_MESSAGES_MAX]]
        payload = {"projection": "composing", "table": "messages", "entities": entities, "more": False}
        raw.execute("SELECT pg_notify('changed', %s)", (json.dumps(payload),))


def locked(raw: Raw, message_id: UUID) -> Message | None:
    """One message, kept from others until the transaction ends."""
    return _one(raw, "WHERE message_id = %s FOR UPDATE", (message_id,))


def fix(raw: Raw, message_id: UUID) -> None:
    """It no longer grows; the next cause opens another."""
    raw.execute("UPDATE messages SET state = 'fixed' WHERE message_id = %s", (message_id,))
    tell(raw, [message_id])


def mark_read(raw: Raw, message_id: UUID, principal: str, read_at: datetime) -> None:
    """Keep who has read it."""
    raw.execute(
        "INSERT INTO message_reads (message_id, principal, read_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (message_id, principal, read_at),
    )


def was_read(raw: Raw, message_id: UUID, principal: str) -> bool:
    """Whether this person has read it."""
    query = "SELECT FROM message_reads WHERE message_id = %s AND principal = %s"
    return raw.execute(query, (message_id, principal)).fetchone() is not None


def to_plan(raw: Raw, opened_before: datetime, count: int) -> list[Message]:
    """Messages nobody has planned the sending of: fixed ones, and open ones somebody is to be sent; locked."""
    return _all(
        raw,
        "WHERE NOT planned AND (state = 'fixed' OR (opened_at <= %s AND place IN (SELECT place FROM receivers)))"
        " ORDER BY number LIMIT %s FOR UPDATE SKIP LOCKED",
        (opened_before, count),
    )


def plan(raw: Raw, message_ids: Sequence[UUID]) -> None:
    """Their sending is planned; there is nothing more to do about them."""
    raw.execute("UPDATE messages SET planned = true, state = 'fixed' WHERE message_id = ANY(%s)", (list(message_ids),))


def by_id(raw: Raw, message_ids: Sequence[UUID]) -> list[Message]:
    """These messages in the order they were opened."""
    return _all(raw, "WHERE message_id = ANY(%s) ORDER BY number", (list(message_ids),))


def composed_since(raw: Raw, place: str, since: datetime, count: int) -> list[Message]:
    """Fixed messages to a place that grew last at ``since`` or later, in order."""
    query = "WHERE place = %s AND state = 'fixed' AND grew_at >= %s ORDER BY number LIMIT %s"
    return _all(raw, query, (place, since, count))


def _one(raw: Raw, where: str, given: Sequence[object]) -> Message | None:
    found = _all(raw, where, given)
    return found[0] if found else None


def _all(raw: Raw, where: str, given: Sequence[object]) -> list[Message]:
    with raw.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(f"SELECT {COLUMNS} FROM messages {where}".encode(), given).fetchall()
