"""What is to be sent, to whom, when, and how it went (ADR 0031). A delivery keeps its id over all attempts: it is what
the receiver compares, as ``webhook-id`` or ``Message-ID``.

A worker leases what is due and marks it afterwards: one that dies in between leaves a lease that ends, and the next one
sends again under the same id. No transaction is open while something is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from services.notifications.delivery.receivers import Receiver

Raw = psycopg.Connection[Any]
ChannelName = Literal["email", "sms", "webhook"]
LEASE = timedelta(seconds=60)  # above the deadline of one sending
# Per receiver (all e-mail goes to one server, all SMS to one gateway): a slow one holds up itself only.
AT_ONCE = {"email": 4, "sms": 4, "webhook": 2}
# After the n-th failed attempt, as Standard Webhooks advises: a restart, an outage of a night, of a weekend.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))

STEPS: tuple[tuple[str, str], ...] = (
    (
        "notifications-deliveries-0001",
        """
CREATE TABLE deliveries (
    delivery_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    channel text NOT NULL,
    receiver_id uuid NOT NULL REFERENCES receivers,
    lane text NOT NULL,
    division_code text NOT NULL,
    school_code text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'given_up')),
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    tried_at timestamptz,
    problem text NOT NULL DEFAULT ''
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_failed ON deliveries (number) WHERE state = 'failed';
CREATE TABLE delivery_messages (
    delivery_id uuid NOT NULL REFERENCES deliveries,
    message_id uuid NOT NULL REFERENCES messages,
    PRIMARY KEY (delivery_id, message_id)
);
CREATE TABLE delivery_attempts (
    delivery_id uuid NOT NULL REFERENCES deliveries,
    attempt integer NOT NULL,
    tried_at timestamptz NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (delivery_id, attempt, tried_at)
);
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON deliveries, delivery_messages, delivery_attempts TO rollcall_worker;
CREATE POLICY worker ON deliveries TO rollcall_worker USING (true) WITH CHECK (true);
GRANT SELECT ON deliveries TO rollcall_app;
CREATE POLICY viewer ON deliveries FOR SELECT TO rollcall_app USING (
    (division_code ^@ nullif((SELECT current_setting('rollcall.division', true)), ''))
    OR (school_code = nullif((SELECT current_setting('rollcall.school', true)), ''))
);
""",
    ),
)


@dataclass(frozen=True)
class Delivery:
    """One sending. ``attempts``: how many were made; ``problem``: why the last one failed."""

    delivery_id: UUID
    channel: ChannelName
    receiver_id: UUID
    state: str
    due_at: datetime
    attempts: int
    tried_at: datetime | None
    problem: str


_COLUMNS = "delivery_id, channel, receiver_id, state, due_at, attempts, tried_at, problem"
_TAKE = """
WITH busy AS (
    SELECT lane, count(*) AS held FROM deliveries WHERE state = 'waiting' AND leased_until > %(now)s GROUP BY lane
), ranked AS (
    SELECT delivery_id, lane, row_number() OVER (PARTITION BY lane ORDER BY due_at, number) AS place FROM deliveries
    WHERE state = 'waiting' AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
), chosen AS (
    SELECT d.delivery_id FROM deliveries AS d JOIN ranked USING (delivery_id) LEFT JOIN busy ON busy.lane = ranked.lane
    WHERE ranked.place + coalesce(busy.held, 0) <=
          CASE d.channel WHEN 'webhook' THEN %(webhook)s WHEN 'sms' THEN %(sms)s ELSE %(email)s END
      AND d.state = 'waiting' AND (d.leased_until IS NULL OR d.leased_until <= %(now)s)
    ORDER BY d.due_at LIMIT %(count)s FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries AS d SET leased_until = %(until)s FROM chosen WHERE d.delivery_id = chosen.delivery_id
RETURNING d.delivery_id
"""


def put(raw: Raw, delivery_id: UUID, channel: ChannelName, to: Receiver, message_id: UUID, due_at: datetime) -> None:
    """A message is to be sent; several of one id go out together."""
    lane = f"webhook:{to.receiver_id}" if channel == "webhook" else channel
    raw.execute(
        "INSERT INTO deliveries (delivery_id, channel, receiver_id, lane, division_code, school_code, due_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (delivery_id, channel, to.receiver_id, lane, to.division_code, to.school_code, due_at),
    )
    raw.execute(
        "INSERT INTO delivery_messages (delivery_id, message_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (delivery_id, message_id),
    )


def take(raw: Raw, now: datetime, count: int) -> list[Delivery]:
    """Lease up to ``count`` that are due, of each receiver no more than it takes at once."""
    given = {"now": now, "until": now + LEASE, "count": count, **AT_ONCE}
    ids = [row[0] for row in raw.execute(_TAKE, given)]
    return _read(raw, "WHERE delivery_id = ANY(%s) ORDER BY due_at, number", (ids,))


def messages_of(raw: Raw, delivery_id: UUID) -> list[UUID]:
    """What goes out in it."""
    rows = raw.execute("SELECT message_id FROM delivery_messages WHERE delivery_id = %s", (delivery_id,))
    return [row[0] for row in rows]


def mark(
    raw: Raw, delivery: Delivery, now: datetime, problem: str, *, final: Literal["failed", "given_up"] | None = None
) -> str:
    """Note an attempt and what follows: sent, tried again later, put aside as failed (also after the last of the
    attempts) or given up, which nobody need look at; the new state."""
    attempt = delivery.attempts + 1
    state = "sent" if not problem else final or ("failed" if attempt > len(PAUSES) else "waiting")
    due_at = now + PAUSES[attempt - 1] if state == "waiting" else delivery.due_at
    raw.execute(
        "INSERT INTO delivery_attempts (delivery_id, attempt, tried_at, problem) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (delivery.delivery_id, attempt, now, problem),
    )
    raw.execute(
        "UPDATE deliveries SET state = %s, due_at = %s, attempts = %s, tried_at = %s, problem = %s,"
        " leased_until = NULL WHERE delivery_id = %s AND state = 'waiting'",
        (state, due_at, attempt, now, problem, delivery.delivery_id),
    )
    return state


def failed(raw: Raw, count: int) -> list[Delivery]:
    """Those put aside that this connection may see, the newest first."""
    return _read(raw, "WHERE state = 'failed' ORDER BY number DESC LIMIT %s", (count,))


def one(raw: Raw, delivery_id: UUID) -> Delivery | None:
    """A delivery, as far as this connection may see it."""
    found = _read(raw, "WHERE delivery_id = %s", (delivery_id,))
    return found[0] if found else None


def again(raw: Raw, delivery_id: UUID, now: datetime) -> None:
    """Send it now, with all attempts before it."""
    raw.execute(
        "UPDATE deliveries SET state = 'waiting', attempts = 0, due_at = %s WHERE delivery_id = %s", (now, delivery_id)
    )


def give_up(raw: Raw, delivery_id: UUID) -> None:
    """Nobody waits for it any more."""
    raw.execute("UPDATE deliveries SET state = 'given_up' WHERE delivery_id = %s", (delivery_id,))


def _read(raw: Raw, where: str, given: Sequence[object]) -> list[Delivery]:
    with raw.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM deliveries {where}".encode(), given).fetchall()
