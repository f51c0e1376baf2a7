"""Which alerts must stand on each day of a simulated term, worked out by brute force from the simulated files alone.

It walks day by day, and on each day looks at every child's whole past anew: slow, and so simple that a person can check
it. The rules are those of the county's rule book in plain words; nothing of the service that judges is used.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from simulation.class_reports import Classroom, ClassTold
from simulation.stories import Life
from simulation.term_files import CALENDAR, read_classrooms, read_lives, read_reports

RUNNING, EXCUSED_RUNNING = 3, 10
SHARE, WINDOW, SHARE_LEAST = 0.3, 20, 10
TERM_START = 2
SUSPENSION_GRACE = 3
RETURN = 3
ACCEPTANCE = 15
UNEXPLAINED = ("unexplained", "other")
COMPULSORY = ("primary", "junior")
ONE = timedelta(days=1)

Subject = tuple[str, int]  # kind, and a child or a class


class Standing(NamedTuple):
    """An alert from its first to its last day; ``last`` None: it stands at the end."""

    kind: str
    subject: int
    first: date
    last: date | None


class DayAt(NamedTuple):
    """A child on a day that counts: ``reason`` None = she was there; ``half``: for half the day."""

    day: date
    reason: str | None
    half: bool

    @property
    def whole(self) -> bool:
        """Absent all day."""
        return self.reason is not None and not self.half


class TermOracle:
    """Reads the files once; ``standing`` walks the days."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / CALENDAR).read_text(encoding="utf-8"))
        self.school_days = [date.fromisoformat(day) for day in told["school_days"]]
        self.terms = [(date.fromisoformat(t["first"]), date.fromisoformat(t["last"])) for t in told["terms"]]
        self.calendar = [year["content"] for year in told["years"]]
        self.classrooms: list[Classroom] = read_classrooms(folder)
        self.reports: list[ClassTold] = read_reports(folder)
        self.lives: list[Life] = read_lives(folder)
        self.room_of = {child: room for room in self.classrooms for child in room.children}

    def standing(self, last: date) -> list[Standing]:
        """Every alert from the first school day to ``last``."""
        first_day: dict[Subject, date] = {}
        found = []
        for today in _days(self.school_days[0], last):
            now = set(self.on(today))
            for subject in [each for each in first_day if each not in now]:
                found.append(Standing(*subject, first_day.pop(subject), today))
            for subject in now:
                first_day.setdefault(subject, today)
        found += [Standing(*subject, first, None) for subject, first in first_day.items()]
        return sorted(found, key=lambda each: (each.first, each.kind, each.subject))

    def on(self, today: date) -> Iterator[Subject]:
        """The alerts that must stand at the end of ``today``, by what was told until then."""
        said: dict[tuple[int, date], ClassTold] = {}
        for told in self.reports:
            if told.told_on <= today:
                said[told.classroom, told.day] = told  # the last word counts
        lives: dict[int, list[Life]] = defaultdict(list)
        for life in self.lives:
            if life.told_on <= today:
                lives[life.child].append(life)
        named = {child for told in said.values() for child in told.absences}
        for child in sorted(named | set(lives)):
            for kind in self._about(child, said, lives[child], today):
                yield kind, child
        yield from (("class_silent", room.number) for room in self.classrooms if self._silent(room, said, today))

    def _about(
        self, child: int, said: dict[tuple[int, date], ClassTold], lives: list[Life], today: date
    ) -> Iterator[str]:
        last = max((life for life in lives if life.what != "documented" and life.on <= today), default=None, key=_when)
        what = last.what if last is not None else "enrolled"
        if last is not None and what == "dropped_out" and self.room_of[child].stage in COMPULSORY:
            yield "dropped_out"
        if last is not None and what == "transferred_out" and today >= self._acceptance_due(last.on):
            yield "left_without_acceptance"
        if last is not None and what == "suspended" and last.until is not None and self._overdue(last.until, today):
            yield "suspension_overdue"
        if what != "enrolled":
            return
        papers = [(life.on, life.until) for life in lives if life.what == "documented" and life.until]
        if any(first <= today <= until for first, until in papers):
            return
        since = last.on if last is not None else date.min
        days = [each for each in self._days_of(child, said, papers) if since <= each.day <= today]
        silent_until = max((until for _, until in papers if until < today), default=date.min)
        yield from self._absence(days, since, silent_until)

    def _days_of(
        self, child: int, said: dict[tuple[int, date], ClassTold], papers: list[tuple[date, date]]
    ) -> list[DayAt]:
        """Her days that count: school days her class told of and no paper explains."""
        room, found = self.room_of[child], []
        for day in self.school_days:
            told = said.get((room.number, day))
            if told is not None and not any(first <= day <= until for first, until in papers):
                found.append(DayAt(day, told.absences.get(child), child in told.half_day))
        return found

    def _absence(self, days: list[DayAt], since: date, silent_until: date) -> Iterator[str]:
        """Signals of the last stretch of absence, while she has not been back for three whole days."""
        there = 0
        while there < len(days) and days[-1 - there].reason is None:
            there += 1
        if there >= RETURN:
            return
        begin = self._episode_begin(days)
        if begin is None:
            return
        for place in range(begin, len(days)):
            if days[place].reason is not None and days[place].day > silent_until and self._share(days, place):
                yield "absent_share"
                break
        runs = self._runs(days, begin)
        if any(self._running(run[: place + 1], silent_until) for run in runs for place in range(len(run))):
            yield "absent_running"
        if any(self._not_returned(days, run, since, silent_until) for run in runs):
            yield "not_returned_at_term_start"

    def _episode_begin(self, days: list[DayAt]) -> int | None:
        """The first absence after at least three whole days there, or of all."""
        begin, there = None, RETURN
        for place, each in enumerate(days):
            if each.reason is None:
                there += 1
            else:
                if there >= RETURN:
                    begin = place
                there = 0
        return begin

    def _runs(self, days: list[DayAt], begin: int) -> list[list[DayAt]]:
        runs: list[list[DayAt]] = [[]]
        for each in days[begin:]:
            if each.whole:
                runs[-1].append(each)
            else:
                runs.append([])
        return [run for run in runs if run]

    def _running(self, run: list[DayAt], silent_until: date) -> bool:
        unexplained = sum(each.reason in UNEXPLAINED for each in run)
        return (unexplained >= RUNNING or len(run) >= EXCUSED_RUNNING) and run[-1].day > silent_until

    def _share(self, days: list[DayAt], place: int) -> bool:
        until = self.school_days.index(days[place].day)
        window = set(self.school_days[max(0, until - WINDOW + 1) : until + 1])
        inside = [each for each in days[: place + 1] if each.day in window]
        missed = sum(0.5 if each.half else 1.0 for each in inside if each.reason is not None)
        return len(inside) >= SHARE_LEAST and missed / len(inside) > SHARE

    def _not_returned(self, days: list[DayAt], run: list[DayAt], since: date, silent_until: date) -> bool:
        """Absent on the first day of a term that counts, and on each since, two of them unexplained."""
        for first, last in self.terms:
            term_days = [day for day in self.school_days if first <= day <= last]
            hers = [each for each in days if first <= each.day <= last]
            if not hers or since > term_days[0] or hers[0] not in run:
                continue
            stayed = [each for each in run if first <= each.day <= last]
            for place, each in enumerate(stayed):
                unexplained = sum(one.reason in UNEXPLAINED for one in stayed[: place + 1])
                if unexplained >= TERM_START and each.day > silent_until:
                    return True
        return False

    def _silent(self, room: Classroom, said: dict[tuple[int, date], ClassTold], today: date) -> bool:
        """It sent nothing of the last school day that has ended, nor of any day since, though it did this year or
        another class of its school told of that day."""
        ended = [day for day in self.school_days if day < today]
        if not ended:
            return False
        hers = [day for number, day in said if number == room.number and day <= today]
        others = any(self._school(number) == room.school_code for number, day in said if day == ended[-1])
        return bool(hers or others) and max(hers, default=date.min) < ended[-1]

    def _school(self, number: int) -> str:
        return self.classrooms[number - 1].school_code

    def _overdue(self, due: date, today: date) -> bool:
        """Three school days have ended since she was due back, that day included."""
        return sum(due <= day < today for day in self.school_days) >= SUSPENSION_GRACE

    def _acceptance_due(self, left_on: date) -> date:
        """Fifteen days on; vacations between two terms told do not count."""
        terms = sorted(
            (date.fromisoformat(t["first"]), date.fromisoformat(t["last"]))
            for content in self.calendar
            for t in content["terms"]
        )
        due, left = left_on, ACCEPTANCE
        while left:
            due += ONE
            between = terms[0][0] <= due <= terms[-1][1] and not any(first <= due <= last for first, last in terms)
            left -= not between
        return due


def _when(life: Life) -> tuple[date, date]:
    return life.on, life.told_on


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE
