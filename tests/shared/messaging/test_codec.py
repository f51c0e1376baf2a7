from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.eventsourcing.event import Event, Logged, attributes, leaf_hash
from shared.messaging.codec import Envelope, NotAnEvent, decode, encode, verify_leaf
from tests.shared.eventsourcing.test_leaf import PLACED
from tests.support.independent_log import LEAF_ORDER, OUTSIDE

MOMENT = datetime(2026, 9, 1, 1, 2, 3, 456789, tzinfo=UTC)
EVENT = Event(
    uuid.uuid4(),
    uuid.uuid4(),
    3,
    "trial.PupilMoved.v1",
    date(2026, 9, 1),
    "县资助中心",
    uuid.uuid4(),
    None,
    None,
    b"{}",
)
SOURCE = "//rollcall/460100/trial"
LOGGED = Logged(SOURCE, 7, MOMENT, leaf_hash(SOURCE, 7, MOMENT, EVENT), EVENT)


@given(PLACED, st.integers(0, 2**62), st.none() | st.just("00-aa-bb-01"))
def test_what_is_encoded_is_decoded_again(
    placed: tuple[str, int, datetime, Event], previous: int, trace: str | None
) -> None:
    logged = Logged(*placed[:3], leaf_hash(*placed), placed[3])
    key, value, headers = encode(logged, previous, trace)
    assert decode(value, headers) == Envelope(logged, previous, trace)
    assert key == str(logged.event.stream_id).encode()
    assert verify_leaf(decode(value, headers).logged)


def test_the_record_carries_exactly_the_listed_attributes_as_a_binary_cloudevent() -> None:
    event = EVENT._replace(cause_id=uuid.uuid4(), cause_recorded_at=MOMENT)
    _, value, headers = encode(Logged(SOURCE, 7, MOMENT, b"l" * 32, event), 4, "00-aa-bb-01")
    given = dict(headers)
    assert set(given) == set(LEAF_ORDER) | OUTSIDE
    assert given["content-type"] == b"application/json"
    assert given["prevlogindex"] == b"4"
    listed = {name: text for name, text in attributes(SOURCE, 7, MOMENT, event) if name != "datacontenttype"}
    assert {name: given[f"ce_{name}"].decode() for name in listed} == listed
    assert value is event.data


def test_an_altered_record_decodes_but_does_not_verify() -> None:
    _, _, headers = encode(LOGGED, 0, None)
    assert not verify_leaf(decode(b'{"grade":9}', headers).logged)
    assert not verify_leaf(LOGGED._replace(log_index=8))


@pytest.mark.parametrize("name", [name for name in LEAF_ORDER if "cause" not in name] + ["prevlogindex", "leaf"])
def test_a_record_without_one_of_its_headers_is_told_by_name(name: str) -> None:
    _, value, headers = encode(LOGGED, 0, None)
    with pytest.raises(NotAnEvent, match=name):
        decode(value, [header for header in headers if header[0] != name])


@given(st.sampled_from([*LEAF_ORDER, *OUTSIDE]), st.binary(max_size=40))
def test_any_rubbish_in_any_header_is_refused_or_read_but_never_escapes(name: str, rubbish: bytes) -> None:
    _, value, headers = encode(LOGGED, 0, "00-aa-bb-01")
    try:
        decode(value, [*headers, (name, rubbish)])
    except NotAnEvent as refused:
        assert "县资助中心" not in str(refused)


def test_a_tombstone_is_no_event() -> None:
    with pytest.raises(NotAnEvent):
        decode(None, encode(LOGGED, 0, None)[2])
