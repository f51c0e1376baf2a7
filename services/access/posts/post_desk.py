"""Establishing, filling, vacating, delegating and closing posts. Who loses one is out of it in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from services.access import domain
from services.access.administration import Administrator, Managed, check_holder, check_kind, reaches
from services.access.commands import (
    ClosePost,
    DelegatePost,
    EndDelegation,
    EstablishPost,
    FillPost,
    VacatePost,
)
from services.access.desk import Desk, Raw, day_of, lock_account, lock_post
from services.access.domain import Post
from services.access.errors import UnknownPost
from services.access.sessions import sessions
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.facts import Fact

_KEEP = """
INSERT INTO access_posts (post_id, kind, division_code, school_code, school_class, agency)
VALUES (%s, %s, %s, %s, %s, %s)
"""


FILLED = "UPDATE access_posts SET holder = %s, begins_on = %s, until = %s WHERE post_id = %s"
UNDELEGATED = "UPDATE access_delegations SET ended = true WHERE post_id = %s"


def establish(
    desk: Desk, administrator: Administrator | None, intent: EstablishPost, command: Command, now: datetime
) -> Result:
    """Make a post without a holder; ``administrator`` None is the installation itself. Raises NotYours,
    CommandReused."""
    if administrator is not None:
        check_kind(administrator, intent.kind, Managed(intent.division_code, intent.school_code))

    def decide(_connection: Connection) -> Sequence[Proposed]:
        return [Proposed(intent.post_id, 0, domain.establish(intent), day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        place = (intent.division_code, intent.school_code, intent.school_class, intent.agency)
        driver(connection).execute(_KEEP, (intent.post_id, intent.kind, *place))

    return desk.store.run(desk.database, command, decide, then)


def fill(desk: Desk, administrator: Administrator | None, intent: FillPost, command: Command, now: datetime) -> Result:
    """Give a vacant post to somebody else. Raises UnknownPost, UnknownAccount, NotYours, Oneself, PostHeld,
    PostIsClosed, AccountIsClosed, CommandReused."""

    def rule(connection: Connection, post: Post) -> Sequence[Fact]:
        check_person(desk, connection, administrator, intent.account_id)
        return domain.fill(post, desk.account(connection, intent.account_id), intent, day_of(now))

    def note(raw: Raw) -> None:
        note_vacant(raw, intent.post_id)  # where the time of a holder was over
        note_holder(raw, intent.post_id, intent.account_id, intent.begins_on, intent.until)

    return _change(desk, administrator, intent.post_id, command, now, rule, note)


def vacate(desk: Desk, administrator: Administrator, intent: VacatePost, command: Command, now: datetime) -> Result:
    """Take a post from its holder and everybody he delegated it to, and end what they do in it. Raises UnknownPost,
    NotYours, PostVacant, PostIsClosed, CommandReused."""

    def note(raw: Raw) -> None:
        note_vacant(raw, intent.post_id)

    return _change(
        desk, administrator, intent.post_id, command, now, lambda _connection, post: domain.vacate(post, intent), note
    )


def close(desk: Desk, administrator: Administrator, intent: ClosePost, command: Command, now: datetime) -> Result:
    """Close a vacant post. Raises UnknownPost, NotYours, PostHeld, PostIsClosed, CommandReused."""

    def note(raw: Raw) -> None:
        raw.execute("UPDATE access_posts SET closed = true WHERE post_id = %s", (intent.post_id,))

    return _change(
        desk,
        administrator,
        intent.post_id,
        command,
        now,
        lambda _connection, post: [domain.close_post(post, intent)],
        note,
    )


def delegate(desk: Desk, administrator: Administrator, intent: DelegatePost, command: Command, now: datetime) -> Result:
    """Let somebody else act in a held post until a day. Raises UnknownPost, UnknownAccount, NotYours, Oneself,
    PostVacant, PostHeld, BadUntil, CommandReused."""

    def rule(connection: Connection, post: Post) -> Sequence[Fact]:
        check_person(desk, connection, administrator, intent.account_id)
        return [domain.delegate(post, desk.account(connection, intent.account_id), intent, day_of(now))]

    def note(raw: Raw) -> None:
        raw.execute(
            "INSERT INTO access_delegations (delegation_id, post_id, account_id, until) VALUES (%s, %s, %s, %s)",
            (intent.delegation_id, intent.post_id, intent.account_id, intent.until),
        )

    return _change(desk, administrator, intent.post_id, command, now, rule, note)


def end_delegation(
    desk: Desk, administrator: Administrator, intent: EndDelegation, command: Command, now: datetime
) -> Result:
    """End a delegation before its day. Raises UnknownPost, NotYours, NotDelegated, CommandReused."""

    def note(raw: Raw) -> None:
        raw.execute("UPDATE access_delegations SET ended = true WHERE delegation_id = %s", (intent.delegation_id,))

    return _change(
        desk,
        administrator,
        intent.post_id,
        command,
        now,
        lambda _connection, post: [domain.end_delegation(post, intent, day_of(now))],
        note,
    )


def _change(
    desk: Desk,
    administrator: Administrator | None,
    post_id: UUID,
    command: Command,
    now: datetime,
    rule: Callable[[Connection, Post], Sequence[Fact]],
    note: Callable[[Raw], None],
) -> Result:
    """Change one post under its lock. The sessions of whoever may not act in it afterwards end with it."""
    ends: list[UUID] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_post(raw, post_id, alone=True)
        post = desk.post(connection, post_id)
        if administrator is not None:
            check_post(administrator, post)
        told, ended = changed(desk, connection, post, rule(connection, post), now)
        ends[:] = ended
        return told

    def then(connection: Connection, _result: Result) -> None:
        raw = driver(connection)
        note(raw)
        sessions.ended(raw, ends, now)

    return desk.store.run(desk.database, command, decide, then)


def changed(
    desk: Desk, connection: Connection, post: Post, facts: Sequence[Fact], now: datetime
) -> tuple[list[Proposed], list[UUID]]:
    """These facts of a locked post with the ends of the sessions of whoever may not act in it afterwards, and those
    sessions: they are ended with :func:`sessions.ended` in the same transaction."""
    assert post.post_id is not None
    after = post
    for fact in facts:
        after = domain.post_after(after, fact)
    before = {*([post.holder] if post.holder else []), *(each.account_id for each in post.delegations.values())}
    out = sorted(each for each in before if not after.acts(each, day_of(now))[0])
    raw = driver(connection)
    account_of = {session: account for account in out for session in sessions.in_post(raw, post.post_id, [account])}
    told = [Proposed(post.post_id, post.version, fact, day_of(now)) for fact in facts]
    return [*told, *desk.endings(connection, account_of, "post_lost", now)], list(account_of)


def note_vacant(raw: Raw, post_id: UUID) -> None:
    """Nobody acts in the post, in the tables that decide at once."""
    raw.execute(UNDELEGATED, (post_id,))
    raw.execute(FILLED, (None, None, None, post_id))


def note_holder(
    raw: Raw, post_id: UUID, account_id: UUID, begins_on: date | None = None, until: date | None = None
) -> None:
    """The account holds the post, in the same tables."""
    raw.execute(FILLED, (account_id, begins_on, until, post_id))


def check_post(administrator: Administrator, post: Post) -> None:
    """A post is the administrator's to give. Raises UnknownPost, NotYours."""
    place = Managed(post.division_code, post.school_code)
    if post.post_id is None or not reaches(administrator, place):
        raise UnknownPost
    check_kind(administrator, post.kind, place)


def check_person(desk: Desk, connection: Connection, administrator: Administrator | None, account_id: UUID) -> None:
    """An account is somebody else's whom the administrator manages. Raises UnknownAccount, Oneself."""
    lock_account(driver(connection), account_id, alone=False)
    if administrator is None:
        return
    account = desk.account(connection, account_id)
    known = None if account.account_id is None else Managed(account.division_code, account.school_code)
    check_holder(administrator, account_id, known)
