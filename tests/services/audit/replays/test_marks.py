"""The steps of a time slider: every moment at which something changed, or so many together as a slider tells apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.audit.replays.marks import Mark, gathered, marks_of, payment_days
from services.audit.replays.replaying import Question
from shared.database.database import driver
from tests.services.audit.replays.county import County
from tests.services.audit.replays.test_replaying import TODAY

START = datetime(2026, 8, 31, 15, 59, 58, tzinfo=UTC)  # two seconds before September in Shanghai


def test_what_a_slider_cannot_tell_apart_falls_into_one_mark_of_a_longer_unit() -> None:
    seconds = [Mark(START + timedelta(seconds=n), 2) for n in range(1, 301)]
    assert gathered(seconds[:200]) == ("second", seconds[:200])
    unit, marks = gathered(seconds)
    assert unit == "minute" and sum(mark.events for mark in marks) == 600
    assert marks[0] == Mark(START + timedelta(seconds=2), 4)  # the last of its minute, after its last event
    assert gathered(seconds, most=2) == ("hour", [marks[0], Mark(START + timedelta(seconds=300), 596)])
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
    known = {"registry", "matching", "disbursement"}
    events = [entry for name in known for entry in county.installation.entries(name)]
    folded = [entry for entry in events if entry.logged.event.type in projection.by_type]
    for mark in found.marks:
        before = [entry for entry in folded if entry.logged.recorded_at < mark.at]
        assert len(before) == sum(each.events for each in found.marks if each.at <= mark.at)
    if found.marks:
        answer = county.replays.ask(Question("payments", TODAY, found.marks[-1].at))
        assert {row["reference"] for row in answer.rows} <= set(county.moments[-1].paid.values())
