from __future__ import annotations

import hmac
import threading
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.identifiers import keyed_digest, keyed_id, new_event_id, new_event_ids


def test_event_ids_are_version_7_and_strictly_increasing_across_threads_and_batches() -> None:
    drawn: list[list[UUID]] = []

    def draw() -> None:
        for _ in range(50):
            drawn.append([new_event_id(), *new_event_ids(20)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [each for batch in drawn for each in batch]
    assert len(set(everything)) == 4 * 50 * 21
    assert all(batch == sorted(batch) for batch in drawn)
    assert all(each.version == 7 and each.variant == "specified in RFC 4122" for each in everything)


def test_asking_for_no_ids_gives_none_and_moves_nothing() -> None:
    assert new_event_ids(0) == []
    assert new_event_id() < new_event_id()


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_keyed_ids_tell_apart_whatever_differs_even_where_the_parts_are_cut(left: list[str], right: list[str]) -> None:
    one, other = keyed_id(b"k", *left), keyed_id(b"k", *right)
    assert (one == other) == (left == right)
    assert one.version == 8


@given(st.binary(max_size=100), st.binary(max_size=300), st.binary(max_size=10))
def test_a_keyed_digest_is_the_standard_one_however_often_its_key_is_used(key: bytes, one: bytes, other: bytes) -> None:
    for message in (one, other, one):
        assert keyed_digest(key, message) == hmac.digest(key, message, "sha256")


def test_a_keyed_id_is_the_same_for_ever() -> None:
    assert str(keyed_id(b"one", "县残联", "17")) == "6985a8fb-f01c-8a38-878d-093848956027"


def test_a_keyed_id_depends_on_the_key() -> None:
    assert keyed_id(b"one", "县残联", "17") != keyed_id(b"two", "县残联", "17")
