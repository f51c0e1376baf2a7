"""Makes the reports of what proposed models would change: both models on every list row as it is now, a page at a time.

It reads what the decider reads and asks the decider's own rules, but locks no row and decides nothing; live decisions
go on meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import sqlalchemy.exc
import structlog
from sqlalchemy import Connection

from services.matching import model_progress
from services.matching.active_model import ActiveModel
from services.matching.deciding import PAUSES_SECONDS, Deciding, Terms, enter_roster
from services.matching.index_rows import page
from services.matching.ladder import Rules
from services.matching.model_change import usable
from services.matching.model_diff import ChangedRow, digest, hash_of, report
from services.matching.model_progress import Begun
from services.matching.model_proposals import every_changed_row
from services.matching.scoring import Model, scorer
from shared.database.database import Database, driver

PAGE_ROWS = 500
LOOK_SECONDS = 1.0
REST_SECONDS = 0.02  # between two pages, so that decisions and requests of the same process come first

_PASSING = (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Reporting:
    """Any number of processes may run it: each report is made by one at a time."""

    database: Database
    deciding: Deciding
    models: ActiveModel

    def run(self, stop: threading.Event) -> None:
        """Make reports whenever there are proposals, until ``stop``; outlives the database."""
        failures = 0
        while not stop.is_set():
            try:
                stop.wait(REST_SECONDS if self.report_some() else LOOK_SECONDS)
                failures = 0
            except _PASSING as lost:
                log.warning("the report of a model waits", error=type(lost).__name__)
                stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                failures += 1

    def report_some(self) -> bool:
        """One page of the oldest report in one transaction; whether there was one to make."""
        with self.database.working() as connection:
            raw = driver(connection)
            opened = enter_roster(raw)
            if opened is None:
                return False
            begun = model_progress.take(raw)
            if begun is None:
                return False
            try:
                with raw.transaction():
                    self._page(connection, begun, opened)
            except _PASSING:
                raise
            except Exception:
                # The model cannot be judged, so that it must not decide; the others can.
                log.exception("a report of a model failed", proposal_id=str(begun.proposal_id))
                model_progress.fail(raw, begun.proposal_id)
        return True

    def _page(self, connection: Connection, begun: Begun, opened: date) -> None:
        raw = driver(connection)
        day = begun.day or opened
        if begun.day is None:
            model_progress.begin(raw, begun.proposal_id, day, _rows(raw))
        base = self.models.named(connection, begun.base_hash)
        assert base is not None, "a model was in force when it was proposed to replace it"
        proposed = usable(begun.content)
        terms = (Terms(day, base.rules), Terms(day, Rules(scorer(proposed))))
        entries = page(raw, begun.done_until, PAGE_ROWS)
        changed: list[ChangedRow] = []
        for entry_id, (old, new) in self.deciding.outcomes(raw, entries, terms):
            if old is not None and new is not None:
                found = begun.tally.note(entry_id, old, new)
                changed += [] if found is None else [found]
        model_progress.keep_page(raw, begun.proposal_id, entries, begun.tally, changed)
        if len(entries) < PAGE_ROWS:
            self._finish(raw, begun, base.model, proposed, terms[0])

    def _finish(self, raw: psycopg.Connection[Any], begun: Begun, old: Model, new: Model, terms: Terms) -> None:
        rows_digest = digest(every_changed_row(raw, begun.proposal_id))
        made = report(old, new, terms.today, begun.tally, rows_digest)
        model_progress.finish(raw, begun.proposal_id, made, hash_of(made))


def _rows(raw: psycopg.Connection[Any]) -> int:
    row = raw.execute("SELECT count(*) FROM entries WHERE valid_to = 'infinity'").fetchone()
    assert row is not None
    return int(row[0])
