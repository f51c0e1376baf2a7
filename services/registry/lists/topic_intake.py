"""Rows from an agency's topic become facts: the position moves in the transaction of the rows' own commands.

A record's command is named by topic id, partition and offset, so whatever is delivered twice is taken once; a topic
made anew begins anew. A record that cannot be taken leaves an answer in the same transaction, to be sent from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.registry.commands import RecordListEntries
from services.registry.errors import InvalidRecord
from services.registry.handlers import Registry, list_entries_recorded
from services.registry.lists import standing
from services.registry.lists.advice import advice
from services.registry.lists.agency_topics import AgencyTopic
from services.registry.lists.parts import file_part
from services.registry.lists.single_rows import RowUnreadable, cells_of, names_school, row_fields, single_row
from services.registry.lists.standing import Raw
from services.registry.sheets.lists import ListRow, RowProblem
from services.registry.sheets.schools import SchoolDirectory
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.kernel.failpoints import step
from shared.kernel.refusals import Refusal, VersionConflict

KEY_CHARACTERS = 200
ATTEMPTS = 5
SENT_AT_ONCE = 500

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-0006-agency-topics",
        """
CREATE TABLE agency_offsets (
    topic_id text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic_id, partition)
);
-- Answers that wait to be sent; gone once the broker has them.
CREATE TABLE agency_answers (
    topic_id text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    topic text NOT NULL,
    key bytea,
    answer bytea NOT NULL,
    PRIMARY KEY (topic_id, partition, record_offset)
);
CREATE INDEX agency_answers_by_topic ON agency_answers (topic, record_offset);
GRANT SELECT, INSERT, UPDATE ON agency_offsets TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON agency_answers TO rollcall_app;
""",
    ),
)


class Inlet(NamedTuple):
    """One partition of an agency's topic, as the broker knows it."""

    topic: AgencyTopic
    topic_id: str
    partition: int


class Record(NamedTuple):
    """What the topic holds at an offset; ``key`` and ``value`` as the agency wrote them."""

    offset: int
    key: bytes | None
    value: bytes | None


class Answer(NamedTuple):
    """An answer that waits to be sent."""

    topic: str
    key: bytes | None
    answer: bytes
    place: tuple[str, int, int]


def next_offset(raw: Raw, inlet: Inlet) -> int:
    """The first offset that was not taken; locks the partition's position until the transaction ends."""
    place = (inlet.topic_id, inlet.partition)
    raw.execute("INSERT INTO agency_offsets VALUES (%s, %s, 0) ON CONFLICT DO NOTHING", place)
    row = raw.execute(
        "SELECT next_offset FROM agency_offsets WHERE topic_id = %s AND partition = %s FOR UPDATE", place
    ).fetchone()
    assert row is not None, "made by the statement before"
    return int(row[0])


def take(registry: Registry, inlet: Inlet, records: Sequence[Record]) -> None:
    """Take records in, in order; those taken before are skipped. Raises what the database raises.

    A record that makes the whole fail for a reason of its own is found by taking one at a time, and answered.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _take(registry, inlet, records)
            return
        except Exception as error:
            if _of_the_database(error) and attempt < ATTEMPTS:
                continue
            if _of_the_database(error) or not records:
                raise
            break
    if len(records) > 1:
        for record in records:
            take(registry, inlet, [record])
        return
    _take(registry, inlet, records, unreadable=True)


def _take(registry: Registry, inlet: Inlet, records: Sequence[Record], *, unreadable: bool = False) -> None:
    with registry.database.writing() as connection:
        raw = driver(connection)
        first = next_offset(raw, inlet)
        fresh = [record for record in records if record.offset >= first]
        if not fresh:
            return
        directory = standing.schools(raw, today()).directory if not unreadable else SchoolDirectory.of(())
        for record in fresh:
            reasons = [_UNPROCESSABLE] if unreadable else _recorded(registry, inlet, record, directory, connection)
            if reasons:
                _answer(raw, inlet, record, reasons)
        raw.execute(
            "UPDATE agency_offsets SET next_offset = %s WHERE topic_id = %s AND partition = %s",
            (fresh[-1].offset + 1, inlet.topic_id, inlet.partition),
        )
        step("agency.before_commit")
    step("agency.committed")


def _recorded(
    registry: Registry, inlet: Inlet, record: Record, directory: SchoolDirectory, connection: Connection
) -> list[dict[str, str]]:
    """Record the row; the reasons why not, else none."""
    topic = inlet.topic
    try:
        fields = row_fields(cells_of(record.value or b""))
        row = single_row(topic.list, 1, fields, directory if names_school(fields) else SchoolDirectory.of(()))
        _execute(registry, inlet, record, row, connection)
    except InvalidRecord as refused:
        return [_reason(each["field"], each["code"], each["zh"], each["en"]) for each in refused.facts["problems"]]
    except RowUnreadable as refused:
        return [{"field": "row", "code": refused.reason, "zh": refused.zh, "en": refused.en}]
    except VersionConflict:
        raise
    except Refusal as refused:
        return [{"field": "row", "code": refused.code, "zh": refused.zh, "en": refused.en}]
    return []


def _execute(registry: Registry, inlet: Inlet, record: Record, row: ListRow, connection: Connection) -> None:
    topic = inlet.topic
    command = Command(f"agency:{topic.agency}", command_id(registry, inlet, record.offset), record.value or b"")
    intent = RecordListEntries(topic.agency, topic.list, ((row, 1),), today())
    part = file_part(topic.list, [row])
    registry.store.execute(connection, command, lambda: list_entries_recorded(registry, intent, part, connection))


def command_id(registry: Registry, inlet: Inlet, offset: int) -> UUID:
    """The command of the record at an offset."""
    return registry.keys.record(inlet.topic_id, inlet.partition, offset)


_UNPROCESSABLE = {
    "field": "row",
    "code": "unprocessable",
    "zh": "这一行无法处理,请与学生资助管理中心联系",
    "en": "The row cannot be processed; please ask the student-aid centre",
}


def _reason(field: str, code: str, zh: str, en: str) -> dict[str, str]:
    told = advice(RowProblem(field, code, zh, en))
    return {"field": field, "code": code, "zh": f"{zh}。{told.zh}。", "en": f"{en} {told.en}"}


def _answer(raw: Raw, inlet: Inlet, record: Record, reasons: list[dict[str, str]]) -> None:
    """Keep the answer to a bad record: where it stands and why, never what it says."""
    told = {
        "topic": inlet.topic.inlet,
        "partition": inlet.partition,
        "offset": record.offset,
        "key": None if record.key is None else record.key.decode("utf-8", "replace")[:KEY_CHARACTERS],
        "reasons": reasons,
    }
    raw.execute(
        "INSERT INTO agency_answers VALUES (%s, %s, %s, %s, %s, %s)",
        (
            inlet.topic_id,
            inlet.partition,
            record.offset,
            inlet.topic.rejects,
            record.key,
            msgspec.json.encode(told),
        ),
    )


def waiting(raw: Raw, topics: Iterable[str]) -> list[Answer]:
    """Answers that wait to be sent to these topics, the oldest first of each."""
    rows = raw.execute(
        "SELECT topic, key, answer, topic_id, partition, record_offset FROM agency_answers WHERE topic = ANY(%s)"
        " ORDER BY topic, record_offset LIMIT %s",
        (list(topics), SENT_AT_ONCE),
        binary=True,
    )
    return [Answer(topic, key, answer, (where, part, offset)) for topic, key, answer, where, part, offset in rows]


def sent(raw: Raw, answers: Sequence[Answer]) -> None:
    """The broker has these answers."""
    with raw.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM agency_answers WHERE topic_id = %s AND partition = %s AND record_offset = %s",
            [each.place for each in answers],
        )


def _of_the_database(error: Exception) -> bool:
    """Whether trying again may help: the row is not to blame."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    passing = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.SerializationFailure)
    return isinstance(cause, (VersionConflict, psycopg.errors.DeadlockDetected, *passing))
