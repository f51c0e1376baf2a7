"""Who is sent the messages to a place: people by e-mail and SMS, systems by webhook. Written with the event that says
so, in its transaction; addresses and secrets are not here, they are opened from the event when something is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from services.notifications.delivery.places import Place
from services.notifications.delivery.timing import Habits

Raw = psycopg.Connection[Any]
Kind = Literal["contact", "webhook"]

STEPS: tuple[tuple[str, str], ...] = (
    (
        "notifications-receivers-0001",
        """
CREATE TABLE receivers (
    receiver_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('contact', 'webhook')),
    place text NOT NULL,
    division_code text NOT NULL,
    school_code text,
    principal text NOT NULL,
    channels text[] NOT NULL,
    topics text[] NOT NULL DEFAULT '{}',
    habits jsonb NOT NULL DEFAULT '{}',
    language text NOT NULL DEFAULT 'zh',
    shown jsonb NOT NULL DEFAULT '{}',
    active boolean NOT NULL,
    failing_since timestamptz,
    set_at timestamptz NOT NULL
);
CREATE INDEX receivers_by_place ON receivers (place) WHERE active;
ALTER TABLE receivers ENABLE ROW LEVEL SECURITY;
ALTER TABLE receivers FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON receivers TO rollcall_worker;
CREATE POLICY worker ON receivers TO rollcall_worker USING (true) WITH CHECK (true);
GRANT SELECT ON receivers TO rollcall_app;
CREATE POLICY viewer ON receivers FOR SELECT TO rollcall_app USING (
    (division_code ^@ nullif((SELECT current_setting('rollcall.division', true)), ''))
    OR (school_code = nullif((SELECT current_setting('rollcall.school', true)), ''))
);
""",
    ),
)


@dataclass(frozen=True)
class Receiver:
    """``channels`` of a contact that only reads the inbox are empty; a webhook's is "webhook". ``topics`` empty = all.
    ``shown``: masked addresses, or the host and why it is disabled. ``failing_since``: nothing has arrived since."""

    receiver_id: UUID
    kind: Kind
    place: str
    division_code: str
    school_code: str | None
    principal: str
    channels: list[str]
    topics: list[str]
    habits: dict[str, Any]
    language: Literal["zh", "en"]
    shown: dict[str, str]
    active: bool
    failing_since: datetime | None
    set_at: datetime

    def timing(self) -> Habits:
        """A webhook is sent everything at once."""
        return Habits(**self.habits)


_COLUMNS = (
    "receiver_id, kind, place, division_code, school_code, principal, channels, topics, habits, language, shown,"
    " active, failing_since, set_at"
)


def keep(
    raw: Raw,
    receiver_id: UUID,
    kind: Kind,
    place: Place,
    principal: str,
    channels: Sequence[str],
    *,
    set_at: datetime,
    topics: Sequence[str] = (),
    habits: Habits | None = None,
    language: str = "zh",
    shown: dict[str, str],
) -> None:
    """A receiver as it is from now on."""
    raw.execute(
        "INSERT INTO receivers (receiver_id, kind, place, division_code, school_code, principal, channels, topics,"
        " habits, language, shown, active, set_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (receiver_id) DO UPDATE SET place = excluded.place, division_code = excluded.division_code,"
        " school_code = excluded.school_code, channels = excluded.channels, habits = excluded.habits,"
        " language = excluded.language, shown = excluded.shown, active = excluded.active, set_at = excluded.set_at",
        (
            *(receiver_id, kind, place.key, place.division_code, place.school_code, principal, list(channels)),
            *(list(topics), json.dumps({} if habits is None else vars(habits)), language, json.dumps(shown)),
            *(bool(channels), set_at),
        ),
    )


def at_places(raw: Raw, places: Sequence[str]) -> list[Receiver]:
    """The active ones of these places."""
    return _read(raw, "WHERE place = ANY(%s) AND active ORDER BY receiver_id", (list(places),))


def one(raw: Raw, receiver_id: UUID) -> Receiver | None:
    """A receiver, as far as this connection may see it."""
    found = _read(raw, "WHERE receiver_id = %s", (receiver_id,))
    return found[0] if found else None


def of_kind(raw: Raw, kind: Kind, count: int) -> list[Receiver]:
    """Those this connection may see, by place."""
    return _read(raw, "WHERE kind = %s ORDER BY place, receiver_id LIMIT %s", (kind, count))


def switch(raw: Raw, receiver_id: UUID, *, active: bool, shown: dict[str, str]) -> None:
    """Send there from now on, or no longer."""
    raw.execute(
        "UPDATE receivers SET active = %s, shown = shown || %s::jsonb, failing_since = NULL WHERE receiver_id = %s",
        (active, json.dumps(shown), receiver_id),
    )


def ended_at(raw: Raw, receiver_id: UUID, place: Place) -> bool:
    """A person is sent the messages to this place no more; whether they were until now."""
    row = raw.execute(
        "UPDATE receivers SET active = false, channels = '{}', shown = '{}'"
        " WHERE receiver_id = %s AND place = %s AND kind = 'contact' AND active RETURNING receiver_id",
        (receiver_id, place.key),
    ).fetchone()
    return row is not None


def arrived(raw: Raw, receiver_id: UUID) -> None:
    """Something reached it."""
    raw.execute(
        "UPDATE receivers SET failing_since = NULL WHERE receiver_id = %s AND failing_since IS NOT NULL", (receiver_id,)
    )


def failed(raw: Raw, receiver_id: UUID, now: datetime) -> datetime:
    """Something did not; since when nothing has."""
    row = raw.execute(
        "UPDATE receivers SET failing_since = coalesce(failing_since, %s) WHERE receiver_id = %s"
        " RETURNING failing_since",
        (now, receiver_id),
    ).fetchone()
    return now if row is None else row[0]


def _read(raw: Raw, where: str, given: Sequence[object]) -> list[Receiver]:
    with raw.cursor(row_factory=class_row(Receiver)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM receivers {where}".encode(), given).fetchall()
