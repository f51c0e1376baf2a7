"""A simulated term with known truth: every alert the rules demand is raised on its day and ended on its day, none is
without its evidence, and the same term gives the same alerts again, however it arrives.

The oracle works the alerts out by brute force from the simulated files; it shares nothing with the service.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from bench.term_facts import Said, student_id
from services.notifications import app
from services.notifications.events import AlertClosed, AlertEvidenceChanged, AlertRaised, AlertWithdrawn
from services.registry.events import (
    ClassAttendanceReported,
    StudentEnrolled,
    StudentLeft,
    StudentTransferredOut,
)
from simulation.class_reports import Shape
from simulation.term_files import TermTables, write_calendar
from simulation.terms import CountyTerms, invented_classrooms, school_time, simulate_terms
from tests.services.installation import Installation
from tests.support.term_feed import TermFeed, alert_events, alert_facts
from tests.support.term_oracle import Standing, TermOracle

AS_OF = date(2026, 11, 16)
ABSENCE = ("absent_running", "absent_share", "not_returned_at_term_start")


class Size(NamedTuple):
    """``days`` None: whole terms."""

    children: int
    terms: int = 1
    days: int | None = 40
    trouble: float = 15.0
    untidy: float = 4.0


class Run(NamedTuple):
    """A term that went through the service: its facts, and its alerts as the service raised and ended them."""

    events: dict[UUID, Said]
    facts: list[tuple[UUID, date, Any]]
    bytes_: list[tuple[Any, ...]]
    standing: list[Standing]


SMALL = Size(240)


def simulated(seed: int, size: Size) -> CountyTerms:
    time = school_time(AS_OF, size.terms, size.days)
    shape = Shape(trouble=size.trouble, untidy=size.untidy)
    return simulate_terms(str(seed), invented_classrooms(size.children, 30, schools=3), time, shape)


def expected(made: CountyTerms, folder: Path) -> list[Standing]:
    """From the files alone."""
    folder.mkdir()
    with ExitStack() as stack:
        TermTables(folder, stack).write(made)
    write_calendar(folder, made.time)
    return TermOracle(folder).standing(made.time.days[-1])


def went_through(
    postgres: Any,
    home: Path,
    made: CountyTerms,
    batch: int = 500,
    chance: random.Random | None = None,
    in_turn: bool = False,
) -> Run:
    """The term in a database of its own."""
    installation = Installation(postgres, home)
    try:
        service = installation.start(app.build(installation.settings("notifications")))
        feed = TermFeed(installation, service, made, batch, chance, in_turn)
        feed.run()
        facts = list(alert_facts(service))
        return Run(feed.registry.events, facts, alert_events(service), stood(made, facts))
    finally:
        installation.close()


def stood(made: CountyTerms, facts: list[tuple[UUID, date, Any]]) -> list[Standing]:
    """Each alert with the evenings on which it stood. A class may tell of many days at once; in which order they arrive
    decides whether an alert is raised and taken back, or closed and raised again, within that day."""
    children = {student_id(child): child for room in made.classrooms for child in room.children}
    rooms = {(room.school_code, "/".join(room[3:6])): room.number for room in made.classrooms}
    found: list[Standing] = []
    opened: dict[UUID, Standing] = {}
    ended: dict[UUID, Standing] = {}
    for stream, on, fact in facts:
        if isinstance(fact, AlertRaised):
            assert stream not in opened, f"a second open alert of {fact.kind}"
            subject = rooms[fact.school_code or "", fact.subject] if fact.subject else children[fact.student_id]  # type: ignore[index]
            before = ended.pop(stream, None)
            if before is not None and before.last == on:
                opened[stream] = before._replace(last=None)
            else:
                found += [before] if before is not None else []
                opened[stream] = Standing(fact.kind, subject, on, None)
        elif isinstance(fact, AlertWithdrawn | AlertClosed):
            ended[stream] = opened.pop(stream)._replace(last=on)
    everything = (*found, *ended.values(), *opened.values())
    evenings = [each for each in everything if each.first != each.last]
    return sorted(evenings, key=lambda each: (each.first, each.kind, each.subject))


@pytest.fixture(scope="module")
def seed() -> int:
    """From ROLLCALL_TERM_SEED, else one that is known to hold every kind of story."""
    return int(os.environ.get("ROLLCALL_TERM_SEED") or 1)


@pytest.fixture(scope="module")
def made(seed: int) -> CountyTerms:
    return simulated(seed, SMALL)


@pytest.fixture(scope="module")
def run(postgres: Any, made: CountyTerms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield went_through(postgres, tmp_path_factory.mktemp("first"), made)


def test_every_alert_the_rules_demand_stands_on_its_days_and_no_other(
    made: CountyTerms, run: Run, tmp_path: Path
) -> None:
    wanted = expected(made, tmp_path / "files")
    kinds = Counter(each.kind for each in wanted)
    assert kinds.keys() >= {*ABSENCE, "dropped_out", "left_without_acceptance", "class_silent"}, kinds
    missing, extra = set(wanted) - set(run.standing), set(run.standing) - set(wanted)
    assert not missing, f"recall {1 - len(missing) / len(wanted):.3f}: {sorted(missing)[:5]}"
    assert not extra, f"alerts that nothing demands: {sorted(extra)[:5]}"


def test_every_child_who_really_stayed_away_has_an_alert(made: CountyTerms, run: Run) -> None:
    """By the truth, not by the rules: whoever was out for longer than a week of a class that reported."""
    reported = Counter(told.classroom for told in made.reports)
    silent = {room.number for room in made.classrooms if reported[room.number] < len(made.time.days) - 3}
    room_of = {child: room.number for room in made.classrooms for child in room.children}
    alerted = {each.subject for each in run.standing if each.kind != "class_silent"}
    latest = made.time.days[-8]
    gone = [story for story in made.stories if story.out_from is not None and story.kind != "truant"]
    long = [
        story
        for story in gone
        if story.out_from is not None
        and story.out_from < latest
        and (story.out_until is None or (story.out_until - story.out_from).days > 14)
        and story.kind not in ("left_accepted_late", "left_lost")
        and room_of[story.child] not in silent
    ]
    assert len(long) > 5
    assert [story for story in long if story.child not in alerted] == []


def test_no_alert_is_without_its_evidence(run: Run) -> None:
    """Each id named exists and says what the alert says."""
    raised = {stream: fact for stream, _, fact in run.facts if isinstance(fact, AlertRaised)}
    for stream, _, fact in run.facts:
        if isinstance(fact, AlertRaised):
            assert fact.evidence
            for event_id in fact.evidence:
                assert says(run.events[event_id], fact), (fact, run.events.get(event_id))
        elif isinstance(fact, AlertClosed):
            assert fact.reason == "attending_again"
            for report_id in filter(None, fact.evidence.split(",")):
                said = run.events[UUID(report_id)]
                assert isinstance(said.fact, ClassAttendanceReported)
                assert raised[stream].student_id not in named(said.fact)


def says(said: Said, alert: AlertRaised) -> bool:
    fact = said.fact
    match alert.kind:
        case "class_silent":
            return isinstance(fact, ClassAttendanceReported) and fact.school_code == alert.school_code
        case "dropped_out":
            return isinstance(fact, StudentLeft) and fact.reason == "dropped_out" and said.stream_id == alert.student_id
        case "suspension_overdue":
            return isinstance(fact, StudentLeft) and fact.reason == "suspended" and said.stream_id == alert.student_id
        case "left_without_acceptance":
            return isinstance(fact, StudentTransferredOut) and said.stream_id == alert.student_id
        case _:
            assert not isinstance(fact, StudentEnrolled)
            return isinstance(fact, ClassAttendanceReported) and alert.student_id in named(fact)


def named(fact: ClassAttendanceReported) -> set[UUID]:
    return {each for ids in fact.absences.values() for each in ids}


@pytest.mark.parametrize(
    "most", [3, pytest.param(1, marks=pytest.mark.long), pytest.param(500, marks=pytest.mark.long)]
)
def test_the_term_replayed_into_a_fresh_database_gives_the_same_bytes_wherever_batches_are_cut(
    postgres: Any, made: CountyTerms, run: Run, seed: int, most: int, tmp_path: Path
) -> None:
    """The run before was handed each day's events partition by partition, whole."""
    again = went_through(postgres, tmp_path, made, most, random.Random(seed), in_turn=True)
    assert len(run.bytes_) > 50
    assert again.bytes_ == run.bytes_


def test_other_batches_and_partitions_in_any_order_give_the_same_alerts(
    postgres: Any, made: CountyTerms, run: Run, seed: int, tmp_path: Path
) -> None:
    other = went_through(postgres, tmp_path, made, batch=40, chance=random.Random(seed))
    assert other.standing == run.standing
    assert resting(other) == resting(run)
    first, second = alike((run, other), made)
    assert second == first


def resting(run: Run) -> dict[UUID, tuple[Any, ...]]:
    """Alert about an absence that stands at the end → since when, on which reports and with which values: a function of
    the reports, whatever order they came in."""
    found: dict[UUID, tuple[Any, ...]] = {}
    for stream, _, fact in run.facts:
        if isinstance(fact, AlertEvidenceChanged) or (isinstance(fact, AlertRaised) and fact.kind in ABSENCE):
            found[stream] = (fact.since, fact.evidence, fact.explanation_code, fact.facts)
        elif isinstance(fact, AlertWithdrawn | AlertClosed):
            found.pop(stream, None)
    return found


def alike(runs: Sequence[Run], made: CountyTerms) -> list[list[tuple[Any, ...]]]:
    """Of each run, the bytes of alerts about children whose class never told of several days on a day on which
    something became of them in any run. Else the alert is raised by the first report that suffices, and what it rests
    on is told anew when the others come: it ends the same (``resting``), by another way."""
    told = Counter((told.classroom, told.told_on) for told in made.reports)
    room_of = {student_id(child): room.number for room in made.classrooms for child in room.children}
    disorderly = set()
    for run in runs:
        children = {str(stream): fact.student_id for stream, _, fact in run.facts if isinstance(fact, AlertRaised)}
        for stream, _, _, on, _ in run.bytes_:
            child = children[stream]
            if child is None or told[room_of[child], date.fromisoformat(on)] > 1:
                disorderly.add(stream)
    found = [[each for each in run.bytes_ if each[0] not in disorderly] for run in runs]
    assert len(found[0]) > 40
    return found


@pytest.mark.long
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("number", range(4))
def test_whole_terms_of_larger_counties_have_recall_one_too(postgres: Any, number: int, tmp_path: Path) -> None:
    made = simulated(1_000 + number, Size(1_500, terms=2, days=None, trouble=4.0, untidy=2.0))
    wanted = expected(made, tmp_path / "files")
    found = went_through(postgres, tmp_path, made, batch=200, chance=random.Random(number))
    print(f"{len(wanted)} alerts, {Counter(each.kind for each in wanted)}")
    assert set(found.standing) == set(wanted)
