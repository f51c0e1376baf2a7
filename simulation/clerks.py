"""Clerks and their habits: errors come in clusters, because one person makes the same mistake again and again.

The rates of `moderate` are set so that a list is about as bad as counties describe theirs: identity numbers that are
exactly equal find 0.92 of the rows about students, and 0.003 of what they find is somebody else (a sibling's number, or
one filled down from the row above). Of the other 8 in 100, digits are mistyped (2), hidden (1.2), dropped with the X
(1), missing (0.8), written so that only a person reads them (1.4), the guardian's (0.2), or missing in the register
(0.8). `heavy` is three times as bad: twice the clerks have each habit and give in to it half as often again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from simulation import slips
from simulation.lists import ListRow
from simulation.office_sheets import WideRow, wide_row
from simulation.slips import Desk, Slip

Level = Literal["clean", "moderate", "heavy"]
LEVELS: tuple[Level, ...] = ("clean", "moderate", "heavy")
NAME_SLIPS_MOST = 2  # of one row
RATE_HIGHEST = 0.95
# How careful a clerk is: factors of all rates, mean 1. A third of the clerks make two thirds of the errors.
CARE = (0.2, 0.4, 0.5, 0.9, 1.6, 2.4)


@dataclass(frozen=True, slots=True)
class Habit:
    """`share` of the clerks have it, and give in to it in `rate` of the rows it could happen in."""

    slip: Slip
    share: float
    rate: float

    def at(self, level: Level) -> Habit:
        if level == "heavy":
            return Habit(
                self.slip, min(1.0, 2 * self.share), min(RATE_HIGHEST, self.rate * (1.5 if self.share < 0.5 else 3))
            )
        return self


NUMBER_HABITS = (
    Habit(slips.one_digit, 1.0, 0.012),
    Habit(slips.two_digits, 1.0, 0.001),
    Habit(slips.swapped, 1.0, 0.004),
    Habit(slips.lost_digit, 0.4, 0.007),
    Habit(slips.doubled_digit, 0.4, 0.005),
    Habit(slips.dropped_x, 0.12, 0.6),  # of the one number in eleven that has an X
    Habit(slips.other_x, 0.1, 0.5),
    Habit(slips.fifteen_digits, 0.02, 0.1),
    Habit(slips.masked, 0.015, 0.8),
    Habit(slips.numeric_cell, 0.02, 0.03),
    Habit(slips.missing, 0.15, 0.05),
    Habit(slips.guardian_number, 0.1, 0.02),
    Habit(slips.sibling_number, 0.1, 0.015),
    Habit(slips.number_above, 0.1, 0.01),
    Habit(slips.full_width, 0.04, 0.12),
    Habit(slips.blanks_inside, 0.04, 0.12),
    Habit(slips.apostrophe, 0.03, 0.12),
)
NAME_HABITS = (
    Habit(slips.other_dot, 0.45, 0.6),
    Habit(slips.other_spelling, 0.25, 0.2),
    Habit(slips.truncated, 0.08, 0.2),
    Habit(slips.former_name, 0.45, 0.4),
    Habit(slips.called_name, 0.1, 0.01),
    Habit(slips.homophone, 0.4, 0.015),
    Habit(slips.dialect, 0.15, 0.006),
    Habit(slips.similar_shape, 0.3, 0.012),
    Habit(slips.traditional, 0.01, 0.5),
    Habit(slips.variant, 0.05, 0.05),
    Habit(slips.unreadable, 0.05, 0.03),
    Habit(slips.blank_in_name, 0.1, 0.05),
)
OTHER_HABITS = (
    Habit(slips.wrong_sex, 0.3, 0.01),
    Habit(slips.day_and_month, 0.05, 0.15),
    Habit(slips.lunar_birth_date, 0.08, 0.1),
    Habit(slips.birth_slip, 0.4, 0.007),
    Habit(slips.month_only, 0.1, 0.9),
    Habit(slips.no_birth_date, 0.3, RATE_HIGHEST),
    Habit(slips.old_school_name, 0.3, 0.8),
    Habit(slips.short_school_name, 0.25, 0.9),
    Habit(slips.no_school, 0.1, 0.9),
    Habit(slips.grade_of_last_year, 0.15, 0.9),
    Habit(slips.ditto, 0.3, 0.8),
    Habit(slips.careless_ditto, 0.1, 0.01),
)


@dataclass(frozen=True, slots=True)
class Clerk:
    """One person at one desk; the rates of the slips she is given to."""

    number: tuple[tuple[Slip, float], ...]
    name: tuple[tuple[Slip, float], ...]
    other: tuple[tuple[Slip, float], ...]

    @classmethod
    def of(cls, rng: Random, level: Level) -> Clerk:
        care = rng.choice(CARE)
        if level == "clean":
            return cls((), (), ())
        return cls(*(_given_to(rng, habits, level, care) for habits in (NUMBER_HABITS, NAME_HABITS, OTHER_HABITS)))

    def write(self, rng: Random, desk: Desk) -> None:
        """Put the row into the sheet as this clerk does: one slip in the number at most, two in the name."""
        row = desk.row
        for slip, rate in self.other:  # first: what was mistyped may then be left out altogether
            if rng.random() < rate and slip(rng, desk):
                row.slips.append(slip.__name__)
        for slip, rate in self.number:
            if rng.random() < rate and slip(rng, desk):
                row.slips.append(slip.__name__)
                break
        happened = 0
        for slip, rate in self.name:
            if rng.random() < rate and slip(rng, desk):
                row.slips.append(slip.__name__)
                happened += 1
                if happened == NAME_SLIPS_MOST:
                    break


def _given_to(rng: Random, habits: Iterable[Habit], level: Level, care: float) -> tuple[tuple[Slip, float], ...]:
    mine = [habit for habit in (each.at(level) for each in habits) if rng.random() < habit.share]
    # What a clerk does nearly always is her way of writing, not carelessness.
    return tuple((each.slip, each.rate if each.rate >= 0.5 else min(RATE_HIGHEST, each.rate * care)) for each in mine)


def written_by_clerks(rng: Random, rows: Iterable[ListRow], level: Level, seed: str) -> Iterator[WideRow]:
    """The rows of one list as its clerks write them. `seed` tells the clerks of one county from those of another.

    Village cadres write the poverty list, township offices the others.
    """
    clerks: dict[str, Clerk] = {}
    above: WideRow | None = None
    for row in rows:
        village = row.list_name == "poverty"
        key = row.household.village[0] if village else row.household.township.code
        if key not in clerks:
            clerks[key] = Clerk.of(Random(f"{seed}/{row.list_name}/{key}"), level)  # from a seed, no secret # nosec B311
        wide = wide_row(rng, row)
        clerks[key].write(rng, Desk(wide, above))
        above = wide
        yield wide
