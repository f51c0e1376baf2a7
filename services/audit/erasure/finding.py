"""Whose keys seal a student, and which events hold them: read from the archive, where every log is, sealed as it came.

A key belongs to a person, not to a record: by identity number the same one in every source. So the student's own stream
tells most; rows and members without a usable number have keys of their own and are found by what was decided about
them. A key that also seals the record of somebody else (a number typed wrongly) is not hers to destroy: that row is
left, and said to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

_CONFIRMED, _WITHDRAWN = "matching.LinkConfirmed.v1", "matching.LinkWithdrawn.v1"
_JOINED = "registry.HouseholdMemberJoined.v1"
_STATING = ("StudentEnrolled", "StudentDetailsCorrected", "ListEntryAdded", "ListEntryCorrected")
_RECORDS = frozenset(f"registry.{name}.v1" for name in _STATING)
_BOX = re.compile(rb'"person":"([0-9a-f-]{36})","box":"')
_PAGE_EVENTS = 5_000
Raw = psycopg.Connection[Any]


class Sealed(NamedTuple):
    """An archived event that holds blocks of these people."""

    service: str
    log_index: int
    stream_id: UUID
    type: str
    people: frozenset[UUID]


class Found(NamedTuple):
    """``people``: whose keys are hers; ``left``: rows found to be hers that another person's key seals."""

    people: tuple[UUID, ...]
    left: tuple[UUID, ...]


class Held(NamedTuple):
    """``events``: service → log indexes of the events that hold a block of these people; ``streams``: where they
    stand."""

    events: dict[str, tuple[int, ...]]
    streams: tuple[UUID, ...]


def people_of(raw: Raw, student_id: UUID, upto: Mapping[str, int]) -> Found:
    """The people whose keys seal this student, in the logs up to these indexes."""
    rows = _linked_rows(raw, student_id, upto)
    own = _in_streams(raw, [student_id])
    listed = _in_streams(raw, rows)
    sure = {student_id} | (
        set(own[-1].people) if own else set()
    )  # her number as it stands: who else names it means her
    doubtful = {person for each in (*own, *listed) for person in each.people} | _as_member(raw, student_id, upto)
    doubtful -= sure
    strangers: set[UUID] = set()
    if doubtful:
        hers = {student_id, *rows}
        for each in holding(raw, doubtful, {"registry": upto.get("registry", 0)}):
            if each.type in _RECORDS and each.stream_id not in hers:
                strangers |= each.people & doubtful
    left = {each.stream_id for each in (*own, *listed) if each.people & strangers}
    return Found(tuple(sorted(sure | (doubtful - strangers))), tuple(sorted(left)))


def held_of(raw: Raw, people: Collection[UUID], upto: Mapping[str, int]) -> Held:
    """Every event that holds a block of these people, in the logs up to these indexes."""
    index: dict[str, list[int]] = {}
    streams: set[UUID] = set()
    for each in holding(raw, people, upto):
        index.setdefault(each.service, []).append(each.log_index)
        streams.add(each.stream_id)
    return Held({service: tuple(sorted(found)) for service, found in sorted(index.items())}, tuple(sorted(streams)))


def holding(raw: Raw, people: Collection[UUID], upto: Mapping[str, int]) -> Iterator[Sealed]:
    """The events that hold a block of any of these people; each log is read through once."""
    wanted = frozenset(people)
    pattern = '"person":"(' + "|".join(str(person) for person in sorted(wanted)) + ')","box":"'
    for service, last in sorted(upto.items()):
        with raw.cursor("holding_events") as cursor:
            cursor.itersize = _PAGE_EVENTS
            cursor.execute(
                "SELECT log_index, stream_id, type, data FROM archive WHERE service = %s AND log_index <= %s"
                " AND convert_from(data, 'UTF8') ~ %s ORDER BY log_index",
                (service, last, pattern),
            )
            for log_index, stream_id, kind, data in cursor:
                yield Sealed(service, log_index, stream_id, kind, _people_in(data) & wanted)


def _in_streams(raw: Raw, streams: Collection[UUID]) -> list[Sealed]:
    """The registry's events of these streams that hold anybody's block, in their order."""
    rows = raw.execute(
        "SELECT log_index, stream_id, type, data FROM archive WHERE service = 'registry' AND stream_id = ANY(%s)"
        " ORDER BY log_index",
        (list(streams),),
    )
    found = [Sealed("registry", index, stream, kind, _people_in(data)) for index, stream, kind, data in rows]
    return [each for each in found if each.people]


def _linked_rows(raw: Raw, student_id: UUID, upto: Mapping[str, int]) -> list[UUID]:
    """The list rows that are held to be hers."""
    standing: set[UUID] = set()
    rows = raw.execute(
        "SELECT type, data FROM archive WHERE service = 'matching' AND log_index <= %s AND type = ANY(%s)"
        " AND position(%s::bytea IN data) > 0 ORDER BY log_index",
        (upto.get("matching", 0), [_CONFIRMED, _WITHDRAWN], str(student_id).encode()),
    )
    for kind, data in rows:
        told = json.loads(bytes(data))
        if told["student_id"] == str(student_id):
            entry = UUID(told["entry_id"])
            standing = standing | {entry} if kind == _CONFIRMED else standing - {entry}
    return sorted(standing)


def _as_member(raw: Raw, student_id: UUID, upto: Mapping[str, int]) -> set[UUID]:
    """The people she was registered as in households."""
    rows = raw.execute(
        "SELECT data FROM archive WHERE service = 'registry' AND log_index <= %s AND type = %s"
        " AND position(%s::bytea IN data) > 0",
        (upto.get("registry", 0), _JOINED, str(student_id).encode()),
    )
    return {
        person
        for (data,) in rows
        if json.loads(bytes(data)).get("student_id") == str(student_id)
        for person in _people_in(data)
    }


def _people_in(data: bytes) -> frozenset[UUID]:
    return frozenset(UUID(found.decode()) for found in _BOX.findall(bytes(data)))
