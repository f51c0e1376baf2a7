"""Carries out what two people approved: destroys the keys, waits until nobody can be using one, and records it.

Everything here may be killed and begun again. Keys are destroyed first, and what is recorded afterwards names every
event they sealed: no later one can exist, because without a key none is written. In between it waits until each log is
archived up to then, and as long as a transaction can last that read a key before: only then may services believe that
what they rewrite stays rewritten.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog

from services.audit import archived
from services.audit.commands import RecordErased
from services.audit.erasure import erasure_queries, finding
from services.audit.erasure.desk import Desk, record_erased, subject_of
from services.audit.erasure.erasure_errors import NothingRequested
from services.audit.events import PersonErased
from shared.database.database import Database, driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import today, utc_now
from shared.kernel.facts import fact_type
from shared.keys.keyring import KeyRing

LOOK_SECONDS = 2.0
# A statement ends after 30 s and an idle transaction after 15 s; what held a key before is over by then.
SETTLE = timedelta(seconds=60)
PRINCIPAL = "system:eraser"
_ERASED = fact_type(PersonErased).name

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Eraser:
    """The worker. ``services``: whose logs are archived, audit's own among them; ``settle`` as SETTLE."""

    desk: Desk
    database: Database
    keyring: KeyRing
    services: tuple[str, ...]
    settle: timedelta = SETTLE
    now: Callable[[], datetime] = utc_now
    day: Callable[[], date] = today

    def run(self, stop: threading.Event) -> None:
        """Erase until ``stop``; outlives the database."""
        again = True
        while not stop.is_set():
            try:
                if again:
                    self.erase_again()
                    again = False
                self.erase_some()
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as lost:
                log.warning("the eraser starts over", error=type(lost).__name__)
            stop.wait(LOOK_SECONDS)

    def erase_again(self) -> set[UUID]:
        """Destroy the keys of everybody who was ever erased: a keys' database that was restored from a backup holds
        them again. Whose keys had come back."""
        with self.database.working() as connection:
            rows = driver(connection).execute("SELECT data FROM events WHERE type = %s", (_ERASED,)).fetchall()
        people = {UUID(person) for (data,) in rows for person in json.loads(bytes(data))["people"]}
        back = self.keyring.erase_all(people) if people else set()
        if back:
            log.warning("keys of erased people had come back and are destroyed again", people=len(back))
        return back

    def erase_some(self) -> list[UUID]:
        """Bring every approved erasure forward; the students whose erasure was recorded now."""
        with self.database.working() as connection:
            waiting = erasure_queries.approved(connection)
        return [student for student in waiting if self._erase(student)]

    def _erase(self, student_id: UUID) -> bool:
        """Whether it is done."""
        if subject_of(self.desk, student_id).erasure != "approved":  # the view may be behind
            return False
        with self.database.working() as connection:
            raw = driver(connection)
            heads = archived.heads(raw, self.services)
            upto = {head.service: head.archived for head in heads}
            found = finding.people_of(raw, student_id, upto)
        self.keyring.erase_all(found.people)
        since = max(self.keyring.erased(found.people).values())
        complete = [head.closed_until for head in heads]
        if self.now() < since + self.settle or any(each is None or each <= since for each in complete):
            return False
        with self.database.working() as connection:
            held = finding.held_of(driver(connection), found.people, upto)
        intent = RecordErased(student_id, found.people, held.events, held.streams, upto, found.left)
        command = Command(PRINCIPAL, self.desk.streams.erased(student_id), b"")
        try:
            record_erased(self.desk, intent, command, self.day())
        except NothingRequested:
            return False
        log.info("a person is erased", student=str(student_id), events=sum(map(len, held.events.values())))
        return True
