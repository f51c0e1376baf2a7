"""The rules of a trustworthy log, against pymerkle and against every single alteration."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from services.audit.domain import LogBroken, leaf_alarm, verify_log
from services.audit.export import NotAnExport, read_lines, to_line
from shared.eventsourcing.event import Event, Logged, leaf_hash
from shared.transparency.tree import Tree

SOURCE = "//rollcall/469000/registry"
START = datetime(2026, 9, 1, tzinfo=UTC)


def a_log(size: int) -> list[Logged]:
    made = []
    for index in range(1, size + 1):
        event = Event(
            *(UUID(int=index), UUID(int=index % 3), index, "registry.DayOpened.v1", date(2026, 9, 1), "test"),
            *(UUID(int=index), None if index % 2 else UUID(int=5), None if index % 2 else START, b'{"n":%d}' % index),
        )
        recorded_at = START + timedelta(microseconds=index * 7)
        made.append(Logged(SOURCE, index, recorded_at, leaf_hash(SOURCE, index, recorded_at, event), event))
    return made


@given(st.integers(0, 130))
def test_the_root_is_the_one_an_independent_implementation_computes(size: int) -> None:
    ours, theirs = Tree(), InmemoryTree(algorithm="sha256")
    for number in range(size):
        data = b"leaf %d" % number
        theirs.append_entry(data)
        ours.add(hashlib.sha256(b"\x00" + data).digest())
    assert ours.size == size
    assert ours.root() == (theirs.get_root() if size else hashlib.sha256(b"").digest())


def test_a_log_that_holds_together_is_verified_whole() -> None:
    log = a_log(50)
    verified = verify_log(log)
    assert (verified.size, verified.recorded_at) == (50, log[-1].recorded_at)
    assert verify_log(log[:20]).root != verified.root


@pytest.mark.parametrize(
    "change",
    [
        {"data": b'{"n":999}'},
        {"principal": "somebody else"},
        {"effective_on": date(2026, 9, 2)},
        {"version": 99},
        {"type": "registry.StudentEnrolled.v1"},
        {"cause_id": UUID(int=9)},
        {"stream_id": UUID(int=77)},
        {"command_id": UUID(int=77)},
    ],
)
def test_whatever_is_altered_in_an_event_is_found_at_its_index(change: dict[str, Any]) -> None:
    log = a_log(30)
    log[16] = log[16]._replace(event=log[16].event._replace(**change))
    with pytest.raises(LogBroken) as broken:
        verify_log(log)
    assert (broken.value.alarm.kind, broken.value.alarm.log_index) == ("wrong_leaf", 17)


def test_a_missing_event_a_swapped_pair_and_a_turned_back_clock_are_found() -> None:
    log = a_log(10)
    cases = [
        (log[:4] + log[5:], "missing", 5),
        ([*log[:2], log[3], log[2], *log[4:]], "missing", 3),
        ([*log[:6], moved(log[6], log[5].recorded_at), *log[7:]], "out_of_order", 7),
        ([*log[:6], elsewhere(log[6]), *log[7:]], "foreign_source", 7),
    ]
    for altered, kind, index in cases:
        with pytest.raises(LogBroken) as broken:
            verify_log(altered, SOURCE)
        assert (broken.value.alarm.kind, broken.value.alarm.log_index) == (kind, index)


def moved(logged: Logged, recorded_at: datetime) -> Logged:
    leaf = leaf_hash(logged.source, logged.log_index, recorded_at, logged.event)
    return logged._replace(recorded_at=recorded_at, leaf=leaf)


def elsewhere(logged: Logged) -> Logged:
    source = "//rollcall/460100/registry"
    return logged._replace(source=source, leaf=leaf_hash(source, logged.log_index, logged.recorded_at, logged.event))


def test_an_event_in_its_place_raises_no_alarm() -> None:
    assert all(leaf_alarm(logged, SOURCE) is None for logged in a_log(5))


def test_an_export_reads_back_as_the_same_log() -> None:
    log = a_log(40)
    assert list(read_lines(map(to_line, log))) == log


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"specversion": "1.0"}', b"\xff", b"null"])
def test_a_line_that_is_no_event_is_named(line: bytes) -> None:
    with pytest.raises(NotAnExport, match="line 2"):
        list(read_lines([to_line(a_log(1)[0]), line]))
