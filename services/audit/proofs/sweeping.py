"""The witness's two loops: judging what services sign as it comes, and comparing every store with the archive anew.

The comparison goes through all of every log, a bounded number of events a second, and then begins again: whoever alters
a row years back is found within one round. Of each kind of wrong the first index of a round becomes the alarm.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import psycopg
import sqlalchemy.exc
import structlog

from services.audit.alarms.rounds import note_round
from services.audit.archive import raise_alarms
from services.audit.domain import CHECKPOINT_DIFFERS, Alarm
from services.audit.proofs.archive_tree import last_cosigned
from services.audit.proofs.comparing import compare, look_into
from services.audit.proofs.store_client import Stores, StoreSilent
from services.audit.proofs.witnessing import Disputed, Judge, raise_first
from shared.database.database import Database, driver
from shared.transparency.notes import KeyUnreadable
from shared.transparency.store_ranges import RANGE_EVENTS

JUDGE_SECONDS = 1.0
TRY_AGAIN_SECONDS = 5.0
SWEEP_EVENTS_PER_SECOND = 2_000  # about a fifteenth of a core, both sides; ten million events take 85 minutes
ROUND_PAUSE_SECONDS = 60.0
NOTHING_YET_SECONDS = 5.0
SILENT_TRIES = 5  # then the alarm is raised without the place

log = structlog.get_logger(__name__)


class Witness:
    """Judges the logs. ``judges``: service → its judge, made when the keys can be read."""

    def __init__(self, database: Database, judges: Callable[[], Mapping[str, Judge]], stores: Stores) -> None:
        self._database, self._judges, self._stores = database, judges, stores
        self._silent: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Judge until ``stop``; outlives database and services."""
        while not stop.is_set():
            try:
                for service, judge in self._judges().items():
                    self.look(service, judge)
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError, KeyUnreadable) as lost:
                log.warning("the witness tries again", error=type(lost).__name__, detail=str(lost).split("\n")[0])
                stop.wait(TRY_AGAIN_SECONDS)
            stop.wait(JUDGE_SECONDS)

    def look(self, service: str, judge: Judge) -> None:
        """Judge what this log told, once. Without its service's answer nothing is passed over: it is judged again."""
        try:
            with self._database.working() as connection:
                raw = driver(connection)
                for disputed in judge.judge(raw)[:1]:  # the further ones part at the same place
                    kept = disputed.cosigned
                    raise_first(raw, self._explained(raw, service, disputed), 0 if kept is None else kept.size)
            self._silent.pop(service, None)
        except StoreSilent as silent:
            self._silent[service] = self._silent.get(service, 0) + 1
            log.warning("a disputed checkpoint waits for its service", service=service, reason=str(silent))

    def _explained(self, raw: psycopg.Connection[tuple[object, ...]], service: str, disputed: Disputed) -> Alarm:
        try:
            return look_into(raw, self._stores, service, disputed)
        except StoreSilent:
            if self._silent.get(service, 0) < SILENT_TRIES:
                raise
            size = disputed.checkpoint.size
            why = f"the root signed over {size} events is not that of the archive; its service does not say more"
            return Alarm(service, CHECKPOINT_DIFFERS, size, why)


class Sweep:
    """Compares the stores of ``services`` with the archive, round after round."""

    def __init__(self, database: Database, services: Sequence[str], stores: Stores) -> None:
        self._database, self._services, self._stores = database, tuple(services), stores
        self._raised: dict[str, set[str]] = {}
        self._rested: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Compare until ``stop``; outlives database and services."""
        while not stop.is_set():
            compared = 0
            for service in self._services:
                if time.monotonic() < self._rested.get(service, 0.0):
                    continue
                pause = NOTHING_YET_SECONDS
                try:
                    found = self.step(service)
                    compared += found or 0
                    pause = 0.0 if found else ROUND_PAUSE_SECONDS if found == 0 else NOTHING_YET_SECONDS
                except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, StoreSilent) as lost:
                    log.info("a store cannot be compared now", service=service, error=type(lost).__name__)
                self._rested[service] = time.monotonic() + pause
            stop.wait(max(JUDGE_SECONDS, compared / SWEEP_EVENTS_PER_SECOND))

    def step(self, service: str) -> int | None:
        """Compare the next block; how many events, 0 at the end of a round, None while nothing is cosigned. Raises
        StoreSilent."""
        with self._database.working() as connection:
            raw = driver(connection)
            row = raw.execute(
                "SELECT next_index, first_wrong FROM witness_progress WHERE service = %s", (service,)
            ).fetchone()
            kept = last_cosigned(raw, service)
            if row is None or kept is None:
                return None
            first = int(row[0])
            if first > kept.size:
                raw.execute(
                    "UPDATE witness_progress SET next_index = 1, rounds = rounds + 1, round_ended_at = now(),"
                    " first_wrong = NULL WHERE service = %s",
                    (service,),
                )
                note_round(raw, service, "store", kept.size, row[1])
                self._raised.pop(service, None)
                return 0
            last = min(first + RANGE_EVENTS - 1, kept.size)
            alarm = compare(raw, self._stores, service, first, last)
            raised = self._raised.setdefault(service, set())
            if alarm is not None and alarm.kind not in raised:
                raised.add(alarm.kind)
                raise_alarms(raw, [alarm])
                log.critical("an event is not what was signed", service=service, kind=alarm.kind, index=alarm.log_index)
            raw.execute(
                "UPDATE witness_progress SET next_index = %s, first_wrong = coalesce(first_wrong, %s)"
                " WHERE service = %s",
                (last + 1, None if alarm is None else alarm.log_index, service),
            )
            return last - first + 1
