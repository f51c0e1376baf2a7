"""The inbox of one person: the messages to the place they answer for, under row-level security, with their own read
marks. Reading an open message fixes it: what a person has read does not grow behind their back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, text

from services.notifications.delivery import message_store, wording
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.message_store import Message
from services.notifications.delivery.places import Place
from services.notifications.delivery.topics import NEEDS
from services.notifications.delivery_errors import UnknownMessage
from services.notifications.delivery_events import MessageRead, Topic
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.kernel.clock import utc_now
from shared.web.languages import Language
from shared.web.pages import PageTurn

UNREAD_SHOWN = 99  # above this the page says "more"; counting further serves nobody


class MessageRow(BaseModel):
    """``order`` rises from the newest to the oldest. ``growing``: it still counts what comes. ``link`` leads to the
    rows behind it."""

    message_id: UUID
    order: int
    topic: Topic
    title: str
    parts: list[str]
    link: str
    counts: dict[str, int]
    total: int
    division_code: str
    school_code: str | None
    grade: str | None
    class_name: str | None
    opened_at: datetime
    grew_at: datetime
    growing: bool
    read_at: datetime | None


# A class of any stage is a prefix, and row-level security shows whoever asks no other class.
_TO = (
    "(m.place = :place OR (right(CAST(:place AS text), 1) = '/' AND m.place ^@ CAST(:place AS text)))"
    " AND m.topic = ANY(CAST(:topics AS text[]))"
)
_INBOX = text(
    """
SELECT m.*, -m.number AS place_in_order, r.read_at FROM messages AS m
LEFT JOIN message_reads AS r ON r.message_id = m.message_id AND r.principal = :principal
WHERE {to} AND (CAST(:after AS bigint) IS NULL OR -m.number > :after)
  AND (NOT :unread OR r.read_at IS NULL) AND (CAST(:ids AS uuid[]) IS NULL OR m.message_id = ANY(:ids))
ORDER BY m.number DESC LIMIT :count
""".replace("{to}", _TO)
)
_UNREAD = text(
    """
SELECT count(*) FROM (
    SELECT FROM messages AS m WHERE {to} AND NOT EXISTS (
        SELECT FROM message_reads AS r WHERE r.message_id = m.message_id AND r.principal = :principal)
    LIMIT :most
) AS unread
""".replace("{to}", _TO)
)


class Reader(NamedTuple):
    """Who reads: the messages to one place, of these topics."""

    place: Place
    principal: str
    topics: Sequence[Topic] = tuple(NEEDS)


def inbox(
    connection: Connection, reader: Reader, turn: PageTurn, language: Language, *, unread: bool = False
) -> list[MessageRow]:
    """At most ``turn.fetch`` messages, the newest first."""
    after = None if turn.after is None else turn.after[0]
    return _rows(connection, reader, language, after=after, unread=unread, ids=None, count=turn.fetch)


def messages_by_id(
    connection: Connection, reader: Reader, ids: Sequence[UUID], language: Language
) -> Mapping[UUID, MessageRow]:
    """Those of these messages that are to this reader."""
    rows = _rows(connection, reader, language, after=None, unread=False, ids=list(ids), count=len(ids))
    return {row.message_id: row for row in rows}


def unread_count(connection: Connection, reader: Reader) -> int:
    """How many messages this person has not read, at most one more than UNREAD_SHOWN."""
    given = {**_given(reader), "most": UNREAD_SHOWN + 1}
    return int(connection.execute(_UNREAD, given).scalar_one())


def read(desk: Desk, scope: Scope, reader: Reader, message_id: UUID, command: Command, today: date) -> Result:
    """The receipt of the command's principal. Raises UnknownMessage, CommandReused."""
    with desk.database.reading(scope, VIEW) as connection:
        known = messages_by_id(connection, reader, [message_id], "zh")
    if not known:
        raise UnknownMessage
    now = utc_now()

    def decide(connection: Connection, _stored: Sequence[Stored]) -> Sequence[Proposed]:
        raw = driver(connection)
        message = message_store.locked(raw, message_id)
        if message is None or message_store.was_read(raw, message_id, command.principal):
            return []
        version = len(desk.store.load(connection, message_id))  # under the row's lock: planning may have just fixed it
        return [*fixing(message, version, today), Proposed(message_id, version, MessageRead(), today)]

    def then(raw: message_store.Raw) -> None:
        message_store.fix(raw, message_id)
        message_store.mark_read(raw, message_id, command.principal, now)

    return desk.settle(message_id, command, decide, then)


def fixing(message: Message, version: int, today: date) -> list[Proposed]:
    """The event that fixes an open message; none for one that is fixed."""
    return [] if version else [Proposed(message.message_id, version, message.composed(), today)]


def _given(reader: Reader) -> dict[str, object]:
    return {"place": reader.place.key, "principal": reader.principal, "topics": list(reader.topics)}


def _rows(
    connection: Connection,
    reader: Reader,
    language: Language,
    *,
    after: int | None,
    unread: bool,
    ids: list[UUID] | None,
    count: int,
) -> list[MessageRow]:
    given = {**_given(reader), "after": after, "unread": unread, "ids": ids, "count": count}
    found = connection.execute(_INBOX, given).mappings()
    rows = []
    for each in found:
        message = Message(**{name: each[name] for name in Message.__dataclass_fields__})
        words = wording.worded(message.composed(), language)
        rows.append(
            MessageRow(
                **{name: each[name] for name in ("message_id", "topic", "counts", "total", "division_code")},
                **{name: each[name] for name in ("school_code", "opened_at", "grew_at", "read_at")},
                **{name: each[name] for name in ("grade", "class_name")},
                order=each["place_in_order"],
                title=words.title,
                parts=list(words.parts),
                link=words.link,
                growing=message.state == "open",
            )
        )
    return rows
