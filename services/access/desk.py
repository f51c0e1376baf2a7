"""What every handler of access needs, and the few steps they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from services.access import domain
from services.access.accounts.passwords import Hashing
from services.access.domain import Account, Post
from services.access.errors import UnknownAccount
from services.access.events import AccountOpened, EmergencyAccessEnded, SessionEnd, SessionEnded
from services.access.sessions import sessions
from services.access.sessions.sessions import SECOND_FACTORS, Session
from services.access.sessions.signing import TokenSigner
from services.access.sessions.unusual import WORKING_HOURS, WorkingHours
from services.access.streams import Streams
from shared.database.database import Database, driver
from shared.eventsourcing.store import EventStore, Proposed
from shared.kernel.clock import SHANGHAI

Raw = psycopg.Connection[Any]


@dataclass(frozen=True)
class Desk:
    """``division``: the installation's own; ``second_factor``: kinds of post nobody acts in without one."""

    database: Database
    store: EventStore
    streams: Streams
    hashing: Hashing
    signer: TokenSigner
    division: str
    hours: WorkingHours = WORKING_HOURS
    second_factor: frozenset[str] = frozenset()

    def lacks_code(self, session: Session, kind: str) -> bool:
        """Whether a post of this kind asks for a second factor that the session was not opened with."""
        return kind in self.second_factor and SECOND_FACTORS.isdisjoint(session.means)

    def account(self, connection: Connection, account_id: UUID) -> Account:
        """The account as its stream tells."""
        return domain.account_of(each.fact for each in self.store.load(connection, account_id))

    def post(self, connection: Connection, post_id: UUID) -> Post:
        """The post as its stream tells."""
        return domain.post_of(each.fact for each in self.store.load(connection, post_id))

    def opened(self, connection: Connection, account_id: UUID) -> AccountOpened:
        """How the account was opened, with name and login; erased ones have none. Raises UnknownAccount."""
        stored = self.store.load(connection, account_id, personal=True)
        if not stored or not isinstance(stored[0].fact, AccountOpened):
            raise UnknownAccount
        return stored[0].fact

    def endings(
        self, connection: Connection, account_of: dict[UUID, UUID], reason: SessionEnd, now: datetime
    ) -> Sequence[Proposed]:
        """The facts that these sessions (id → account) end, and emergency access in them. Before they are ended."""
        versions = self.store.load_many(connection, list(account_of))
        day = day_of(now)
        told = [
            Proposed(each, len(versions[each]), SessionEnded(account_id=account, session_id=each, reason=reason), day)
            for each, account in account_of.items()
        ]
        return [*told, *self._emergencies_over(connection, list(account_of), now)]

    def _emergencies_over(self, connection: Connection, session_ids: list[UUID], now: datetime) -> Sequence[Proposed]:
        """The facts that emergency access in these sessions ends before its time."""
        rows = driver(connection).execute(
            """SELECT e.emergency_id, e.account_id, s.session_id, e.division_code, e.school_code
               FROM access_sessions AS s JOIN access_emergencies AS e USING (emergency_id)
               WHERE s.session_id = ANY(%s) AND NOT s.ended AND e.until > %s ORDER BY 1 FOR UPDATE OF e""",
            (session_ids, now),
        )
        facts = [
            EmergencyAccessEnded(
                emergency_id=row[0], account_id=row[1], session_id=row[2], division_code=row[3], school_code=row[4]
            )
            for row in rows.fetchall()
        ]
        return [
            Proposed(each.emergency_id, len(self.store.load(connection, each.emergency_id)), each, day_of(now))
            for each in facts
        ]


def day_of(now: datetime) -> date:
    """The day in Asia/Shanghai."""
    return now.astimezone(SHANGHAI).date()


def lock_account(raw: Raw, account_id: UUID, *, alone: bool) -> None:
    """Hold an account until the transaction ends: ``alone`` while its sessions are ended, else beside others that open
    one, so that none is opened while all are ended."""
    strength = "UPDATE" if alone else "SHARE"
    raw.execute(f"SELECT FROM access_accounts WHERE account_id = %s FOR {strength}".encode(), (account_id,))


def lock_post(raw: Raw, post_id: UUID, *, alone: bool) -> None:
    """The same of a post and the sessions that act in it."""
    strength = "UPDATE" if alone else "SHARE"
    raw.execute(f"SELECT FROM access_posts WHERE post_id = %s FOR {strength}".encode(), (post_id,))


def open_sessions(raw: Raw, account_id: UUID) -> dict[UUID, UUID]:
    """Every open session of an account → the account, locked."""
    return dict.fromkeys(sessions.open_ones(raw, account_id), account_id)
