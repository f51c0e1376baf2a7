"""Judges the checkpoints that services told with their heads, and cosigns those that are true.

A checkpoint is true when its log signed it under a known key, its root is the one of the archived bytes, and the tree
cosigned before is its beginning. Everything else is an alarm, and stays in the tables as the evidence it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg

from services.audit.archive import raise_alarms
from services.audit.domain import BAD_SIGNATURE, COSIGNATURE_DIFFERS, FORK, Alarm
from services.audit.proofs.archive_tree import Cosigned, last_cosigned, nodes_of
from shared.transparency.checkpoints import Checkpoint, cosigned, opened, unverified
from shared.transparency.nodes import HashMissing
from shared.transparency.notes import NoteBroken, Signer, Verifier

JUDGED_AT_ONCE = 50


class Told(NamedTuple):
    """A note as it came, not yet judged."""

    id: int
    size: int
    root: bytes
    note: str


class Disputed(NamedTuple):
    """A checkpoint that is signed, but is not the root of what Kafka brought."""

    checkpoint: Checkpoint
    cosigned: Cosigned | None


def note_checkpoint(raw: psycopg.Connection[Any], source: str, note: str) -> None:
    """Keep what came with a head. One that cannot even be read is an alarm."""
    service = source.rpartition("/")[2]
    try:
        told = unverified(note)
    except NoteBroken as broken:
        raise_alarms(raw, [Alarm(service, BAD_SIGNATURE, 0, str(broken))])
        return
    raw.execute(
        "INSERT INTO told_checkpoints (service, size, root, note) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (service, told.size, told.root, note),
    )


def raise_first(raw: psycopg.Connection[Any], alarm: Alarm, beyond: int) -> None:
    """Raise an alarm unless one of its kind stands behind index ``beyond`` already: a log that signs wrongly does so
    every second, and the first time says it all."""
    known = raw.execute(
        "SELECT count(*) FROM alarms WHERE service = %s AND kind = %s AND log_index > %s AND log_index < %s",
        (alarm.service, alarm.kind, beyond, alarm.log_index),
    ).fetchone()
    if known is None or not known[0]:
        raise_alarms(raw, [alarm])


class Judge:
    """Judges and cosigns the checkpoints of the log ``source``. ``keys``: everybody's public keys."""

    def __init__(
        self, source: str, keys: Sequence[Verifier], witness: Signer, clock: Callable[[], float] = time.time
    ) -> None:
        self._origin, self._service = source.lstrip("/"), source.rpartition("/")[2]
        self._keys, self._witness, self._clock = keys, witness, clock
        self._own = ""  # the cosigned note that was verified last

    def judge(self, raw: psycopg.Connection[Any]) -> list[Disputed]:
        """Judge what was told and is archived by now, in the caller's transaction; what somebody has to look into."""
        disputed: list[Disputed] = []
        best: Told | None = None
        before = last_cosigned(raw, self._service)
        if before is not None and not self._own_word(before):
            why = "the last cosigned checkpoint does not carry the witness's signature over this size and root"
            raise_alarms(raw, [Alarm(self._service, COSIGNATURE_DIFFERS, before.size, why)])
            return []
        for told in self._waiting(raw):
            found, alarm = None, self._signed_by_its_log(told)
            if alarm is None:
                if not self._archived(raw, told.size, before):
                    break  # Kafka has not brought it yet
                alarm, found = self._against(raw, told, before)
                if alarm is None and found is None and (best is None or told.size > best.size):
                    best = told
            if found is not None:
                disputed.append(found)
            if alarm is not None:
                raise_first(raw, alarm, 0 if before is None else before.size)
            self._passed(raw, told.id)
        if best is not None and not disputed and (before is None or best.size > before.size):
            self._cosign(raw, best)
        return disputed

    def _own_word(self, kept: Cosigned) -> bool:
        """Whether what the table holds is what this witness put its name to, also with a key it had before; its keys
        are not in the database."""
        if kept.note == self._own:
            return True
        try:
            found = opened(kept.note, [*self._keys, self._witness.verifier])
        except NoteBroken:
            return False
        mine = any(each.verifier.name == self._witness.name for each in found.witnesses)
        if not mine or found.checkpoint != Checkpoint(self._origin, kept.size, kept.root):
            return False
        self._own = kept.note
        return True

    def _signed_by_its_log(self, told: Told) -> Alarm | None:
        try:
            checkpoint = opened(told.note, self._keys).checkpoint
        except NoteBroken as broken:
            return Alarm(self._service, BAD_SIGNATURE, told.size, str(broken))
        if checkpoint.origin != self._origin:
            return Alarm(self._service, BAD_SIGNATURE, told.size, f"it speaks of {checkpoint.origin}")
        return None

    def _archived(self, raw: psycopg.Connection[Any], size: int, before: Cosigned | None) -> bool:
        """Whether everything that is new in a tree of this size is archived; its nodes are kept on the way."""
        known = 0 if before is None else before.size
        if size <= known:
            return True
        row = raw.execute(
            "SELECT count(*) FROM archive WHERE service = %s AND log_index > %s AND log_index <= %s",
            (self._service, known, size),
        ).fetchone()
        assert row is not None
        if row[0] < size - known:
            return False
        try:
            return nodes_of(raw, self._service).grow(size)
        except HashMissing:
            return True  # what was cosigned before is gone: that is for the judgement

    def _against(
        self, raw: psycopg.Connection[Any], told: Told, before: Cosigned | None
    ) -> tuple[Alarm | None, Disputed | None]:
        """Compare a signed checkpoint with the archive and with the other roots of its size."""
        checkpoint = Checkpoint(self._origin, told.size, told.root)
        nodes = nodes_of(raw, self._service).at(max(told.size, 0 if before is None else before.size))
        try:
            agrees = nodes.root(told.size) == told.root
            grown = before is None or nodes.root(before.size) == before.root
        except HashMissing:
            agrees = grown = False
        others = raw.execute(
            "SELECT count(*) FROM told_checkpoints WHERE service = %s AND size = %s AND root <> %s AND id < %s",
            (self._service, told.size, told.root, told.id),
        ).fetchone()
        if agrees and grown:
            return None, None
        if others is not None and others[0]:
            alarm = Alarm(self._service, FORK, told.size, f"two different roots over {told.size} events are signed")
            return alarm, Disputed(checkpoint, before)
        return None, Disputed(checkpoint, before)

    def _cosign(self, raw: psycopg.Connection[Any], told: Told) -> None:
        moment = int(self._clock())
        raw.execute(
            "INSERT INTO cosignatures (service, size, root, note, cosigned_at)"
            " VALUES (%s, %s, %s, %s, to_timestamp(%s)) ON CONFLICT DO NOTHING",
            (self._service, told.size, told.root, cosigned(told.note, self._witness, moment), moment),
        )

    def _waiting(self, raw: psycopg.Connection[Any]) -> list[Told]:
        raw.execute("INSERT INTO witness_progress (service) VALUES (%s) ON CONFLICT DO NOTHING", (self._service,))
        rows = raw.execute(
            "SELECT id, size, root, note FROM told_checkpoints WHERE service = %(service)s"
            " AND id > (SELECT judged FROM witness_progress WHERE service = %(service)s) ORDER BY id LIMIT %(limit)s",
            {"service": self._service, "limit": JUDGED_AT_ONCE},
        )
        return [Told(row[0], row[1], bytes(row[2]), row[3]) for row in rows]

    def _passed(self, raw: psycopg.Connection[Any], told_id: int) -> None:
        raw.execute("UPDATE witness_progress SET judged = %s WHERE service = %s", (told_id, self._service))
