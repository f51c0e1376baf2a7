"""The key-encryption key is replaced while others make and read keys, and after whoever did it was killed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from shared.keys import rotation
from shared.keys.keyring import KeyRing, WrongKeyEncryptionKey, kek_id
from tests.support.trial import KEK, Server

NEXT = bytes(reversed(range(32)))


@pytest.fixture
def name() -> str:
    return f"keys_{uuid.uuid4().hex[:10]}"


@pytest.fixture
def owner(postgres: Server, name: str) -> Iterator[psycopg.Connection[Any]]:
    ring = KeyRing(postgres.dsn(), KEK, name=name)
    ring.prepare()
    ring.close()
    with rotation.owner_of_keys(postgres.dsn(), name) as connection:
        yield connection


def people(count: int) -> list[UUID]:
    return [uuid.uuid4() for _ in range(count)]


def test_everybody_reads_every_key_before_while_and_after_it_is_wrapped_anew(
    postgres: Server, name: str, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "PAGE_KEYS", 10)
    secrets: list[bytes] = []
    running = KeyRing(postgres.dsn(), KEK, name=name, others=lambda: secrets)
    before, after = people(35), people(5)
    keys = running.keys(before, create=True)

    secrets.append(NEXT)
    rotation.make_current(owner, kek_id(NEXT))
    keys |= running.keys(after, create=True)  # a process that began before it wraps under the next one now
    told = [
        row[0] for row in owner.execute("SELECT DISTINCT kek_id FROM person_keys WHERE person_id = ANY(%s)", (after,))
    ]
    assert told == [kek_id(NEXT)]

    class Killed(Exception):
        pass

    def killed(done: int) -> None:
        if done == 20:
            raise Killed

    with pytest.raises(Killed):
        rotation.rewrap(owner, running, kek_id(NEXT), killed)
    assert rotation.left(owner, kek_id(NEXT)) == 15
    fresh = KeyRing(postgres.dsn(), NEXT, name=name, others=lambda: [KEK])
    assert fresh.keys([*before, *after]) == keys
    assert rotation.rewrap(owner, running, kek_id(NEXT)) == 15
    only_next = KeyRing(postgres.dsn(), NEXT, name=name)
    assert only_next.keys([*before, *after]) == keys
    for ring in (running, fresh, only_next):
        ring.close()


def test_erased_people_stay_erased_and_are_not_waited_for(
    postgres: Server, name: str, owner: psycopg.Connection[Any]
) -> None:
    ring = KeyRing(postgres.dsn(), KEK, name=name, others=lambda: [NEXT])
    kept, erased = people(2)
    ring.keys([kept, erased], create=True)
    ring.erase(erased)
    rotation.make_current(owner, kek_id(NEXT))
    assert rotation.rewrap(owner, ring, kek_id(NEXT)) == 1
    assert set(ring.keys([kept, erased], create=True)) == {kept}
    ring.close()


def test_who_does_not_have_the_next_one_makes_no_key(
    postgres: Server, name: str, owner: psycopg.Connection[Any]
) -> None:
    rotation.make_current(owner, kek_id(NEXT))
    behind = KeyRing(postgres.dsn(), KEK, name=name)
    with pytest.raises(WrongKeyEncryptionKey):
        behind.keys(people(1), create=True)
    assert owner.execute("SELECT count(*) FROM person_keys").fetchone() == (0,)
    behind.close()
