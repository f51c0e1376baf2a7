"""Settling dead letters after a repair: apply them in order and free the stream, or give one up with a reason."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Connection

from shared.database.database import driver
from shared.messaging import checkpoint, deadletters
from shared.messaging.applying import Batch, Folded
from shared.messaging.arrivals import arrival
from shared.messaging.checkpoint import Checkpoint, Key
from shared.messaging.codec import decode
from shared.messaging.facts import open_facts
from shared.messaging.failures import is_passing
from shared.messaging.runner import Runner

log = structlog.get_logger(__name__)


class Repaired(NamedTuple):
    """``applied`` letters were applied; ``stopped_at``: the letter that still fails, if any, and its error's name."""

    applied: int
    stopped_at: UUID | None = None
    error_kind: str | None = None


class LetterSettled(Exception):
    """The letter is unknown, or was applied or discarded before."""


def replay_dead_letter(runner: Runner, letter_id: UUID, *, by: str) -> Repaired:
    """Apply the letters of this letter's stream in log order, all in one transaction, and free the stream.

    Stops at the first that still fails; what was applied before it stays applied. For a build that halts, the partition
    is freed instead and reads the event again. Raises LetterSettled, LetterUnreadable.
    """
    with runner.database.working() as connection:
        raw = driver(connection)
        letter = deadletters.find(raw, letter_id)
        if letter is None or letter.state not in ("poison", "queued"):
            raise LetterSettled(f"letter {letter_id}")
        key = Key(letter.projection, letter.build, letter.log, letter.partition)
        standing = checkpoint.lock(raw, key)
        if runner.projection.halts:
            checkpoint.halt(raw, key, None)
            deadletters.settle(raw, letter_id, "applied", by=by)
            return Repaired(1)
        applied = 0
        for each in deadletters.stream_letters(raw, letter):
            sealed = deadletters.unsealed(raw, runner.keyring, each.id)
            error = _apply_one(runner, connection, key, standing, sealed)
            if error is not None:
                log.warning("dead letter still fails", letter=str(each.id), error=type(error).__name__)
                return Repaired(applied, each.id, type(error).__name__)
            deadletters.settle(raw, each.id, "applied", by=by)
            applied += 1
        deadletters.unpark(raw, letter)
    return Repaired(applied)


def discard_dead_letter(runner: Runner, letter_id: UUID, *, by: str, reason: str) -> None:
    """Give one event up for this build, for a stated reason; its stream stays parked while other letters are open.

    For a build that halts, the partition goes on after the event. Raises LetterSettled, ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("a discarded letter needs a reason")
    with runner.database.working() as connection:
        raw = driver(connection)
        letter = deadletters.find(raw, letter_id)
        if letter is None or letter.state not in ("poison", "queued"):
            raise LetterSettled(f"letter {letter_id}")
        key = Key(letter.projection, letter.build, letter.log, letter.partition)
        standing = checkpoint.lock(raw, key)
        deadletters.settle(raw, letter_id, "discarded", by=by, reason=reason)
        if standing.halted is not None and letter.log_index is not None:
            checkpoint.save(raw, key, max(standing.last_log_index, letter.log_index), 0, standing.hint, lightly=False)
            checkpoint.halt(raw, key, None)
        elif not deadletters.stream_letters(raw, letter):
            deadletters.unpark(raw, letter)


def _apply_one(
    runner: Runner, connection: Connection, key: Key, standing: Checkpoint, sealed: deadletters.Sealed
) -> Exception | None:
    """Apply one letter in a savepoint; the error if it still fails. Passing trouble is raised."""
    if sealed.value is None:
        return ValueError("a record without a value")
    try:
        item = arrival(decode(sealed.value, sealed.headers))
    except Exception as error:
        return error
    facts = open_facts(runner.projection, runner.keyring, [item])
    fact = facts.get(item.log_index)
    if fact is None:
        return None  # the projection no longer folds this type
    if isinstance(fact, Exception):
        return fact
    batch = Batch(runner.projection, runner.writers, runner.keyring, connection, key, standing)
    try:
        with driver(connection).transaction():
            batch.write([Folded(item, fact, runner.projection.fold(fact))], apart=False)
    except Exception as error:
        if is_passing(error):
            raise
        return error
    return None
