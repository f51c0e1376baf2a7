"""A submission under way: it begins once, its chunks are commands named after it, and its receipt is kept for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from services.registry.errors import ListBusy
from services.registry.events import ListName, ListSubmissionHeld, ListSubmissionReceived, SubmissionMode
from services.registry.handlers import Registry
from services.registry.lists import standing, statements
from services.registry.lists.receipts import Receipt, Tally
from services.registry.lists.standing import Rejected
from shared.database.arrays import UuidArray
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed

LIST_NAMES: tuple[ListName, ...] = ("poverty", "civil", "disability")
COUNTED_AT_ONCE = 10_000  # events per question about what a submission did
WAIT_SECONDS = 20  # for another file of the same list; below the statement timeout
T = TypeVar("T")
R = TypeVar("R", bound=Receipt)


@dataclass(frozen=True)
class Submission:
    """What was sent. ``effective_on`` is the snapshot's date; ``dated``: the sender named it, so it is part of what
    must not differ on repetition. ``content`` is the file's SHA-256 in hex. ``annotated``: where a dry run writes the
    sender's workbook with what is wrong with each row."""

    list: str
    agency: str
    mode: SubmissionMode
    effective_on: date
    path: Path
    file_name: str
    content: str
    dated: bool = True
    annotated: Path | None = None


@contextmanager
def list_alone(registry: Registry, agency: str, list_name: str) -> Iterator[None]:
    """Keep others from taking in or taking back files of this agency's list. The lock ends with its connection. Raises
    ListBusy when another one does not end in time."""
    digest = hashlib.sha256(f"{agency}|{list_name}".encode()).digest()
    with psycopg.connect(registry.database.app_conninfo, autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (int.from_bytes(digest[:8], "big", signed=True),))
        except psycopg.errors.LockNotAvailable as busy:
            raise ListBusy from busy
        yield


@dataclass(frozen=True)
class Sending:
    """A submission under way: its id and the caller's command."""

    registry: Registry
    id: UUID
    of: Submission
    command: Command
    dry_run: bool

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other files of this agency's list out meanwhile: two snapshots that overlap would each end rows that
        the other states. Raises ListBusy when the other one does not end in time."""
        with list_alone(self.registry, self.of.agency, self.of.list):
            yield

    def known(self) -> bool:
        """Whether it began before: an interruption, or the same request again."""
        with self.registry.database.writing() as connection:
            return standing.begun(driver(connection), self.id) is not None

    def begin(self, opening: Sequence[Proposed] = ()) -> tuple[Sending, str | None]:
        """Note that the submission begins, or find how it stood: on the day it first had, with its receipt (JSON) if it
        is complete. ``opening``: the facts with which it begins. Raises CommandReused when the same id came with
        something else."""
        of = self.of
        day = of.effective_on.isoformat() if of.dated else "undated"
        body = f"{of.content}|{of.list}|{of.mode}|{day}".encode()

        def decide(connection: Connection) -> Sequence[Proposed]:
            standing.begin(driver(connection), self.id, of.effective_on, of.agency, of.list, of.mode)
            return opening

        self.registry.store.run(self.registry.database, self._named("begun", 0, body), decide)
        with self.registry.database.writing() as connection:
            known = standing.begun(driver(connection), self.id)
        assert known is not None, "noted by the command before"
        day_first, receipt = known
        begun = replace(self, of=replace(of, effective_on=day_first))
        return begun, receipt

    def part(self, kind: str, number: int, content: bytes = b"") -> Command:
        """The command of one chunk; its body is the whole file's digest, so that no other file passes for it, and the
        chunk's own ``content`` where the whole is not known yet."""
        of = self.of
        body = f"{of.content}|{of.list}|{of.mode}|{of.effective_on}|{number}".encode()
        return self._named(kind, number, body + content)

    def _named(self, kind: str, number: int, body: bytes) -> Command:
        command_id = self.registry.keys.part(self.id, kind, number)
        return Command(self.command.principal, command_id, body, traceparent=self.command.traceparent)

    def count(self, tally: Tally, event_ids: Sequence[UUID]) -> None:
        """Count what the chunks did; asked once at the end, so that a chunk done before an interruption counts too."""
        for some in chunks(event_ids, COUNTED_AT_ONCE):
            with self.registry.database.writing() as connection:
                kinds = driver(connection).execute(
                    "SELECT stream_id, type, version FROM events WHERE event_id = ANY(%s)",
                    (UuidArray(some),),
                    binary=True,
                )
                tally.count(kinds.fetchall())

    def finish(
        self,
        tally: Tally,
        sent_back: Sequence[Rejected],
        held: ListSubmissionHeld | None = None,
        swept: Sequence[str] = (),
        *,
        model: type[R] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> R:
        """Keep the rows that came back and the receipt; the receipt is the same for a faster second request. ``swept``:
        the parts of which it is a snapshot; ``model``: a receipt that tells ``more``."""
        registry, of = self.registry, self.of
        with registry.database.writing() as connection:
            raw = driver(connection)
            removed = standing.removed_by(raw, self.id)
            if sent_back:
                standing.keep_rejected(raw, registry.keyring, self.id, sent_back)
        missing, before = (held.missing, held.standing) if held is not None else (0, 0)
        told = self.receipt(tally, removed=removed, held=held is not None, missing=missing, standing_before=before)
        made: type[Any] = model or Receipt
        receipt: R = made.model_validate(told.model_dump() | dict(more or {}))
        received = ListSubmissionReceived(
            agency=of.agency,
            list=of.list,
            mode=of.mode,
            file_name=None,  # people write names of children into file names
            division_code=registry.division,
            rows=receipt.rows,
            added=receipt.added,
            corrected=receipt.corrected,
            unchanged=receipt.unchanged,
            removed=removed,
            rejected=receipt.rejected,
            received_by=self.command.principal,
        )

        def decide(connection: Connection) -> Sequence[Proposed]:
            raw = driver(connection)
            standing.keep_receipt(raw, self.id, receipt.model_dump_json())
            if swept:
                statements.sweep(raw, self.id, of.agency, of.list, swept, of.effective_on, counts=held is None)
            version = len(registry.store.load(connection, self.id))
            facts = [received] if held is None else [received, held]
            return [Proposed(self.id, version, fact, of.effective_on) for fact in facts]

        result = registry.store.run(registry.database, self.part("received", 0), decide)
        if result.replayed:  # the same submission, sent at the same time by a second request, was faster
            _, kept = self.begin()
            assert kept is not None, "kept together with the event"
            again: R = made.model_validate_json(kept)
            return again
        return receipt

    def receipt(
        self,
        tally: Tally,
        *,
        removed: int = 0,
        held: bool = False,
        missing: int = 0,
        standing_before: int = 0,
    ) -> Receipt:
        """The receipt of what was counted."""
        of = self.of
        on_record = tally.rows if of.list in LIST_NAMES else tally.rows - tally.rejected
        return Receipt(
            submission_id=self.id,
            list=of.list,
            agency=of.agency,
            mode=of.mode,
            dry_run=self.dry_run,
            effective_on=of.effective_on,
            rows=tally.rows,
            added=tally.added,
            corrected=tally.corrected,
            unchanged=on_record - tally.added - tally.corrected,
            removed=removed,
            rejected=tally.rejected,
            held=held,
            missing=missing,
            standing=standing_before,
            hidden_sheets=tally.hidden_sheets,
            hidden_rows=tally.hidden_rows,
            problems=dict(tally.problems),
            problem_rows=tuple(tally.problem_rows),
        )


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in pieces of at most ``size``."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
