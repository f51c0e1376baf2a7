from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from shared.eventsourcing.event import (
    Event,
    Logged,
    from_microseconds,
    leaf_hash,
    microseconds,
    partition_of,
)
from shared.messaging.codec import encode
from tests.support.independent_log import leaf_entry, leaf_of

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
EVENTS = st.builds(
    Event,
    st.uuids(),
    st.uuids(),
    st.integers(1, 2**62),
    TEXTS,
    st.dates(),
    TEXTS,
    st.uuids(),
    st.none() | st.uuids(),
    st.none() | MOMENTS,
    st.binary(max_size=50),
)
PLACED = st.tuples(TEXTS, st.integers(1, 2**62), MOMENTS, EVENTS)


@given(PLACED)
def test_the_leaf_equals_one_rebuilt_from_the_published_headers_and_pymerkles(
    placed: tuple[str, int, datetime, Event],
) -> None:
    source, index, recorded_at, event = placed
    leaf = leaf_hash(source, index, recorded_at, event)
    _, value, headers = encode(Logged(source, index, recorded_at, leaf, event), 0, None)
    assert leaf_of(dict(headers), value) == leaf
    tree = InmemoryTree(algorithm="sha256")
    assert tree.get_leaf(tree.append_entry(leaf_entry(dict(headers), value))) == leaf


@given(PLACED, PLACED)
def test_leaves_differ_when_anything_differs(
    one: tuple[str, int, datetime, Event], other: tuple[str, int, datetime, Event]
) -> None:
    assert (leaf_hash(*one) == leaf_hash(*other)) == (one == other)


def test_every_single_attribute_changes_the_leaf() -> None:
    moment = datetime(2026, 9, 1, tzinfo=UTC)
    event = Event(UUID(int=1), UUID(int=2), 3, "t", date(2026, 9, 1), "p", UUID(int=4), UUID(int=5), moment, b"d")
    second = moment + timedelta(microseconds=1)
    changed = [
        event._replace(event_id=UUID(int=9)),
        event._replace(stream_id=UUID(int=9)),
        event._replace(version=9),
        event._replace(type="x"),
        event._replace(effective_on=date(2026, 9, 2)),
        event._replace(principal="x"),
        event._replace(command_id=UUID(int=9)),
        event._replace(cause_id=None),
        event._replace(cause_recorded_at=second),
        event._replace(data=b"x"),
    ]
    leaves = {leaf_hash("s", 1, moment, each) for each in [event, *changed]}
    leaves |= {leaf_hash("x", 1, moment, event), leaf_hash("s", 2, moment, event), leaf_hash("s", 1, second, event)}
    assert len(leaves) == 1 + len(changed) + 3


@given(MOMENTS)
def test_microseconds_are_exact_both_ways(moment: datetime) -> None:
    assert from_microseconds(microseconds(moment)) == moment


def test_the_partition_of_a_stream_never_changes() -> None:
    stream = UUID("01a20af8-05a3-8a29-a6e5-5f56a1ffe719")
    assert [partition_of(stream, count) for count in (1, 4, 7)] == [0, 1, 0xA1FFE719 % 7]
