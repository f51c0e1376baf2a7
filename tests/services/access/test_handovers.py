"""Handing a post over on a real database, with real services beside it whose open items and policies take part."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from uuid import UUID

import pytest

from services.access.administration import Administrator
from services.access.commands import ClosePost
from services.access.errors import (
    AlreadyListed,
    AlreadySigned,
    HandoverOver,
    HandoverStands,
    ListOutdated,
    NotListedYet,
    Oneself,
    PostHeld,
    PostIsClosed,
    PostVacant,
    SameHolder,
    ServiceAway,
    UnknownHandover,
    UnknownPost,
)
from services.access.events import HandoverItemsListed, HandoverSigned
from services.access.handover.collecting import Collector
from services.access.handover.handing import items_hash
from services.access.handover.handover_desk import Actor, HandoverDesk, Wanted
from services.access.handover_events import ListedItem, Signer
from services.access.posts import post_desk
from services.notifications.delivery import contacts
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.places import Place
from services.notifications.delivery_events import ContactEnded, ContactPersonal, ContactSet
from services.notifications.events import AlertWithdrawn
from services.notifications.streams import Streams
from shared.database.database import driver
from shared.eventsourcing.store import Command
from tests.services.access.conftest import COUNTY, Office
from tests.services.access.test_posts import fill, is_out, vacate
from tests.services.access.town import ADMINISTRATOR, Pair, Town
from tests.services.installation import DIVISION


@pytest.fixture(scope="module")
def town(office: Office) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(office, stack)


def oracle_hash(items: list[ListedItem]) -> str:
    lines = [
        "\t".join([i.kind, str(i.item_id), str(i.since or ""), str(i.due or ""), str(i.count), "1" if i.mine else "0",
                   i.about]) + "\n"
        for i in items
    ]  # fmt: skip
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_no_open_item_is_lost_in_a_hand_over(town: Town) -> None:
    pair = Pair(town)
    children, elsewhere = [town.child() for _ in range(3)], town.child(class_name="2班")
    helped = [town.helps(pair.before, child) for child in children[:2]]
    other_class = town.helps(pair.before, elsewhere)
    cases = [town.case(children[0], pair.before), town.case(children[1])]
    asked = town.asks(pair.entered, town.child("S2"))
    handover = town.open(pair.post, pair.after)
    frozen = town.office.facts(HandoverItemsListed)[-1]
    expected = {
        *(("helped_student", each) for each in helped),
        *(("alert", each) for each in cases),
        ("case_team", cases[0]),
        ("asked_request", asked),
    }
    assert {(item.kind, item.item_id) for item in frozen.items} == expected
    assert frozen.counts == {"alert": 2, "asked_request": 1, "case_team": 1, "helped_student": 2}
    assert frozen.items_hash == oracle_hash(list(frozen.items)) == items_hash(reversed(frozen.items))
    assert not is_out(town.office, pair.entered)

    town.installation.append(
        "notifications", cases[1], AlertWithdrawn(reason="attending_again", evidence=()), date(2026, 2, 3)
    )
    late = town.helps(pair.before, children[2])
    town.installation.pump()
    changed = town.handing.differences(town.handing.known(ADMINISTRATOR, handover), town.office.now)
    assert [item.item_id for item in changed.added] == [late] and [item.item_id for item in changed.gone] == [cases[1]]

    town.sign(handover, pair.before, "predecessor")
    assert is_out(town.office, pair.entered)
    town.sign(handover, pair.after, "successor")
    closed = town.closed(handover)
    assert [item.item_id for item in closed.added] == [late] and [item.item_id for item in closed.gone] == [cases[1]]

    now = town.waiting(pair.post, pair.after)
    still_open = {*expected, ("helped_student", late)} - {("alert", cases[1])}
    assert set(now) == still_open, "an open item was lost, or came from nowhere"
    assert {key for key, item in now.items() if item.mine} == {key for key in still_open if key[0] != "alert"}
    state = town.handing.known(ADMINISTRATOR, handover)
    assert town.handing.left_behind(state, town.office.now) == []
    left = town.waiting(
        town.office.post("class_teacher", school_code="S1", school_class="primary/五年级/2班"), pair.before
    )
    assert set(left) == {("helped_student", other_class)}, "another class's work is no business of this post"


def test_a_post_without_open_items_has_a_list_that_says_so_and_is_signed(town: Town) -> None:
    pair = Pair(town, "class_teacher", school_code="S2", school_class="primary/六年级/9班")
    handover = town.open(pair.post, pair.after)
    frozen = town.office.facts(HandoverItemsListed)[-1]
    assert (frozen.items, frozen.counts, frozen.total) == ((), {}, 0) and frozen.items_hash == oracle_hash([])
    town.sign(handover, pair.after, "successor")
    assert not is_out(town.office, pair.entered)
    town.sign(handover, pair.before, "predecessor")  # the last one: out and in within one transaction
    assert is_out(town.office, pair.entered) and town.closed(handover).outcome == "handed_over"
    with town.office.desk.database.writing() as connection:
        assert town.office.desk.post(connection, pair.post).holder == pair.after


def test_an_absent_predecessor_is_signed_for_with_a_reason_and_is_out(town: Town) -> None:
    pair = Pair(town)
    handover = town.open(pair.post, pair.after)
    town.sign(handover, ADMINISTRATOR, "predecessor", "已离县,无法联系")
    assert is_out(town.office, pair.entered)
    (signed,) = [each for each in town.office.facts(HandoverSigned) if each.handover_id == handover]
    assert (signed.account_id, signed.by, signed.reason) == (pair.before, COUNTY.by, "已离县,无法联系")
    with pytest.raises(AlreadySigned):
        town.sign(handover, pair.before, "predecessor")
    town.sign(handover, pair.after, "successor")
    assert town.closed(handover).successor == pair.after


def test_at_once_and_at_the_administrators_word_the_predecessor_is_out_before_anybody_signs(town: Town) -> None:
    first, second = Pair(town), Pair(town)
    town.open(first.post, first.after, at_once=True)
    assert is_out(town.office, first.entered)
    handover = town.open(second.post, second.after)
    assert not is_out(town.office, second.entered)
    for _ in range(2):
        town.handing.put_out(ADMINISTRATOR, handover, town.office.command(), town.office.now)
        assert is_out(town.office, second.entered)
    town.sign(handover, second.before, "predecessor")
    town.sign(handover, second.after, "successor")


def test_a_holder_hands_over_himself_and_the_administrator_signs_too(town: Town) -> None:
    pair = Pair(town)
    handover = town.open(pair.post, pair.after, Actor(str(pair.before)))
    town.sign(handover, pair.before, "predecessor")
    town.sign(handover, pair.after, "successor")
    assert town.handing.known(ADMINISTRATOR, handover).outcome is None
    oneself = Administrator(str(pair.after), division=DIVISION)
    with pytest.raises(Oneself):
        town.sign(handover, Actor(oneself.by, oneself), "administrator")
    someone = Administrator(str(town.office.someone(password=None)[0]), division=DIVISION)
    town.sign(handover, Actor(someone.by, someone), "administrator")
    assert town.closed(handover).outcome == "handed_over"


def test_who_may_not_open_or_see_one(town: Town) -> None:
    pair, office = Pair(town), town.office
    stranger = office.someone(password=None)[0]

    def refused(error: type[Exception], actor: Actor, post: UUID = pair.post, successor: UUID = pair.after) -> None:
        with pytest.raises(error):
            town.open(post, successor, actor)

    refused(SameHolder, ADMINISTRATOR, successor=pair.before)
    refused(UnknownPost, Actor(str(stranger)))
    refused(UnknownPost, Actor("a", Administrator("a", division="11")))
    refused(UnknownPost, ADMINISTRATOR, post=uuid.uuid4())
    refused(Oneself, Actor(str(pair.after), Administrator(str(pair.after), division=DIVISION)))
    refused(PostVacant, ADMINISTRATOR, post=town.vacant())
    handover = town.open(pair.post, pair.after)
    refused(HandoverStands, ADMINISTRATOR)
    for actor in (Actor(str(stranger)), Actor("a", Administrator("a", school="S9"))):
        with pytest.raises(UnknownHandover):
            town.handing.known(actor, handover)
    with pytest.raises(UnknownHandover):
        town.handing.known(ADMINISTRATOR, pair.post)
    with pytest.raises(UnknownHandover):  # only who opened it, or administers the post
        town.handing.withdraw(Actor(str(pair.after)), handover, "不接", office.command(), office.now)


def test_nothing_is_signed_but_the_list_that_was_shown(town: Town) -> None:
    pair, office = Pair(town), town.office
    handover = uuid.uuid4()
    away = HandoverDesk(office.desk, Collector({}, office.desk.signer))
    wanted = Wanted(handover, pair.post, pair.after, "轮岗", at_once=True)
    away.open(ADMINISTRATOR, wanted, office.command(), office.now)
    assert is_out(office, pair.entered), "who is to be out at once is out, whoever does not answer"
    with pytest.raises(ServiceAway):
        away.make_list(ADMINISTRATOR, handover, office.command(), office.now)
    with pytest.raises(NotListedYet):
        town.handing.sign(Actor(str(pair.before)), handover, "predecessor", "0" * 64, "", office.command(), office.now)
    town.handing.make_list(ADMINISTRATOR, handover, office.command(), office.now)
    with pytest.raises(AlreadyListed):
        town.handing.make_list(ADMINISTRATOR, handover, office.command(), office.now)
    with pytest.raises(ListOutdated):
        town.handing.sign(Actor(str(pair.after)), handover, "successor", "0" * 64, "", office.command(), office.now)


def test_a_revoked_post_cannot_be_handed_over_only_withdrawn(town: Town) -> None:
    pair, other, office = Pair(town), Pair(town), town.office
    handover = town.open(pair.post, pair.after)
    vacate(office, pair.post)
    close = ClosePost(pair.post, COUNTY.by)
    post_desk.close(office.desk, COUNTY, close, office.command(), office.now)
    town.sign(handover, pair.before, "predecessor")
    with pytest.raises(PostIsClosed):
        town.sign(handover, pair.after, "successor")
    town.handing.withdraw(ADMINISTRATOR, handover, "岗位撤销", office.command(), office.now)
    assert town.closed(handover).outcome == "withdrawn"
    with pytest.raises(HandoverOver):
        town.sign(handover, pair.after, "successor")
    taken = town.open(other.post, other.after)
    vacate(office, other.post)
    fill(office, other.post, office.someone(password=None)[0])
    town.sign(taken, other.before, "predecessor")
    with pytest.raises(PostHeld):
        town.sign(taken, other.after, "successor")
    with office.desk.database.writing() as connection:
        assert office.desk.post(connection, other.post).holder not in (other.before, other.after)


def test_sending_twice_does_it_once(town: Town) -> None:
    pair, office = Pair(town), town.office
    handover, desk = uuid.uuid4(), town.handing
    wanted = Wanted(handover, pair.post, pair.after, "轮岗")
    opening, listing, first, last = (office.command() for _ in range(4))
    for _ in range(2):
        desk.open(ADMINISTRATOR, wanted, opening, office.now)
        desk.make_list(ADMINISTRATOR, handover, listing, office.now)
    shown = town.shown(handover)
    for _ in range(2):
        desk.sign(Actor(str(pair.before)), handover, "predecessor", shown, "", first, office.now)
        desk.sign(Actor(str(pair.after)), handover, "successor", shown, "", last, office.now)
    told = [each for each in office.facts(HandoverSigned) if each.handover_id == handover]
    assert [each.role for each in told] == ["predecessor", "successor"] and town.closed(handover).by == str(pair.after)


def test_messages_to_the_place_are_sent_to_the_predecessor_no_more(town: Town) -> None:
    township = f"{DIVISION}100"
    pair = Pair(town, "township_cadre", division_code=township)
    settings = town.installation.settings("notifications")
    desk = Desk(settings.database(), town.installation.stores["notifications"], Streams(settings.hmac_key), DIVISION)
    wanted = ContactSet(
        division_code=township, school_code=None, channels=("sms",), digest="at_once", digest_hour=8,
        digest_weekday=0, quiet_from=None, quiet_to=None, urgent_breaks_quiet=True, language="zh",
        personal=ContactPersonal(person_id=desk.streams.contact(str(pair.before)), phone="13800000000"),
    )  # fmt: skip
    command = Command(str(pair.before), uuid.uuid4(), b"")
    contacts.set_contact(desk, Place(township, None), wanted, command, None, date(2026, 11, 24))

    def receiving() -> list[tuple[bool, dict[str, str]]]:
        with desk.database.working() as connection:
            raw, contact = driver(connection), desk.streams.contact(str(pair.before))
            return raw.execute("SELECT active, shown FROM receivers WHERE receiver_id = %s", (contact,)).fetchall()

    assert [active for active, _ in receiving()] == [True]
    handover = town.open(pair.post, pair.after)
    town.sign(handover, pair.before, "predecessor")
    town.sign(handover, pair.after, "successor")
    assert receiving() == [(False, {})]
    with desk.database.writing() as connection:
        stored = desk.store.load(connection, desk.streams.contact(str(pair.before)))
    assert [type(each.fact) for each in stored] == [ContactSet, ContactEnded]
    desk.database.close()


def test_work_that_is_heard_of_late_follows_through_two_hand_overs_in_a_row(town: Town) -> None:
    pair, third = Pair(town), town.office.someone(password=None)[0]
    child = town.child()
    first = town.open(pair.post, pair.after)
    late = town.helps(pair.before, child)
    town.installation.sequence()  # recorded before the end, and read by nobody yet
    signing = [(first, pair.before, pair.after), (uuid.uuid4(), pair.after, third)]
    for handover, before, after in signing:
        if handover != first:
            wanted = Wanted(handover, pair.post, after, "再轮岗")
            town.handing.open(ADMINISTRATOR, wanted, town.office.command(), town.office.now)
            town.handing.make_list(ADMINISTRATOR, handover, town.office.command(), town.office.now)
        parties: tuple[tuple[Signer, UUID], ...] = (("predecessor", before), ("successor", after))
        for role, who in parties:
            shown, command = town.shown(handover), town.office.command()
            town.handing.sign(Actor(str(who)), handover, role, shown, "", command, town.office.now)
    town.installation.pump(random.Random(7))
    assert ("helped_student", late) in town.waiting(pair.post, third)
