"""Emergency access: for some hours somebody acts in a post nobody can be found for, says why, and somebody else looks
at it.

Limited: four hours at most, within the place of the post it is taken from, and only kinds that neither approve, nor
pay, nor administer accounts. It is a session of its own, its tokens carry its id, and it ends with the post beneath it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access.administration import Administrator, Managed, reaches
from services.access.desk import Desk, Raw, day_of, lock_account, lock_post
from services.access.errors import BadEmergency, EmergencyGoesOn, EmergencyReviewed, NotYours, UnknownEmergency
from services.access.events import EmergencyAccessReviewed, EmergencyAccessTaken
from services.access.posts.places import Place
from services.access.sessions import sessions
from services.access.sessions.session_desk import choose_post, own_command, present, standing, standing_of
from services.access.sessions.sessions import Holding
from services.access.sessions.sign_in import SignedInAs
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.standards.division import within
from shared.standards.posts import Kind
from shared.standards.rights import Right, held_by
from shared.standards.separation import EMERGENCY_REVIEW

LONGEST_HOURS = 4
KINDS = frozenset(
    {Kind.AID_CLERK, Kind.REVIEWER, Kind.REGISTRAR, Kind.CLASS_TEACHER, Kind.HELPER_TEACHER, Kind.TOWNSHIP_CADRE}
)


class Wanted(NamedTuple):
    """In which post somebody wants to act, for how many hours, and why."""

    kind: Kind
    place: Place
    hours: int
    reason: str


def take(desk: Desk, secret: str, wanted: Wanted, now: datetime) -> SignedInAs:
    """Act in it from now on, under a session of its own. Raises Unauthenticated, BadEmergency, NotYours (from a post
    that may not ask, or beyond its place)."""
    if wanted.kind not in KINDS or not 1 <= wanted.hours <= LONGEST_HOURS:
        raise BadEmergency(
            "应急访问最长4小时,且不含审批、发放与账号管理岗位", "At most four hours, in a post that works"
        )
    answer: list[SignedInAs] = []
    emergency_id, until = sessions.new_session_id(), now + timedelta(hours=wanted.hours)

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        session = present(raw, secret, now)
        lock_account(raw, session.account_id, alone=False)
        if session.post_id is not None:
            lock_post(raw, session.post_id, alone=False)
        found = standing_of(desk, connection, session, now)
        post = found.post
        if post is None or found.must_change or desk.lacks_code(session, post.kind):
            raise NotYours
        if not _may_ask(post, wanted.place):
            raise NotYours
        _keep(raw, emergency_id, session.account_id, wanted, until)
        fresh = dataclasses.replace(
            session,
            session_id=sessions.new_session_id(),
            emergency_id=emergency_id,
            seen_at=now,
            ends_at=min(session.ends_at, until),
        )
        ends = desk.endings(connection, {session.session_id: session.account_id}, "post_changed", now)
        sessions.ended(raw, [session.session_id], now)
        answer[:] = [SignedInAs(sessions.opened(raw, fresh), fresh, found.posts, False)]
        fact = EmergencyAccessTaken(
            emergency_id=emergency_id,
            account_id=session.account_id,
            session_id=fresh.session_id,
            post_id=post.post_id,
            kind=wanted.kind,
            division_code=wanted.place.division_code,
            school_code=wanted.place.school_code,
            school_class=wanted.place.school_class,
            until=until,
            reason=wanted.reason,
        )
        return [*ends, Proposed(emergency_id, 0, fact, day_of(now))]

    desk.store.run(desk.database, own_command(), decide)
    return answer[0]


def end(desk: Desk, secret: str, now: datetime) -> SignedInAs:
    """Give it back before its time: act in the post beneath it again. Raises Unauthenticated, UnknownEmergency (none is
    in use)."""
    session = standing(desk, secret, now).session
    if session.emergency_id is None or session.post_id is None:
        raise UnknownEmergency
    return choose_post(desk, secret, session.post_id, now)


def review(
    desk: Desk,
    reviewer: Administrator,
    emergency_id: UUID,
    told: tuple[bool, str],
    command: Command,
    now: datetime,
) -> Result:
    """Say whether it was justified, and what follows from it. ``reviewer``: somebody else, whose place it lies in.
    Raises UnknownEmergency, SecondPersonNeeded, EmergencyReviewed, EmergencyGoesOn,
    CommandReused."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        row = (
            driver(connection)
            .execute(
                """SELECT account_id, division_code, school_code, reviewed, EXISTS (
                       SELECT FROM access_sessions AS s
                       WHERE s.account_id = e.account_id AND s.emergency_id = e.emergency_id
                         AND NOT s.ended AND s.ends_at > %(now)s)
                   FROM access_emergencies AS e WHERE emergency_id = %(id)s FOR UPDATE""",
                {"id": emergency_id, "now": now},
            )
            .fetchone()
        )
        if row is None or not reaches(reviewer, Managed(row[1], row[2])):
            raise UnknownEmergency
        EMERGENCY_REVIEW.check(str(row[0]), reviewer.by)
        if row[3]:
            raise EmergencyReviewed("这次应急访问已复核", "It was reviewed before")
        if row[4]:
            raise EmergencyGoesOn("应急访问尚未结束,结束后再复核", "It is in use still; review it when it is over")
        fact = EmergencyAccessReviewed(
            emergency_id=emergency_id, account_id=row[0], justified=told[0], note=told[1], by=reviewer.by
        )
        return [Proposed(emergency_id, len(desk.store.load(connection, emergency_id)), fact, day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        driver(connection).execute(
            "UPDATE access_emergencies SET reviewed = true WHERE emergency_id = %s", (emergency_id,)
        )

    return desk.store.run(desk.database, command, decide, then)


def _may_ask(post: Holding, place: Place) -> bool:
    """Whether the post may take emergency access, and the place lies within its own."""
    if Right.EMERGENCY_ASK not in held_by(Kind(post.kind)):
        return False
    if post.school_code is not None:
        return place.school_code == post.school_code
    return within(place.division_code, post.division_code)


def _keep(raw: Raw, emergency_id: UUID, account_id: UUID, wanted: Wanted, until: datetime) -> None:
    place = wanted.place
    raw.execute(
        """INSERT INTO access_emergencies
           (emergency_id, account_id, kind, division_code, school_code, school_class, until)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (emergency_id, account_id, wanted.kind, place.division_code, place.school_code, place.school_class, until),
    )
