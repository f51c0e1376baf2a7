from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from shared.keys import KeyRing
from shared.keys import keyring as module
from shared.keys.keyring import WrongKeyEncryptionKey
from tests.support.trial import KEK, Server


@pytest.fixture
def name(postgres: Server) -> str:
    return f"keys_{uuid.uuid4().hex[:10]}"


@pytest.fixture
def ring(postgres: Server, name: str) -> Iterator[KeyRing]:
    made = KeyRing(postgres.dsn(), KEK, name=name)
    made.prepare()
    yield made
    made.close()


def people(count: int) -> list[UUID]:
    return [uuid.uuid4() for _ in range(count)]


def test_unknown_people_have_no_key_until_one_is_made(ring: KeyRing) -> None:
    someone = people(3)
    assert ring.keys(someone) == {}
    made = ring.keys(someone, create=True)
    assert set(made) == set(someone)
    assert len(set(made.values())) == 3
    assert ring.keys(someone) == made
    assert ring.keys([]) == {}


def test_a_key_that_is_no_persons_is_destroyed_without_being_an_erasure(postgres: Server, name: str) -> None:
    ring, other = (KeyRing(postgres.dsn(), KEK, name=name) for _ in range(2))
    ring.prepare()
    copy, person = people(2)
    keys = ring.keys([copy, person], create=True)
    before = other.erasures()
    ring.discard([copy])
    assert (ring.erasures(), other.erasures()) == (before, before)
    assert ring.keys([copy, person]) == {person: keys[person]} == other.keys([copy, person])
    assert ring.keys([copy], create=True) == {}
    ring.erase(person)
    assert other.erasures() == before + 1
    ring.close()
    other.close()


def test_another_process_reads_the_same_keys(postgres: Server, name: str, ring: KeyRing) -> None:
    someone = people(1200)
    other = KeyRing(postgres.dsn(), KEK, name=name)
    assert other.keys(someone[:700], create=True) == ring.keys(someone[:700])
    assert ring.keys(someone, create=True) == other.keys(someone)
    other.close()


def test_two_who_make_a_key_at_once_get_the_same_one(postgres: Server, name: str, ring: KeyRing) -> None:
    someone, found = people(50), []
    rings = [KeyRing(postgres.dsn(), KEK, name=name) for _ in range(4)]
    start = threading.Barrier(len(rings))

    def ask(one: KeyRing) -> None:
        start.wait()
        found.append(one.keys(someone, create=True))

    threads = [threading.Thread(target=ask, args=(one,)) for one in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(each == found[0] for each in found)
    for one in rings:
        one.close()


def test_an_erased_key_is_gone_for_ever_and_for_everyone(
    postgres: Server, name: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, erased, never_had_one = people(3)
    other = KeyRing(postgres.dsn(), KEK, name=name)
    ring.keys([kept, erased], create=True)
    other.keys([kept, erased])
    assert ring.erase(erased)
    assert not ring.erase(erased)
    assert ring.erase(never_had_one)
    assert set(ring.keys([kept, erased, never_had_one], create=True)) == {kept}
    monkeypatch.setattr(module, "CACHE_SECONDS", 0.0)  # the time in which another process may still know it is over
    assert set(other.keys([kept, erased], create=True)) == {kept}
    other.close()


def test_an_erased_key_cannot_come_back_through_sql(postgres: Server, name: str, ring: KeyRing) -> None:
    (person,) = people(1)
    ring.erase(person)
    with psycopg.connect(postgres.dsn(name)) as owner, pytest.raises(errors.InsufficientPrivilege):
        owner.execute("UPDATE person_keys SET wrapped = 'x', erased_at = NULL WHERE person_id = %s", (person,))


def test_stored_keys_are_wrapped_and_bound_to_their_person(postgres: Server, name: str, ring: KeyRing) -> None:
    one, other = people(2)
    keys = ring.keys([one, other], create=True)
    with psycopg.connect(postgres.dsn(name)) as owner:
        stored: dict[UUID, bytes] = dict(owner.execute("SELECT person_id, wrapped FROM person_keys").fetchall())
        assert all(keys[person] not in stored[person] for person in keys)
        owner.execute("UPDATE person_keys SET wrapped = %s WHERE person_id = %s", (stored[one], other))
    fresh = KeyRing(postgres.dsn(), KEK, name=name)
    with pytest.raises(WrongKeyEncryptionKey):
        fresh.keys([other])
    fresh.close()


def test_the_wrong_key_encryption_key_is_told(postgres: Server, name: str, ring: KeyRing) -> None:
    someone = people(1)
    ring.keys(someone, create=True)
    stranger = KeyRing(postgres.dsn(), bytes(32), name=name)
    with pytest.raises(WrongKeyEncryptionKey):
        stranger.keys(someone)
    stranger.close()


def test_the_cache_is_bounded(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_ENTRIES", 10)
    someone = people(40)
    made = ring.keys(someone, create=True)
    assert len(ring._cache) == 10
    assert ring.keys(someone) == made


def test_the_service_role_can_neither_delete_nor_rewrite_history(postgres: Server, name: str, ring: KeyRing) -> None:
    ring.keys(people(1), create=True)
    with ring._connect() as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("DELETE FROM person_keys")
    with psycopg.connect(postgres.dsn(name)) as owner, pytest.raises(errors.InsufficientPrivilege):
        owner.execute(sql.SQL("TRUNCATE person_keys"))


def test_a_held_key_is_not_used_once_another_process_erased_it(
    postgres: Server, name: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, erased = people(2)
    other = KeyRing(postgres.dsn(), KEK, name=name)
    ring.keys([kept, erased], create=True)
    assert set(other.keys([kept, erased])) == {kept, erased}
    assert ring.erase_all([erased]) == {erased}
    time.sleep(module.HEARD_SECONDS)
    assert set(other.keys([kept, erased])) == {kept}
    assert set(ring.erased([kept, erased])) == {erased}
    other.close()
