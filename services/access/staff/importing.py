"""A sheet of people comes in: read, compared with what is on record, told about or done, receipted.

The command that sends it names the import: sent again after an interruption it goes on, and later gets its receipt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from services.access.acting import administrator
from services.access.administration import TEACHERS, Administrator
from services.access.desk import Desk, day_of
from services.access.errors import ImportBusy
from services.access.events import StaffListImported
from services.access.staff.applying import Overtaken, apply
from services.access.staff.planning import Planned, Setting, plan
from services.access.staff.problems import note
from services.access.staff.receipts import ImportRow, Outcomes, StaffReceipt, outcome
from services.access.staff.sheets import StaffFile, read_staff
from services.access.staff.standing import standing
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import CommandReused
from shared.standards.posts import KINDS, Kind
from shared.tabular.annotating import write_annotated
from shared.web.viewers import Viewer

_LOCK = 0x7374616666  # any constant of our own
WAIT_SECONDS = 20  # for another sheet; below the statement timeout
PLANNED_AGAIN = 3
LISTED = 20


class Sent(NamedTuple):
    """A file. ``content``: its SHA-256 in hex."""

    path: Path
    content: str


@dataclass(frozen=True)
class Sender:
    """Whose sheet it is, and on which desk it lands."""

    desk: Desk
    viewer: Viewer
    by: Administrator

    @classmethod
    def of(cls, desk: Desk, viewer: Viewer) -> Sender:
        """Raises NotYours for who administers no place."""
        return cls(desk, viewer, administrator(viewer))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The posts that are the sender's to give."""
        return KINDS if self.by.school is None else tuple(kind for kind in KINDS if kind in TEACHERS)

    def check(self, sent: Sent, now: datetime, annotated: Path | None = None) -> StaffReceipt:
        """What would become of each row; nothing is stored. ``annotated``: where the sheet goes, written again with
        what is wrong with each row. Raises a TabularError, TooManyRows."""
        file = read_staff(sent.path, self.kinds)
        import_id = new_event_id()
        planned = self._planned(file, import_id, now)
        if annotated is not None:
            notes = {each.row.row: note(each.problems) for each in planned if each.problems}
            write_annotated(annotated, file.sheets, notes)
        outcomes = Outcomes(map(outcome, planned))
        return outcomes.receipt(import_id, planned, (file.hidden_sheets, file.hidden_rows), dry_run=True)

    def take(self, sent: Sent, command: Command, now: datetime) -> StaffReceipt:
        """Take the rows in that can be. Raises a TabularError, TooManyRows, ImportBusy, CommandReused."""
        import_id = self.desk.streams.staff_import(self.viewer.principal, command.command_id)
        file = read_staff(sent.path, self.kinds)
        with alone(self.desk):
            before = self._begun(import_id, sent.content, now)
            if before is not None:
                return before
            for _attempt in range(PLANNED_AGAIN):
                planned = self._planned(file, import_id, now)
                done = self._done(import_id)
                left = [each for each in planned if each.row.row not in done]
                try:
                    apply(self.desk, import_id, self.viewer.principal, left, command.traceparent, now)
                except Overtaken:
                    continue
                outcomes = Outcomes([*done.values(), *map(outcome, left)])
                return self._finished(import_id, planned, outcomes, file, now)
        raise ImportBusy

    def imports(self) -> list[ImportRow]:
        """The sender's last imports, the latest first."""
        with self.desk.database.writing() as connection:
            rows = driver(connection).execute(_LISTED, (self.viewer.principal, LISTED)).fetchall()
        return [
            ImportRow(
                import_id=import_id,
                begun_at=begun_at,
                waiting=waiting,
                receipt=None if receipt is None else StaffReceipt.model_validate_json(receipt),
            )
            for import_id, begun_at, receipt, waiting in rows
        ]

    def _planned(self, file: StaffFile, import_id: UUID, now: datetime) -> list[Planned]:
        day = day_of(now)
        logins = {row.login for row in file.rows if row.login}
        known = standing(self.desk, self.by, self.viewer.scope, logins, day)
        named = self.desk.streams.imported
        return plan(file.rows, known, Setting(self.by, self.desk.division, day, lambda what: named(import_id, what)))

    def _begun(self, import_id: UUID, content: str, now: datetime) -> StaffReceipt | None:
        """Note that the import begins; its receipt, if it has ended before. Raises CommandReused."""
        with self.desk.database.writing() as connection:
            raw = driver(connection)
            raw.execute(
                """INSERT INTO access_staff_imports (import_id, by, content, begun_at) VALUES (%s, %s, %s, %s)
                   ON CONFLICT DO NOTHING""",
                (import_id, self.viewer.principal, content, now),
            )
            row = raw.execute(
                "SELECT content, receipt FROM access_staff_imports WHERE import_id = %s", (import_id,)
            ).fetchone()
        assert row is not None, "it was just noted"
        if row[0] != content:
            raise CommandReused("同一请求编号已用于不同内容", "This command id was used before with another body")
        return None if row[1] is None else StaffReceipt.model_validate_json(row[1])

    def _done(self, import_id: UUID) -> dict[int, str]:
        """The rows that were done before an interruption, and what became of each."""
        with self.desk.database.writing() as connection:
            rows = driver(connection).execute(
                "SELECT row, outcome FROM access_staff_rows WHERE import_id = %s", (import_id,)
            )
            return dict(rows.fetchall())

    def _finished(
        self, import_id: UUID, planned: Sequence[Planned], outcomes: Outcomes, file: StaffFile, now: datetime
    ) -> StaffReceipt:
        """Keep the receipt and tell that it is done, once."""
        receipt = outcomes.receipt(import_id, planned, (file.hidden_sheets, file.hidden_rows), dry_run=False)
        counts = receipt.model_dump(include={"rows", "opened", "added", "changed", "unchanged", "rejected"})
        fact = StaffListImported(
            import_id=import_id,
            division_code=self.by.division or self.desk.division,
            school_code=self.by.school,
            by=self.viewer.principal,
            **counts,
        )

        def decide(connection: Connection) -> Sequence[Proposed]:
            driver(connection).execute(
                "UPDATE access_staff_imports SET receipt = %s WHERE import_id = %s",
                (receipt.model_dump_json(), import_id),
            )
            return [Proposed(import_id, len(self.desk.store.load(connection, import_id)), fact, day_of(now))]

        command = Command(self.viewer.principal, self.desk.streams.imported(import_id, "finished"), b"")
        self.desk.store.run(self.desk.database, command, decide)
        return receipt


_LISTED = """
SELECT i.import_id, i.begun_at, i.receipt,
       (SELECT count(*) FROM access_accounts AS a
        WHERE a.import_id = i.import_id AND NOT a.closed AND a.password IS NULL)
FROM access_staff_imports AS i WHERE i.by = %s ORDER BY i.begun_at DESC, i.import_id LIMIT %s
"""


@contextmanager
def alone(desk: Desk) -> Iterator[None]:
    """Keep other sheets out meanwhile: two that name one person would each open an account. The lock ends with its
    connection. Raises ImportBusy when the other one does not end in time."""
    with psycopg.connect(desk.database.app_conninfo, autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        except psycopg.errors.LockNotAvailable as busy:
            raise ImportBusy from busy
        yield
