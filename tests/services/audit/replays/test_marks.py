"""The steps of a time slider: every moment at which something changed, or so many together as a slider tells apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.audit.replays import marks
from services.audit.replays.marks import Mark, gathered, marks_of, payment_days
from shared.database.database import driver
from tests.services.audit.replays.county import County
from tests.services.audit.replays.test_replaying import TODAY

START = datetime(2026, 8, 31, 15, 59, 58, tzinfo=UTC)  # two seconds before September in Shanghai


def test_what_a_slider_cannot_tell_apart_falls_into_one_mark_of_a_longer_unit() -> None:
    seconds = [Mark(START + timedelta(seconds=n), 2) for n in range(1, 301)]
    assert gathered(seconds[:200]) == ("second", seconds[:200])
    unit, found = gathered(seconds)
    assert unit == "minute" and sum(mark.events for mark in found) == 600
    assert found[0] == Mark(START + timedelta(seconds=2), 4)  # the last of its minute, after its last event
    assert gathered(seconds, most=2) == ("hour", [found[0], Mark(START + timedelta(seconds=300), 596)])
    assert gathered([]) == ("second", [])


def test_each_mark_shows_what_came_before_it_and_nothing_later(county: County) -> None:
    projection = county.replays.view("payments").projection
    with county.audit.database.working() as connection:
        raw = driver(connection)
        found = marks_of(raw, projection)
        assert payment_days(raw) == [TODAY]
        assert found.until is not None and all(mark.at <= found.until for mark in found.marks)
        part = marks_of(raw, projection, until=found.marks[0].at)
        assert part.marks == found.marks[:1]
        rest = marks_of(raw, projection, since=found.marks[0].at)
        assert part.marks + rest.marks == found.marks
    events = [entry for name in projection.logs for entry in county.installation.entries(name)]
    folded = [entry for entry in events if entry.logged.event.type in projection.by_type]
    folded = [entry for entry in folded if entry.logged.recorded_at < found.until]  # a second later it has its mark
    assert len(folded) == sum(mark.events for mark in found.marks) > 0
    for mark in found.marks:
        before = [entry for entry in folded if entry.logged.recorded_at < mark.at]
        assert len(before) == sum(each.events for each in found.marks if each.at <= mark.at)


def test_many_events_are_drawn_from_the_counts_by_day(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    projection = county.replays.view("roster").projection
    with county.replays.scratch() as connection:  # rolled back: the county stays as it is
        raw = driver(connection)
        exact = marks_of(raw, projection)
        assert exact.until is not None
        counted = raw.execute("SELECT service, sum(events), max(last_at) FROM archive_days GROUP BY 1").fetchall()
        archived = raw.execute("SELECT service, count(*), max(recorded_at) FROM archive GROUP BY 1").fetchall()
        assert sorted(counted) == sorted(archived)
        monkeypatch.setattr(marks, "SCANNED_MOST", -1)
        assert marks_of(raw, projection) == exact  # one day is always told second by second
        raw.execute(
            "INSERT INTO archive_days SELECT service, day - interval '1 day', type, events, last_at - interval '1 day'"
            " FROM archive_days"
        )
        rough = marks_of(raw, projection)
    assert rough.unit == "day" and [mark.events for mark in rough.marks] == [rough.marks[0].events] * 2
    assert rough.marks[0].events >= sum(mark.events for mark in exact.marks)
    assert rough.until == exact.until and rough.marks[-1].at <= exact.until
