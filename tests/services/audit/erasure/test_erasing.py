"""One student is erased: nothing that names her is found in any table or any log, and everything else stays."""

from __future__ import annotations

import random
import time
from typing import Any
from uuid import uuid4

import pytest

from services.access.events import AccountOpened, AccountPersonal
from services.audit.app import ARCHIVED_SERVICES
from services.audit.commands import ApproveErasure, RequestErasure
from services.audit.domain import leaf_alarm
from services.audit.erasure.erasure_errors import NotDueYet, SubjectUnknown
from services.audit.events import PersonErased
from services.audit.replays.replaying import Question
from shared.database.database import driver
from shared.eventsourcing.sealing import people_in, unseal
from shared.keys import keyring
from shared.keys.rotation import owner_of_keys
from shared.messaging import deadletters
from shared.messaging.arrivals import arrival
from shared.messaging.checkpoint import Key
from shared.messaging.codec import Envelope
from shared.messaging.hashing import projection_hash
from tests.services.audit.erasure.county import TODAY, Child, County
from tests.services.audit.replays.test_replaying import replays
from tests.services.installation import DIVISION


def opened(county: County) -> str:
    """Every event of every log, as far as it can still be opened."""
    ring = county.installation.keyring
    entries = [entry.logged for name in ARCHIVED_SERVICES for entry in county.installation.entries(name)]
    keys = ring.keys(set().union(*(people_in(logged.event) for logged in entries)))
    return "\n".join(repr(unseal(logged.event, keys)) for logged in entries)


def letter_about(county: County, child: Child) -> Any:
    """A dead letter whose error quotes the child."""
    database = county.services["matching"].database
    entries = county.installation.entries("registry")
    logged = next(entry.logged for entry in entries if entry.logged.event.stream_id == child.row)
    with database.working() as connection:
        item, key = arrival(Envelope(logged, 0, None)), Key("roster", 1, "registry", 0)
        return deadletters.keep(
            driver(connection), county.installation.keyring, key, item, ValueError(f"{child.name} {child.number}"), None
        )


def letter_text(county: County, letter: Any) -> str:
    with county.services["matching"].database.working() as connection:
        return repr(deadletters.unsealed(driver(connection), county.installation.keyring, letter))


def test_nothing_that_names_an_erased_student_is_left_anywhere_and_nothing_else_changes(county: County) -> None:
    erased, traces = county.erased, county.erased.traces
    letter = letter_about(county, erased)
    assert county.places_of(traces)
    assert all(trace in opened(county) for trace in (erased.name, erased.number, erased.phone))
    assert erased.name in letter_text(county, letter)
    before = {child.name: county.places_of(child.traces) for child in county.others}

    county.ask(RequestErasure(erased.student, "asked_for", "家长书面申请", "clerk-a"))
    county.ask(ApproveErasure(erased.student, "clerk-b"))
    assert county.eraser.erase_some() == []  # the keys are gone; the logs must be archived up to here first
    time.sleep(keyring.HEARD_SECONDS)
    county.archive()
    assert county.eraser.erase_some() == [erased.student]
    assert county.eraser.erase_some() == []
    county.archive()

    assert county.places_of(traces) == []
    text = opened(county)
    assert not [trace for trace in traces if trace in text]
    assert erased.name not in letter_text(county, letter)
    assert {child.name: county.places_of(child.traces) for child in county.others} == before
    assert all(child.name in text and child.number in text for child in county.others)

    told = [entry.logged for entry in county.installation.entries("audit") if "PersonErased" in entry.logged.event.type]
    (fact,) = [unseal(logged.event, {}) for logged in told]
    assert isinstance(fact, PersonErased)
    assert {erased.student, erased.person, erased.nameless_row} < set(fact.people)
    assert set(fact.index) == {"registry", "visits"}
    assert len(fact.index["registry"]) == 5
    assert fact.left == ()


def test_every_leaf_still_verifies(county: County) -> None:
    for name in ARCHIVED_SERVICES:
        for logged, _ in county.installation.entries(name):
            assert leaf_alarm(logged, f"//rollcall/{DIVISION}/{name}") is None


def test_what_was_rewritten_is_what_a_replay_of_the_same_logs_gives(county: County) -> None:
    """Row by row: the erased columns of the live tables, and of tables folded anew without her key."""
    from shared.messaging.builds import drop_schema, live_build
    from shared.messaging.replay import replay

    compared = 0
    for runner in county.installation.runners:
        if not runner.projection.tables:
            continue
        logs = [e.logged for name in runner.logs for e in county.installation.entries(name)]
        with runner.database.owner() as connection:
            replay(runner.projection, connection, "anew", iter(logs), county.installation.keyring)
            live = live_build(driver(connection), runner.projection.name)
            assert live is not None
            hashes = [projection_hash(connection, runner.projection, schema) for schema in (live.schema, "anew")]
            drop_schema(connection, "anew")
        assert hashes[0] == hashes[1], runner.projection.name
        compared += 1
    assert compared > 8


def test_the_same_replay_gives_the_same_bytes_and_the_outcome_of_matching_stays(county: County) -> None:
    asking = replays(county.installation, county.audit)
    question = Question("roster", TODAY)
    one, other = asking.ask(question), asking.ask(question)
    assert one.hash == other.hash
    assert county.erased.name not in repr(one.rows)
    links = asking.ask(Question("categories", TODAY)).rows
    assert str(county.erased.student) in {row["student_id"] for row in links}


def test_keys_that_a_backup_brought_back_are_destroyed_again(county: County) -> None:
    ring = county.installation.keyring
    assert county.eraser.erase_again() == set()
    with owner_of_keys(county.installation.settings("audit").keys_database_url, ring.name) as owner:
        owner.execute("ALTER TABLE person_keys DISABLE TRIGGER ALL")
        owner.execute("DELETE FROM person_keys WHERE person_id = %s", (county.erased.person,))
        owner.execute("ALTER TABLE person_keys ENABLE TRIGGER ALL")
    assert county.eraser.erase_again() == {county.erased.person}
    assert ring.keys([county.erased.person], create=True) == {}


def test_facts_come_in_any_order_to_an_erasure_and_end_the_same() -> None:
    """Whatever a timeline held, forgetting some events and then asserting the rest equals asserting tombstones."""
    from datetime import date

    from shared.eventsourcing.timeline import Timeline

    chance = random.Random(3)
    for _ in range(300):
        events = [(index, date(2026, chance.randint(1, 4), 1), chance.randint(0, 1)) for index in range(1, 9)]
        gone = {index for index, _, _ in events if chance.random() < 0.5}
        chance.shuffle(events)
        rewritten, anew = Timeline(2), Timeline(2)
        cut = chance.randint(0, len(events))
        for place, (index, day, column) in enumerate(events):
            if place == cut:
                rewritten.forget(gone, {0: None, 1: None})
            late = place >= cut and index in gone
            rewritten.assert_from(day, index, [(column, None if late else index)])
            anew.assert_from(day, index, [(column, None if index in gone else index)])
        rewritten.forget(gone, {0: None, 1: None})
        assert [(p.valid_from, p.valid_to, p.values, p.marks) for p in rewritten.periods] == [
            (p.valid_from, p.valid_to, p.values, p.marks) for p in anew.periods
        ]


def test_a_member_of_staff_is_erased_by_the_id_of_the_account(county: County) -> None:
    account, by = uuid4(), "county"
    personal = AccountPersonal(person_id=account, login="jiaoshi.wei", name="尉迟明")
    opened_with = AccountOpened(account_id=account, division_code=DIVISION, by=by, personal=personal)
    county.installation.append("access", account, opened_with, TODAY)
    county.archive()
    assert "尉迟明" in opened(county)
    with pytest.raises(NotDueYet):
        county.ask(RequestErasure(account, "retention", "保管期已满", "clerk-a"))
    with pytest.raises(SubjectUnknown):
        county.ask(RequestErasure(uuid4(), "asked_for", "本人书面申请", "clerk-a"))
    county.ask(RequestErasure(account, "asked_for", "本人书面申请", "clerk-a"))
    county.ask(ApproveErasure(account, "clerk-b"))
    assert county.eraser.erase_some() == []
    time.sleep(keyring.HEARD_SECONDS)
    county.archive()
    assert county.eraser.erase_some() == [account]
    county.installation.sequence()
    told = [each.logged for each in county.installation.entries("audit") if "PersonErased" in each.logged.event.type]
    fact = unseal(told[-1].event, {})
    assert isinstance(fact, PersonErased) and fact.people == (account,)
    assert fact.index == {"access": (county.installation.entries("access")[-1].logged.log_index,)}
    assert "尉迟明" not in opened(county)
