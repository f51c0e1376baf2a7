"""Passwords that are good once, for everybody an import opened an account for: made when they are handed out, kept only
as keyed digests, shown in that answer and never again.

An imported account has no password until then, so nobody enters it. 138 random bits need no slow hash (Argon2id of
10,000 would take minutes); with one of them a person signs in once, within START_LIFE, and must choose a password,
which is hashed as slowly as everybody's. Handing out again makes new ones for who has not chosen yet, and ends those
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access.accounts.passwords import start_password
from services.access.administration import Administrator, Managed, reaches
from services.access.desk import Desk, Raw, day_of
from services.access.errors import NobodyWaits, UnknownImport
from services.access.events import AccountOpened, StartPasswordsHandedOut
from shared.database.arrays import UuidArray
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.clock import SHANGHAI
from shared.tabular.writing import WorkbookWriter

START_LIFE = timedelta(days=30)  # a list is handed from the county to schools to people


class Handed(NamedTuple):
    """One person's line. ``place``: the code of the school or division the account is managed at."""

    name: str
    login: str
    place: str
    password: str


# Apart, and in order here: joined, a table that has just grown is read once for each of its rows.
_WAITING = """
SELECT account_id, division_code, school_code FROM access_accounts
WHERE import_id = %s AND NOT closed AND password IS NULL ORDER BY account_id FOR UPDATE
"""
_ROWS = "SELECT account_id, min(row) FROM access_staff_rows WHERE import_id = %s GROUP BY account_id"
_KEEP = """
UPDATE access_accounts AS a SET start = told.start, once_until = %s, must_change = true
FROM unnest(%s::uuid[], %s::bytea[]) AS told (account_id, start) WHERE a.account_id = told.account_id
"""


def hand_out(
    desk: Desk, administrator: Administrator, import_id: UUID, command: Command, now: datetime
) -> list[Handed]:
    """New start passwords for everybody of the import without a password of their own, in the sheet's order. Raises
    UnknownImport, NobodyWaits (also for the same command again), CommandReused."""
    handed: list[Handed] = []
    digests: dict[UUID, bytes] = {}

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        row = raw.execute("SELECT by FROM access_staff_imports WHERE import_id = %s", (import_id,)).fetchone()
        if row is None or row[0] != administrator.by:
            raise UnknownImport
        waiting = _waiting(raw, administrator, import_id)
        if not waiting:
            raise NobodyWaits
        stored = desk.store.load_many(connection, list(waiting), personal=True)
        handed.clear()
        digests.clear()
        for account_id, place in waiting.items():
            opened = stored[account_id][0].fact
            personal = opened.personal if isinstance(opened, AccountOpened) else None
            if personal is None:
                continue
            password = start_password()
            digests[account_id] = desk.streams.start(account_id, password)
            handed.append(Handed(personal.name, personal.login, place.school_code or place.division_code, password))
        version = len(desk.store.load(connection, import_id))
        fact = StartPasswordsHandedOut(
            import_id=import_id,
            accounts=len(handed),
            division_code=administrator.division or desk.division,
            school_code=administrator.school,
            by=administrator.by,
        )
        return [Proposed(import_id, version, fact, day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        given = (now + START_LIFE, UuidArray(list(digests)), list(digests.values()))
        driver(connection).execute(_KEEP, given)

    if desk.store.run(desk.database, command, decide, then).replayed:
        raise NobodyWaits  # they were shown then; another command makes new ones
    return handed


def _waiting(raw: Raw, administrator: Administrator, import_id: UUID) -> dict[UUID, Managed]:
    first = dict(raw.execute(_ROWS, (import_id,)).fetchall())
    rows = raw.execute(_WAITING, (import_id,)).fetchall()
    rows.sort(key=lambda row: (first.get(row[0], 0), row[0]))
    places = {account_id: Managed(division, school) for account_id, division, school in rows}
    return {account_id: place for account_id, place in places.items() if reaches(administrator, place)}


def write_list(path: Path, handed: Sequence[Handed], now: datetime) -> None:
    """The list to print, cut and hand out."""
    last = (now + START_LIFE).astimezone(SHANGHAI).date()
    with WorkbookWriter(path) as book:
        sheet = book.sheet("启动密码", widths=[12.0, 22.0, 16.0, 40.0, 14.0], printed=True)
        sheet.header(["姓名", "登录名", "单位代码", "启动密码(用一次,登录后须改)", "有效期至"])
        for each in handed:
            sheet.row([each.name, each.login, each.place, each.password, last])
