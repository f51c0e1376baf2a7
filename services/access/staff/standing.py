"""What is on record when a sheet comes in, as the write side knows it: accounts by login name, posts, schools."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from services.access.administration import Administrator, Managed
from services.access.desk import Desk, Raw
from services.access.events import AccountOpened
from services.access.posts.places import Place
from services.access.projections import NAME
from services.access.tables import SCHOOLS
from shared.database.arrays import UuidArray
from shared.database.database import driver
from shared.database.scopes import Scope


class KnownAccount(NamedTuple):
    """``name`` None: its holder was erased."""

    account_id: UUID
    managed: Managed
    closed: bool
    name: str | None


class KnownPost(NamedTuple):
    """An open post."""

    post_id: UUID
    kind: str
    place: Place
    holder: UUID | None
    begins_on: date | None
    until: date | None


@dataclass(frozen=True)
class Standing:
    """``accounts`` by login name; ``posts`` within the administrator's place; ``schools``: code → (name, division)."""

    accounts: Mapping[str, KnownAccount]
    posts: Collection[KnownPost]
    schools: Mapping[str, tuple[str, str]]


_ACCOUNTS = """
SELECT login_digest, account_id, division_code, school_code, closed FROM access_accounts WHERE login_digest = ANY(%s)
"""
_POSTS = """
SELECT post_id, kind, division_code, school_code, school_class, agency, holder, begins_on, until
FROM access_posts
WHERE NOT closed
  AND (school_code = %(school)s OR (%(school)s::text IS NULL AND starts_with(division_code, %(division)s)))
"""


def standing(desk: Desk, administrator: Administrator, scope: Scope, logins: Collection[str], day: date) -> Standing:
    """What is on record on a day, of these login names and of the administrator's place."""
    digests = {desk.streams.login(login): login for login in logins}
    with desk.database.writing() as connection:
        raw = driver(connection)
        rows = raw.execute(_ACCOUNTS, (list(digests),)).fetchall()
        stored = desk.store.load_many(connection, [row[1] for row in rows], personal=True)
        accounts = {}
        for digest, account_id, division, school, closed in rows:
            opened = next((each.fact for each in stored[account_id]), None)
            personal = opened.personal if isinstance(opened, AccountOpened) else None
            name = None if personal is None else personal.name
            accounts[digests[bytes(digest)]] = KnownAccount(account_id, Managed(division, school), closed, name)
        posts = _posts(raw, administrator)
    with desk.database.reading(scope, NAME) as connection:
        told = connection.execute(
            select(SCHOOLS.c.code, SCHOOLS.c.name, SCHOOLS.c.division_code).where(SCHOOLS.holds_on(day))
        )
        schools = {code: (name, division) for code, name, division in told if division}
    return Standing(accounts, posts, schools)


def _posts(raw: Raw, administrator: Administrator) -> list[KnownPost]:
    place = {"school": administrator.school, "division": administrator.division or ""}
    return [
        KnownPost(post_id, kind, Place(division, school, school_class, agency), holder, begins_on, until)
        for post_id, kind, division, school, school_class, agency, holder, begins_on, until in raw.execute(
            _POSTS, place
        )
    ]


def still(raw: Raw, accounts: Collection[UUID], posts: Mapping[UUID, UUID | None]) -> bool:
    """Whether these accounts are open and these posts, with these holders, are open too; all locked until the end of
    the transaction."""
    row = raw.execute(
        """SELECT count(*) FROM (SELECT FROM access_accounts WHERE account_id = ANY(%s) AND NOT closed
           ORDER BY account_id FOR SHARE) AS held""",
        (UuidArray(sorted(accounts)),),
    ).fetchone()
    if row is None or row[0] != len(accounts):
        return False
    found = raw.execute(
        """SELECT post_id, holder FROM access_posts WHERE post_id = ANY(%s) AND NOT closed
           ORDER BY post_id FOR UPDATE""",
        (UuidArray(sorted(posts)),),
    ).fetchall()
    return dict(found) == dict(posts)
