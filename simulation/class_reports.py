"""What classes report in a term: made from the children's stories, now and then late, silent, wrong or mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import NamedTuple

from simulation.stories import Life, Mistake, Reason, Story, Term, sick_wave, stories_of

ABSENT_SHARE = 0.012  # on an ordinary day
ORDINARY: tuple[Reason, ...] = ("sick", "sick", "sick", "leave", "leave", "unexplained", "other")
WAVES = 0.10  # of the classes in a term
LATE_REPORTS, LATEST_DAYS = 0.02, 3
SKIPPED_REPORTS = 0.003
MENDED_REPORTS = 0.004
GAPS, STOPPED_CLASSES, FREE_DAY_REPORTS = 0.04, 0.006, 0.04  # of the classes
LEAVING, RETURNING = ("dropped_out", "suspended", "transferred_out"), ("enrolled",)


class Classroom(NamedTuple):
    """A class; ``children`` are lines of the register."""

    number: int
    school_code: str
    division_code: str
    stage: str
    grade: str
    class_name: str
    children: tuple[int, ...]
    older: bool = False


class ClassTold(NamedTuple):
    """A class's report of ``day``, sent on ``told_on``; a later one of the same day takes its place. ``absences``:
    child → reason; ``half_day`` of them missed half the day; ``members`` children were in the class."""

    told_on: date
    day: date
    classroom: int
    members: int
    absences: dict[int, Reason]
    half_day: frozenset[int]


@dataclass(frozen=True, slots=True)
class Shape:
    """How much happens: ``trouble`` multiplies what happens to children, ``untidy`` what classes do wrong."""

    absent_share: float = ABSENT_SHARE
    trouble: float = 1.0
    untidy: float = 1.0


@dataclass(slots=True)
class ClassTerm:
    """One class over all days simulated: what is true and what is told."""

    stories: list[Story]
    reports: list[ClassTold]

    @property
    def lives(self) -> Iterator[Life]:
        return (life for story in self.stories for life in story.lives)


def class_term(
    chance: Random, room: Classroom, terms: Sequence[Term], free_days: Sequence[date], shape: Shape
) -> ClassTerm:
    """Everything of one class. ``terms`` follow each other and share their ``days``."""
    stories: list[Story] = []
    for term in terms:
        told_of = {story.child for story in stories if story.out_from or story.lives}
        free = [child for child in room.children if child not in told_of]
        now = stories_of(chance, term, free, room.older, shape.trouble)
        if chance.random() < WAVES * shape.trouble:
            taken = {story.child for story in now}
            now += sick_wave(chance, term, [child for child in free if child not in taken])
        stories += now
    reports = list(_Reporting(chance, room, terms[0].days, stories, shape).reports(free_days))
    return ClassTerm(stories, reports)


class _Reporting:
    """The class as it writes its reports."""

    def __init__(
        self, chance: Random, room: Classroom, days: Sequence[date], stories: Sequence[Story], shape: Shape
    ) -> None:
        self._chance, self._room, self._days, self._shape = chance, room, days, shape
        self._away: list[dict[int, tuple[Reason, bool]]] = [{} for _ in days]
        self._mistakes: dict[int, list[tuple[int, Mistake]]] = {}
        for story in stories:
            for spell in story.spells:
                for place in range(spell.first, min(spell.last, len(days) - 1) + 1):
                    self._away[place][story.child] = (spell.reason, spell.half_day)
            for mistake in story.mistakes:
                for place in range(mistake.first, min(mistake.last, len(days) - 1) + 1):
                    self._mistakes.setdefault(place, []).append((story.child, mistake))
        self._gone = _gone(stories)
        self._ordinary = [child for child in room.children if child not in {story.child for story in stories}]

    def reports(self, free_days: Sequence[date]) -> Iterator[ClassTold]:
        untidy, chance, count = self._shape.untidy, self._chance, len(self._days)
        end = chance.randrange(count) if chance.random() < STOPPED_CLASSES * untidy and count > 1 else count
        gap = range(0)
        told_after = False
        if chance.random() < GAPS * untidy and count > 12:
            begin = chance.randrange(count - 10)
            gap, told_after = range(begin, begin + chance.randint(2, 7)), chance.random() < 0.5
        for place in range(end):
            told = place
            if place in gap:
                if not told_after:
                    continue
                told = gap.stop
            elif chance.random() < (LATE_REPORTS + SKIPPED_REPORTS) * untidy:
                if chance.random() < SKIPPED_REPORTS / (LATE_REPORTS + SKIPPED_REPORTS):
                    continue
                told = place + chance.randint(1, LATEST_DAYS)
            if told < count:
                yield from self._of(place, told)
        if free_days and chance.random() < FREE_DAY_REPORTS * untidy:
            yield self._on_a_free_day(chance.choice(free_days))

    def _of(self, place: int, told: int) -> Iterator[ClassTold]:
        """The report of one day, and what mends it."""
        day = self._days[place]
        true = self._true(place)
        said = dict(true)
        mended = set()
        for child, mistake in self._mistakes.get(place, ()):
            if told < mistake.mended < len(self._days) and not self._is_gone(child, day):
                said[child] = (mistake.reason, False)
                mended.add(mistake.mended)
        wrong = [child for child in self._ordinary if child not in true]
        if self._chance.random() < MENDED_REPORTS * self._shape.untidy and wrong and told + 1 < len(self._days):
            said[self._chance.choice(wrong)] = ("unexplained", False)
            mended.add(told + 1)
        yield self._told(told, day, said)
        if mended:
            yield self._told(max(mended), day, true)

    def _true(self, place: int) -> dict[int, tuple[Reason, bool]]:
        day, chance = self._days[place], self._chance
        true = {child: why for child, why in self._away[place].items() if not self._is_gone(child, day)}
        expected = len(self._room.children) * self._shape.absent_share
        count = int(expected) + (chance.random() < expected % 1)
        for child in chance.sample(self._ordinary, min(count, len(self._ordinary))):
            true[child] = (chance.choice(ORDINARY), False)
        return true

    def _told(self, told: int, day: date, said: Mapping[int, tuple[Reason, bool]]) -> ClassTold:
        members = sum(not self._is_gone(child, day) for child in self._room.children) if self._gone else None
        absences = {child: said[child][0] for child in sorted(said)}
        half_day = frozenset(child for child, (_, half) in said.items() if half)
        count = len(self._room.children) if members is None else members
        return ClassTold(self._days[told], day, self._room.number, count, absences, half_day)

    def _on_a_free_day(self, day: date) -> ClassTold:
        """Somebody reports a day without school, with children absent from nothing."""
        absent = self._chance.sample(self._ordinary, min(2, len(self._ordinary)))
        absences: dict[int, Reason] = dict.fromkeys(sorted(absent), "unexplained")
        return ClassTold(day, day, self._room.number, len(self._room.children), absences, frozenset())

    def _is_gone(self, child: int, day: date) -> bool:
        return any(begin <= day < end for begin, end in self._gone.get(child, ()))


def _gone(stories: Sequence[Story]) -> dict[int, list[tuple[date, date]]]:
    """When children were on no class's list: [left, enrolled again)."""
    found: dict[int, list[tuple[date, date]]] = {}
    for story in stories:
        for life in story.lives:
            if life.what in LEAVING:
                found.setdefault(life.child, []).append((life.on, date.max))
            elif life.what in RETURNING and life.child in found:
                begin, _ = found[life.child].pop()
                found[life.child].append((begin, life.on))
    return found
