from __future__ import annotations

import uuid
from datetime import date
from uuid import UUID

import pytest

from shared.eventsourcing.event import Event
from shared.eventsourcing.sealing import SealBroken, people_in, people_of, seal, unseal
from shared.kernel.facts import fact_type
from tests.support.trial import PupilJoined, PupilMoved, PupilPersonal

PERSON, OTHER = uuid.uuid4(), uuid.uuid4()
KEYS = {PERSON: b"a" * 32, OTHER: b"b" * 32}
FACT = PupilJoined(
    school_code="4601000001",
    grade=3,
    personal=PupilPersonal(person_id=PERSON, name="王小明", id_number="11010519491231002X"),
)


def sealed(fact: PupilJoined | PupilMoved = FACT, stream: UUID | None = None, version: int = 1) -> Event:
    event_id, stream = uuid.uuid4(), stream or uuid.uuid4()
    data = seal(fact, event_id, stream, version, KEYS)
    name = fact_type(type(fact)).name
    return Event(event_id, stream, version, name, date(2026, 9, 1), "clerk", uuid.uuid4(), None, None, data)


def test_nothing_personal_is_readable_without_the_key() -> None:
    data = sealed().data.decode()
    assert "王小明" not in data
    assert "11010519491231002X" not in data
    assert "4601000001" in data


def test_the_key_opens_it_again() -> None:
    assert unseal(sealed(), KEYS) == FACT


def test_an_erased_person_leaves_one_tombstone_and_all_the_rest() -> None:
    fact = unseal(sealed(), {})
    assert isinstance(fact, PupilJoined)
    assert (fact.personal, fact.school_code, fact.grade) == (None, "4601000001", 3)


def test_a_block_that_was_never_there_needs_no_key() -> None:
    fact = PupilJoined(school_code="4601000001", personal=None)
    assert people_of(fact) == set()
    assert unseal(sealed(fact), {}) == fact
    assert unseal(sealed(PupilMoved(grade=4)), {}) == PupilMoved(grade=4)


def test_without_the_persons_key_nothing_is_written() -> None:
    with pytest.raises(KeyError):
        seal(FACT, uuid.uuid4(), uuid.uuid4(), 1, {OTHER: KEYS[OTHER]})


def test_the_wrong_key_is_told_from_an_erased_one() -> None:
    with pytest.raises(SealBroken):
        unseal(sealed(), {PERSON: b"c" * 32})


def test_a_box_cannot_be_moved_to_another_event_stream_version_or_person() -> None:
    event = sealed()
    assert people_in(event) == {PERSON}
    moved = [
        event._replace(event_id=uuid.uuid4()),
        event._replace(stream_id=uuid.uuid4()),
        event._replace(version=2),
        event._replace(data=event.data.replace(str(PERSON).encode(), str(OTHER).encode())),
    ]
    for each in moved:
        with pytest.raises(SealBroken):
            unseal(each, {PERSON: KEYS[PERSON], OTHER: KEYS[PERSON]})


def test_the_same_fact_never_seals_to_the_same_bytes() -> None:
    stream, event_id = uuid.uuid4(), uuid.uuid4()
    assert seal(FACT, event_id, stream, 1, KEYS) != seal(FACT, event_id, stream, 1, KEYS)
