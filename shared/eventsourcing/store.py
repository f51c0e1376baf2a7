"""The event store: append on a condition, once per command, for ever (design.md §3, invariants 1, 3 and 14).

The order of statements in one append carries the sequencer: the command row comes first and gives the transaction its
id, so every position is drawn by a transaction that is already visible to a snapshot (see sequencer.py).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import errors
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from shared.database.database import Database, driver
from shared.eventsourcing import answers, appended, rows
from shared.eventsourcing.event import Event
from shared.eventsourcing.sealing import fresh_nonces, people_in, people_of, seal, unseal
from shared.kernel.facts import Fact, fact_type
from shared.kernel.failpoints import step
from shared.kernel.identifiers import new_event_ids
from shared.kernel.refusals import CommandReused, Conflict, VersionConflict
from shared.keys.keyring import KeyRing

BATCH_LIMIT = 1_000  # events of one command (design.md §10)
DATA_LIMIT_BYTES = 262_144  # one event's sealed data: a broker's batch must hold it
ATTEMPTS = 5

__all__ = [
    "BATCH_LIMIT",
    "Cause",
    "Command",
    "Decide",
    "EventStore",
    "NotTogether",
    "PersonErased",
    "Proposed",
    "Result",
    "Stored",
]


class Cause(NamedTuple):
    """The event that made a policy send a command."""

    event_id: UUID
    recorded_at: datetime
    traceparent: str | None


@dataclass(frozen=True)
class Command:
    """An intent. ``(principal, command_id)`` is its identity for ever; ``body`` is what must not differ on repetition
    (only its HMAC is kept)."""

    principal: str
    command_id: UUID
    body: bytes
    cause: Cause | None = None
    traceparent: str | None = None


class Proposed(NamedTuple):
    """A fact to append. ``expected_version`` is the stream's version before this command (0 = no such stream); several
    facts for one stream follow each other and repeat that version or count it up."""

    stream_id: UUID
    expected_version: int
    fact: Fact
    effective_on: date


class Result(NamedTuple):
    """What a command did. ``versions``: stream → last version written; ``replayed``: this was a repetition."""

    event_ids: tuple[UUID, ...]
    replayed: bool
    versions: dict[UUID, int]


class Stored(NamedTuple):
    """An event of a stream with its fact; personal blocks are None unless they were asked for."""

    event: Event
    fact: Fact


class NotTogether(Exception):
    """One of the commands was done before, or two of them are about the same stream."""


Decide = Callable[[Connection], Sequence[Proposed]]


class PersonErased(Conflict):
    """The fact names a person whose key was erased."""

    code = "person_erased"


class EventStore:
    """The store of one service. Stateless between calls, thread-safe; the caller's connection is the transaction."""

    def __init__(self, service: str, keyring: KeyRing, hmac_key: bytes) -> None:
        self.service = service
        self._keyring = keyring
        self._hmac_key = hmac_key

    def load(self, connection: Connection, stream_id: UUID, *, personal: bool = False) -> list[Stored]:
        """The stream's events by version; empty = no such stream. ``personal`` opens blocks (None = erased).

        Raises SealBroken, UnknownFactType.
        """
        return self.load_many(connection, [stream_id], personal=personal)[stream_id]

    def load_many(
        self, connection: Connection, stream_ids: Collection[UUID], *, personal: bool = False
    ) -> dict[UUID, list[Stored]]:
        """Several streams at once; every asked stream has an entry."""
        streams: dict[UUID, list[Stored]] = {stream: [] for stream in stream_ids}
        events = rows.of_streams(driver(connection), list(streams))
        keys: dict[UUID, bytes] = {}
        if personal and events:
            keys = self._keyring.keys(set().union(*(people_in(event) for event in events)))
        for event in events:
            streams[event.stream_id].append(Stored(event, unseal(event, keys)))
        return streams

    def execute(self, connection: Connection, command: Command, decide: Callable[[], Sequence[Proposed]]) -> Result:
        """Do the command in the caller's transaction, or give the answer it got before.

        A Conflict that ``decide`` raises is kept with the command and raised: the caller commits it (:meth:`run` does).
        Malformed and NotFound are not kept. Raises Refusal, CommandReused, VersionConflict (the database has then
        ended the transaction), PersonErased, ValueError (more than BATCH_LIMIT facts, or versions that do
        not follow each other).
        """
        raw = driver(connection)
        body_hmac = self._hmac_of(command)
        before = self._answered(raw, command, body_hmac)
        if before is not None:
            return before
        try:
            try:
                proposed = decide()
                numbered, versions = self._numbered(proposed)
            except VersionConflict:
                raise
            except Conflict as refusal:
                rows.keep_refusal(raw, command.principal, command.command_id, body_hmac, answers.keep(refusal))
                raise
            rows.append(raw, _tail(command), body_hmac, numbered.event_ids, _sealed(numbered), _predecessors(proposed))
        except (errors.UniqueViolation, errors.SerializationFailure) as taken:
            raise VersionConflict(
                "数据已被他人更新,请刷新后重试", "The record was changed by someone else; reload and try again"
            ) from taken
        return Result(tuple(numbered.event_ids), False, versions)

    def execute_all(
        self,
        connection: Connection,
        commands: Sequence[Command],
        decide_all: Callable[[], Sequence[Sequence[Proposed]]],
    ) -> list[Result]:
        """Do new commands about different streams in the caller's transaction, as :meth:`execute` does each, with a few
        statements for all of them. ``decide_all`` gives what each command appends, in their order. Raises NotTogether
        and whatever stands in the way of one of them; then nothing of any may be committed."""
        raw = driver(connection)
        if rows.any_answered(raw, [(each.principal, each.command_id) for each in commands]):
            raise NotTogether
        decided = decide_all()
        streams = [{each.stream_id for each in proposed} for proposed in decided]
        if len(set().union(*streams)) != sum(map(len, streams)):
            raise NotTogether
        people = people_of(*(each.fact for proposed in decided for each in proposed))
        self._keyring.keys(people, create=True)  # one look for all: each finds its own at hand then
        done, results = [], []
        for command, proposed in zip(commands, decided, strict=True):
            numbered, versions = self._numbered(proposed)
            done.append(rows.Done(_tail(command), self._hmac_of(command), list(_sealed(numbered))))
            results.append(Result(tuple(numbered.event_ids), False, versions))
        rows.append_all(raw, done, _predecessors([each for proposed in decided for each in proposed]))
        return results

    def run(
        self,
        database: Database,
        command: Command,
        decide: Decide,
        then: Callable[[Connection, Result], None] | None = None,
    ) -> Result:
        """One command, one transaction: load and decide inside, commit, try again when a stream moved on meanwhile
        (at most ATTEMPTS times). ``then`` notes what rests on the events just appended, in their transaction; it is not
        called for a repetition. Kept refusals are committed, then raised. Raises as :meth:`execute`."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                outcome = self._attempt(database, command, decide, then)
            except (VersionConflict, errors.SerializationFailure, errors.DeadlockDetected, DBAPIError) as error:
                if attempt == ATTEMPTS or not _worth_repeating(error):
                    raise
                continue
            step("append.committed")
            if isinstance(outcome, Conflict):
                raise outcome
            appended.note(outcome.event_ids)
            return outcome
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(
        self,
        database: Database,
        command: Command,
        decide: Decide,
        then: Callable[[Connection, Result], None] | None,
    ) -> Result | Conflict:
        """One transaction, committed; a refusal on facts is an outcome like any other."""
        with database.writing() as connection:
            try:
                result = self.execute(connection, command, lambda: decide(connection))
            except VersionConflict:
                raise
            except Conflict as refusal:
                return refusal
            if then is not None and not result.replayed:
                then(connection, result)
            return result

    def _hmac_of(self, command: Command) -> bytes:
        return hmac.new(self._hmac_key, command.body, hashlib.sha256).digest()

    def _answered(self, raw: psycopg.Connection[Any], command: Command, body_hmac: bytes) -> Result | None:
        """The stored answer: a Result, the stored refusal raised, or None when the command is new."""
        kept = rows.answer(raw, command.principal, command.command_id)
        if kept is None:
            return None
        if not hmac.compare_digest(kept.body_hmac, body_hmac):
            raise CommandReused("同一请求编号已用于不同内容", "This command id was used before with another body")
        if kept.refusal is not None:
            raise answers.restore(kept.refusal)
        return Result(tuple(kept.event_ids), True, rows.versions_of(raw, kept.event_ids))

    def _numbered(self, proposed: Sequence[Proposed]) -> tuple[_Numbered, dict[UUID, int]]:
        """Number the facts and fetch the keys that will seal them. Creates the keys of people seen for the first
        time."""
        if len(proposed) > BATCH_LIMIT:
            raise ValueError(f"a command appends at most {BATCH_LIMIT} facts, not {len(proposed)}")
        people = people_of(*(each.fact for each in proposed))
        keys = self._keyring.keys(people, create=True)
        if len(keys) != len(people):
            raise PersonErased("该人员的个人信息已依法删除", "The personal data of this person were erased")
        versions: dict[UUID, int] = {}
        numbers = [_next_version(versions, each.stream_id, each.expected_version) for each in proposed]
        return _Numbered(proposed, new_event_ids(len(proposed)), numbers, keys), versions


class _Numbered(NamedTuple):
    """Facts with the event ids and versions they are going to have, and the keys of the people in them."""

    proposed: Sequence[Proposed]
    event_ids: list[UUID]
    versions: list[int]
    keys: dict[UUID, bytes]


def _sealed(numbered: _Numbered) -> Iterator[rows.Append]:
    """The facts as they are written, each sealed when it is asked for: the server writes many meanwhile. Raises
    ValueError."""
    proposed, event_ids, versions, keys = numbered
    nonces, names = fresh_nonces(), {type(each.fact): fact_type(type(each.fact)).name for each in proposed}
    for each, event_id, version in zip(proposed, event_ids, versions, strict=True):
        stream, _, fact, effective_on = each
        data = seal(fact, event_id, stream, version, keys, nonces)
        if len(data) > DATA_LIMIT_BYTES:
            raise ValueError(f"an event holds at most {DATA_LIMIT_BYTES} bytes, not {len(data)}")
        yield rows.Append(event_id, stream, version, names[type(fact)], effective_on, data)


def _worth_repeating(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, VersionConflict | errors.SerializationFailure | errors.DeadlockDetected)


def _next_version(versions: dict[UUID, int], stream: UUID, expected: int) -> int:
    last = versions.get(stream)
    if last is None:
        last = expected
    elif expected > last:
        raise ValueError(f"stream {stream}: version {expected} is expected, but this command leaves it at {last}")
    versions[stream] = last + 1
    return last + 1


def _predecessors(proposed: Sequence[Proposed]) -> dict[UUID, int]:
    """Stream → version that must exist before this command, for streams that are not new."""
    if not any(each.expected_version for each in proposed):
        return {}
    first: dict[UUID, int] = {}
    for each in proposed:
        first.setdefault(each.stream_id, each.expected_version)
    return {stream: version for stream, version in first.items() if version > 0}


def _tail(command: Command) -> rows.Tail:
    cause = command.cause
    return rows.Tail(
        command.principal,
        command.command_id,
        None if cause is None else cause.event_id,
        None if cause is None else cause.recorded_at,
        command.traceparent,
    )
