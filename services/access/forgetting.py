"""What access keeps beside its events and views and forgets of an erased member of staff; whose account ends with it.

The keyed digests of the login name and of identities at an issuer, passwords, second factor, the addresses somebody
came from and their browsers are gone from the write side's own tables. An account that still stood is closed, and every
session of it ends, also everywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.access.desk import Desk, Raw, lock_account, open_sessions
from services.access.events import AccountClosed
from services.access.sessions import sessions
from services.audit.events import PersonErased
from shared.database.database import driver
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.store import Proposed
from shared.messaging.erasing import Erasure
from shared.messaging.policy import policy, policy_command

NAME = "closing_erased"
BY = "system:erasure"
REASON = "个人信息已依法删除"
STEPS: tuple[tuple[str, str], ...] = (
    (
        "access-forgetting-0001",
        """
GRANT SELECT, UPDATE ON access_accounts, access_sessions TO rollcall_worker;
GRANT SELECT, DELETE ON access_second_factors, access_addresses, access_attempts TO rollcall_worker;
GRANT SELECT, INSERT, DELETE ON access_revocations TO rollcall_worker;
""",
    ),
    (
        "access-forgetting-0002-devices",
        """
GRANT SELECT, DELETE ON access_devices TO rollcall_worker;
GRANT SELECT, UPDATE ON access_emergencies TO rollcall_worker;
""",
    ),
    (
        "access-forgetting-0003-identities",
        "GRANT SELECT, DELETE ON access_identities, access_oidc_flows TO rollcall_worker;",
    ),
)


def forget(raw: Raw, erasure: Erasure) -> None:
    """What the erasing policy does in access's own tables. The account's row stays, as a number, for its posts."""
    people = sorted(erasure.people | {erasure.student_id})
    raw.execute(
        """DELETE FROM public.access_attempts
           WHERE subject IN (SELECT login_digest FROM public.access_accounts WHERE account_id = ANY(%s))""",
        (people,),
    )
    raw.execute("DELETE FROM public.access_second_factors WHERE account_id = ANY(%s)", (people,))
    for table in ("access_addresses", "access_devices"):
        raw.execute(f"DELETE FROM public.{table} WHERE account_id = ANY(%s)".encode(), (people,))
    raw.execute("UPDATE public.access_sessions SET address = NULL WHERE account_id = ANY(%s)", (people,))
    raw.execute(
        """DELETE FROM public.access_oidc_flows WHERE account_id = ANY(%(people)s) OR waiting IN
           (SELECT identity_id FROM public.access_identities WHERE account_id = ANY(%(people)s))""",
        {"people": people},
    )
    raw.execute("DELETE FROM public.access_identities WHERE account_id = ANY(%s)", (people,))
    raw.execute(
        """UPDATE public.access_accounts
           SET login_digest = uuid_send(account_id), password = NULL, start = NULL, once_until = NULL, closed = true
           WHERE account_id = ANY(%s)""",
        (people,),
    )


def closing(desk: Desk) -> Projection:
    """The policy that closes the accounts of erased people. It halts rather than pass one over."""

    def react(connection: Connection, events: Sequence[Recorded], _changes: Sequence[Change]) -> None:
        for event in events:
            for ordinal, account_id in enumerate(sorted({*event.fact.people, event.fact.student_id})):
                _close(desk, connection, event, ordinal, account_id)

    return policy(NAME, [PersonErased], react, halts=True)


def _close(desk: Desk, connection: Connection, cause: Recorded, ordinal: int, account_id: UUID) -> None:
    raw = driver(connection)
    lock_account(raw, account_id, alone=True)
    account = desk.account(connection, account_id)
    if account.account_id is None:
        return  # a student's, or nobody's
    ends = open_sessions(raw, account_id)
    now = cause.recorded_at
    closed = AccountClosed(account_id=account_id, by=BY, reason=REASON)

    def decide() -> list[Proposed]:
        told = [] if account.closed else [Proposed(account_id, account.version, closed, cause.effective_on)]
        return [*told, *desk.endings(connection, ends, "account_closed", now)]

    command = policy_command(NAME, cause, ordinal, account_id.bytes)
    if not desk.store.execute(connection, command, decide).replayed:
        raw.execute("UPDATE public.access_accounts SET closed = true WHERE account_id = %s", (account_id,))
        row = raw.execute("SELECT now()").fetchone()
        assert row is not None, "PostgreSQL knows the time"
        sessions.ended(raw, list(ends), row[0])  # for the minutes that their tokens may live from now on
