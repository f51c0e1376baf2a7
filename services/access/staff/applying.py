"""Rows become accounts and posts: a chunk is one command in one transaction, with what it did beside its events.

Whatever kills the process, the same sheet sent again goes on with the rows that are left: what was done is on record,
and the plan made anew no longer holds it. A chunk that finds the record changed since it was planned does nothing; the
rows are then planned again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import errors
from sqlalchemy import Connection

from services.access import domain
from services.access.commands import ChangeTenure, EstablishPost, FillPost, OpenAccount
from services.access.desk import Desk, Raw, day_of
from services.access.domain import Account, Post
from services.access.posts.post_desk import FILLED, UNDELEGATED
from services.access.staff.planning import Planned
from services.access.staff.receipts import outcome
from services.access.staff.standing import still
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.facts import Fact

CHUNK_ROWS = 250  # three facts each, and a command has at most a thousand
_OPEN = """
INSERT INTO access_accounts (account_id, login_digest, division_code, school_code, import_id)
VALUES (%s, %s, %s, %s, %s)
"""
_ESTABLISH = """
INSERT INTO access_posts (post_id, kind, division_code, school_code, school_class, agency)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_DONE = "INSERT INTO access_staff_rows (import_id, row, outcome, account_id) VALUES (%s, %s, %s, %s)"


class Overtaken(Exception):
    """Somebody changed an account or a post of these rows since they were planned."""


def apply(
    desk: Desk, import_id: UUID, by: str, rows: Sequence[Planned], traceparent: str | None, now: datetime
) -> None:
    """Do the rows whose action is ``add`` or ``change``. Raises Overtaken; the chunks before stay done."""
    work = [each for each in rows if each.action in ("add", "change")]
    for start in range(0, len(work), CHUNK_ROWS):
        _Chunk(desk, import_id, by, now).do(work[start : start + CHUNK_ROWS], traceparent)


class _Chunk:
    """Some rows, done together or not at all."""

    def __init__(self, desk: Desk, import_id: UUID, by: str, now: datetime) -> None:
        self._desk, self._import, self._by, self._now = desk, import_id, by, now

    def do(self, rows: Sequence[Planned], traceparent: str | None) -> None:
        said = "\n".join(f"{each.row.row}|{each.account_id}|{each.post_id}|{each.until}" for each in rows)
        digest = hashlib.sha256(f"{self._now.isoformat()}\n{said}".encode()).hexdigest()
        command_id = self._desk.streams.imported(self._import, f"chunk|{digest}")
        command = Command(self._by, command_id, said.encode(), traceparent=traceparent)

        def decide(connection: Connection) -> Sequence[Proposed]:
            return self._decided(connection, rows)

        def then(connection: Connection, _result: Result) -> None:
            self._noted(driver(connection), rows)

        try:
            self._desk.store.run(self._desk.database, command, decide, then)
        except errors.UniqueViolation as taken:  # a login name, by another at this very moment
            raise Overtaken from taken

    def _decided(self, connection: Connection, rows: Sequence[Planned]) -> list[Proposed]:
        opened = {each.account_id for each in rows if each.opens is not None}
        accounts = {each.account_id for each in rows if each.account_id is not None} - opened
        posts = {each.post_id: each.former for each in rows if each.post_id is not None and not each.new_post}
        if not still(driver(connection), accounts, posts):
            raise Overtaken
        streams = self._desk.store.load_many(connection, list(posts))
        told: list[Proposed] = []
        for each in rows:
            told += self._facts(each, [stored.fact for stored in streams.get(_id(each.post_id), ())])
        return told

    def _facts(self, each: Planned, history: Sequence[Fact]) -> list[Proposed]:
        """What a row states. ``history``: of its post, where that is on record."""
        account_id, post_id, day = _id(each.account_id), _id(each.post_id), day_of(self._now)
        told: list[Proposed] = []
        if each.opens is not None:
            place = (each.opens.division_code, each.opens.school_code)
            opening = OpenAccount(account_id, each.row.login, each.row.name, *place, by=self._by)
            told.append(Proposed(account_id, 0, domain.open_account(opening), day))
        post, version = domain.post_of(history), len(history)
        if each.new_post:
            made = domain.establish(self._establishing(each))
            told.append(Proposed(post_id, 0, made, day))
            post = domain.post_after(Post(), made)
        facts: Sequence[Fact]
        if each.action == "change":
            tenure = ChangeTenure(post_id, account_id, each.begins_on, each.until, self._by)
            facts = [domain.change_tenure(post, tenure, day)]
        else:
            filling = FillPost(post_id, account_id, self._by, each.begins_on, each.until)
            facts = domain.fill(post, Account(account_id=account_id), filling, day)
        return [*told, *(Proposed(post_id, version, fact, day) for fact in facts)]

    def _establishing(self, each: Planned) -> EstablishPost:
        assert each.place is not None and each.row.kind is not None
        return EstablishPost(_id(each.post_id), each.row.kind, *each.place, by=self._by)

    def _noted(self, raw: Raw, rows: Sequence[Planned]) -> None:
        """The write side's own tables after these rows."""
        opened = [each for each in rows if each.opens is not None]
        made = [each for each in rows if each.new_post]
        kept = [each.post_id for each in rows if not each.new_post and each.action == "add"]
        with raw.cursor() as cursor:
            cursor.executemany(_OPEN, [self._account(each) for each in opened])
            cursor.executemany(_ESTABLISH, [(each.post_id, each.row.kind, *(each.place or ())) for each in made])
            cursor.executemany(UNDELEGATED, [(post_id,) for post_id in kept])
            cursor.executemany(FILLED, [(each.account_id, each.begins_on, each.until, each.post_id) for each in rows])
            cursor.executemany(_DONE, [(self._import, each.row.row, outcome(each), each.account_id) for each in rows])

    def _account(self, each: Planned) -> tuple[object, ...]:
        assert each.opens is not None
        digest = self._desk.streams.login(each.row.login)
        return (each.account_id, digest, each.opens.division_code, each.opens.school_code, self._import)


def _id(found: UUID | None) -> UUID:
    assert found is not None, "every row that is done names an account and a post"
    return found
