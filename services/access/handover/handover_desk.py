"""Opening, listing, signing and ending a hand-over. Who is out by it is out in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access.administration import Administrator, Managed, check_kind, check_other, reaches
from services.access.desk import Desk, Raw, day_of, lock_account, lock_post
from services.access.domain import Post
from services.access.errors import HandoverStands, NotListedYet, UnknownHandover, UnknownPost
from services.access.events import PostFilled, PostVacated
from services.access.handover import handing
from services.access.handover.collecting import Collector
from services.access.handover.handing import Differences, Handover, Signature
from services.access.handover_events import HandoverClosed, HandoverOpened, ListedItem, Signer
from services.access.posts.post_desk import changed, check_person, check_post, note_holder, note_vacant
from services.access.sessions import sessions
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.facts import Fact


class Actor(NamedTuple):
    """Who acts: an account, and what it administers, None for somebody who is a party to the hand-over."""

    account: str
    administrator: Administrator | None = None


class Wanted(NamedTuple):
    """Which post goes to whom, and why; ``at_once``: its holder is out from now on."""

    handover_id: UUID
    post_id: UUID
    successor: UUID
    reason: str
    at_once: bool = False


@dataclass
class _Step:
    """What one transaction changes: facts of the hand-over and of its post."""

    own: Sequence[Fact]
    post: Sequence[Fact] = ()
    ends: list[UUID] = field(default_factory=list)


@dataclass(frozen=True)
class HandoverDesk:
    """What the handlers of hand-overs need."""

    desk: Desk
    collector: Collector

    def open(self, actor: Actor, wanted: Wanted, command: Command, now: datetime) -> Result:
        """By who administers the post, or by its holder. Raises UnknownPost, NotYours, Oneself, PostVacant,
        HandoverStands, SameHolder, UnknownAccount, AccountIsClosed, CommandReused."""

        def decide(connection: Connection) -> _Step:
            raw = driver(connection)
            lock_post(raw, wanted.post_id, alone=True)
            post = self._openable(connection, actor, wanted)
            lock_account(raw, wanted.successor, alone=False)
            told = _opened(post, actor, wanted)
            facts = handing.open_handover(post, self.desk.account(connection, wanted.successor), told)
            return _Step(facts, handing.put_out(told, post, actor.account) if wanted.at_once else ())

        return self._run(wanted.handover_id, wanted.post_id, command, now, decide, self._keep)

    def make_list(self, actor: Actor, handover_id: UUID, command: Command, now: datetime) -> Result:
        """Freeze what waits now. Raises UnknownHandover, HandoverOver, AlreadyListed, ServiceAway, TooManyItems."""
        state = self.known(actor, handover_id)
        items = [] if state.items_hash is not None else self.waiting(state, now)

        def decide(connection: Connection) -> _Step:
            return _Step(handing.list_items(self._locked(connection, handover_id), items))

        return self._run(handover_id, _post_of(state), command, now, decide)

    def sign(
        self,
        actor: Actor,
        handover_id: UUID,
        role: Signer,
        shown_hash: str,
        reason: str,
        command: Command,
        now: datetime,
    ) -> Result:
        """The predecessor is out with the predecessor's signature; the successor in with the last one. Raises
        UnknownHandover, Oneself, HandoverOver, NotListedYet, ListOutdated, AlreadySigned, ServiceAway, PostHeld,
        PostIsClosed, AccountIsClosed."""
        found = self.known(actor, handover_id)
        assert found.opened is not None
        if actor.administrator is not None:
            check_other(actor.administrator, found.opened.successor)
        last = handing.completes(found, role) and found.outcome is None and role not in found.signed
        items = self.waiting(found, now) if last and found.items_hash is not None else None

        def decide(connection: Connection) -> _Step:
            state = self._locked(connection, handover_id)
            signed = handing.sign(state, Signature(role, actor.account, shown_hash, reason))
            assert state.opened is not None
            lock_post(driver(connection), state.opened.post_id, alone=True)
            post = self.desk.post(connection, state.opened.post_id)
            if handing.completes(state, role):
                return self._last(connection, state, post, signed, items, actor, day_of(now))
            out = handing.put_out(state.opened, post, actor.account) if role == "predecessor" else ()
            return _Step(signed, out)

        return self._run(handover_id, _post_of(found), command, now, decide)

    def put_out(self, actor: Actor, handover_id: UUID, command: Command, now: datetime) -> Result:
        """By the administrator's word the predecessor is out before anybody signs; doing it again changes nothing.
        Raises UnknownHandover, HandoverOver."""
        found = self.known(actor, handover_id)

        def decide(connection: Connection) -> _Step:
            state = self._locked(connection, handover_id)
            opened = handing.going(state)
            lock_post(driver(connection), opened.post_id, alone=True)
            return _Step((), handing.put_out(opened, self.desk.post(connection, opened.post_id), actor.account))

        return self._run(handover_id, _post_of(found), command, now, decide)

    def withdraw(self, actor: Actor, handover_id: UUID, reason: str, command: Command, now: datetime) -> Result:
        """By who administers the post, or the holder who opened it. Raises UnknownHandover, HandoverOver."""
        found = self.known(actor, handover_id)
        assert found.opened is not None
        if actor.administrator is None and found.opened.by != actor.account:
            raise UnknownHandover

        def decide(connection: Connection) -> _Step:
            return _Step([handing.withdraw(self._locked(connection, handover_id), actor.account, reason)])

        return self._run(handover_id, _post_of(found), command, now, decide)

    def known(self, actor: Actor, handover_id: UUID) -> Handover:
        """As its stream tells it, for who has to do with it. Raises UnknownHandover."""
        with self.desk.database.writing() as connection:
            state = self._state(connection, handover_id)
        opened = state.opened
        if opened is None or not _concerns(actor, opened):
            raise UnknownHandover
        return state

    def waiting(self, state: Handover, now: datetime) -> list[ListedItem]:
        """What waits now for the predecessor's account in the post. Raises ServiceAway, TooManyItems."""
        assert state.opened is not None
        opened = state.opened
        place = (opened.division_code, opened.school_code, opened.school_class, opened.agency)
        return self.collector.items(Post(1, opened.post_id, opened.kind, *place), opened.predecessor, now)

    def differences(self, state: Handover, now: datetime) -> Differences:
        """Between the list and what waits now. Raises NotListedYet, ServiceAway, TooManyItems."""
        if state.items_hash is None:
            raise NotListedYet("清单尚未生成", "There is no list yet")
        return handing.differences(state.items, self.waiting(state, now))

    def left_behind(self, state: Handover, now: datetime) -> list[ListedItem]:
        """Of a hand-over that is done, what is bound to the predecessor's account still: nothing, once every service
        has heard of it. Raises ServiceAway, TooManyItems."""
        return [item for item in self.waiting(state, now) if item.mine] if state.outcome == "handed_over" else []

    def _openable(self, connection: Connection, actor: Actor, wanted: Wanted) -> Post:
        post = self.desk.post(connection, wanted.post_id)
        if actor.administrator is not None:
            check_post(actor.administrator, post)
            check_person(self.desk, connection, actor.administrator, wanted.successor)
        elif post.post_id is None or str(post.holder) != actor.account:
            raise UnknownPost
        stands = "SELECT FROM access_handovers WHERE post_id = %s AND NOT over"
        if driver(connection).execute(stands, (wanted.post_id,)).fetchone() is not None:
            raise HandoverStands("该岗位正在交接", "The post is being handed over already")
        return post

    def _last(
        self,
        connection: Connection,
        state: Handover,
        post: Post,
        signed: Sequence[Fact],
        items: list[ListedItem] | None,
        actor: Actor,
        today: date,
    ) -> _Step:
        assert state.opened is not None
        if items is None:  # another signature arrived since the state was read
            raise NotListedYet("请再试一次", "Another signature has just arrived: please sign again")
        lock_account(driver(connection), state.opened.successor, alone=False)
        heir = self.desk.account(connection, state.opened.successor)
        told, closed = handing.hand_over(state, post, heir, items, actor.account, today)
        return _Step([*signed, closed], told)

    def _run(
        self,
        handover_id: UUID,
        post_id: UUID,
        command: Command,
        now: datetime,
        rule: Callable[[Connection], _Step],
        keep: Callable[[Raw, HandoverOpened], None] | None = None,
    ) -> Result:
        done: list[_Step] = []

        def decide(connection: Connection) -> Sequence[Proposed]:
            step = rule(connection)
            done[:] = [step]
            version = len(self.desk.store.load(connection, handover_id))
            told = [Proposed(handover_id, version, each, day_of(now)) for each in step.own]
            if step.post:
                post = self.desk.post(connection, post_id)
                of_post, step.ends = changed(self.desk, connection, post, step.post, now)
                told += of_post
            return told

        def then(connection: Connection, _result: Result) -> None:
            raw, (step,) = driver(connection), done
            for each in step.own:
                if isinstance(each, HandoverOpened) and keep is not None:
                    keep(raw, each)
                if isinstance(each, HandoverClosed):
                    raw.execute("UPDATE access_handovers SET over = true WHERE handover_id = %s", (handover_id,))
            for each in step.post:
                if isinstance(each, PostVacated):
                    note_vacant(raw, post_id)
                if isinstance(each, PostFilled):
                    note_holder(raw, post_id, each.account_id)
            sessions.ended(raw, step.ends, now)

        return self.desk.store.run(self.desk.database, command, decide, then)

    def _keep(self, raw: Raw, opened: HandoverOpened) -> None:
        raw.execute(
            "INSERT INTO access_handovers (handover_id, post_id, predecessor, successor) VALUES (%s, %s, %s, %s)",
            (opened.handover_id, opened.post_id, opened.predecessor, opened.successor),
        )

    def _locked(self, connection: Connection, handover_id: UUID) -> Handover:
        lock = "SELECT FROM access_handovers WHERE handover_id = %s FOR UPDATE"
        driver(connection).execute(lock, (handover_id,))
        return self._state(connection, handover_id)

    def _state(self, connection: Connection, handover_id: UUID) -> Handover:
        stored = self.desk.store.load(connection, handover_id)
        if stored and not isinstance(stored[0].fact, HandoverOpened):
            return Handover()  # the id of something else
        return handing.handover_of(each.fact for each in stored)


def _opened(post: Post, actor: Actor, wanted: Wanted) -> HandoverOpened:
    return HandoverOpened(
        handover_id=wanted.handover_id,
        post_id=wanted.post_id,
        kind=post.kind,
        division_code=post.division_code,
        school_code=post.school_code,
        school_class=post.school_class,
        agency=post.agency,
        predecessor=post.holder or UUID(int=0),  # refused without one
        successor=wanted.successor,
        reason=wanted.reason,
        by=actor.account,
        by_holder=actor.administrator is None,
        at_once=wanted.at_once,
    )


def _concerns(actor: Actor, opened: HandoverOpened) -> bool:
    if actor.administrator is None:
        return actor.account in (str(opened.predecessor), str(opened.successor))
    place = Managed(opened.division_code, opened.school_code)
    if not reaches(actor.administrator, place):
        return False
    check_kind(actor.administrator, opened.kind, place)
    return True


def _post_of(state: Handover) -> UUID:
    assert state.opened is not None
    return state.opened.post_id
