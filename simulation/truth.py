"""What really is: who every list row means, how it must end, and every student's category on the reference date.

Decided from the families themselves, never from the lists, so that it can judge a program which reads the lists.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from simulation.households import Household, Student
from simulation.lists import ListRow, with_corruption
from simulation.office_sheets import WideRow

ROW_HEADER = ("list", "row", "student_row", "standing", "corruption", "states")
WIDE_ROW_HEADER = (*ROW_HEADER, "state")  # where clerks' errors are simulated: what a perfect person would decide
STUDENT_HEADER = (
    *("student_row", "category", "category_by_rows", "category_by_household"),
    *("kind", "evidence", "absent_since"),
)
CATEGORIES = ("registered_poor", "disabled", "subsistence_rural", "extreme_hardship")


@dataclass(slots=True)
class Truth:
    """Collects counts while a county is written. `proved`: register row → lists with a row that must link to it."""

    as_of: date
    rows: Counter[str] = field(default_factory=Counter)
    corruptions: Counter[str] = field(default_factory=Counter)
    standings: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    proved: dict[int, set[str]] = field(default_factory=dict)
    listed_nowhere: set[str] = field(default_factory=set)

    def row_line(self, row: ListRow) -> tuple[str | int, ...]:
        """Count a row just written and give its line, in the order of ROW_HEADER."""
        self.rows[row.list_name] += 1
        self.standings[row.standing] += 1
        if row.corruption:
            self.corruptions[f"{row.list_name}.{row.corruption}"] += 1
        student_row = row.student_row
        if row.standing == "enrolled_nowhere":
            self.listed_nowhere.add(row.person.number)
        if student_row is not None and row.proves:
            self.proved.setdefault(student_row, set()).add(row.list_name)
        number = self.rows[row.list_name]
        states = "|".join(row.states)
        return row.list_name, number, "" if student_row is None else student_row, row.standing, row.corruption, states

    def wide_row_line(self, wide: WideRow) -> tuple[str | int, ...]:
        """The same for a row of a wide sheet, in the order of WIDE_ROW_HEADER: the slips, and the one perfect state."""
        corruption, states = "|".join(wide.slips), wide.states
        row = with_corruption(wide.row, corruption, states)
        return *self.row_line(row), wide.state

    def student_line(self, student: Student, stopped_on: date | None) -> tuple[str | int, ...]:
        """A student's line, in the order of STUDENT_HEADER. `proved` must be complete for the student."""
        real = evidence(student, self.as_of)
        proved = self.proved.pop(student.row, set())
        by_rows = real & proved_evidence(proved, student)
        by_household = by_rows | (real & household_evidence(student.household))
        category = first_category(real)
        self.categories[category or "none"] += 1
        poverty = student.household.poverty
        return (
            student.row,
            category,
            first_category(by_rows),
            first_category(by_household),
            poverty.kind if poverty is not None and category == "registered_poor" else "",
            "|".join(name for name in (*CATEGORIES, "subsistence_urban", "hardship_urban") if name in real),
            stopped_on.isoformat() if stopped_on else "",
        )


def evidence(student: Student, day: date) -> set[str]:
    """All support in force for the student on the day; urban support is evidence without a category."""
    household, person = student.household, student.person
    found: set[str] = set()
    position = next(i for i, member in enumerate(household.members) if member is person)
    if household.poverty is not None and household.poverty.holds(day):
        found.add("registered_poor")
    if person.disability is not None and person.disability.holds(day):
        found.add("disabled")
    allowance = household.subsistence
    if allowance is not None and allowance.holds(day) and position in allowance.covered:
        found.add("subsistence_urban" if allowance.urban else "subsistence_rural")
    hardship = household.hardship
    if hardship is not None and hardship.holds(day) and position in hardship.covered:
        found.add("hardship_urban" if hardship.urban else "extreme_hardship")
    return found


def proved_evidence(lists: set[str], student: Student) -> set[str]:
    """What the student's own rows that must link can show."""
    allowance, hardship = student.household.subsistence, student.household.hardship
    names = {
        "poverty": "registered_poor",
        "disability": "disabled",
        "civil": "subsistence_urban" if allowance is not None and allowance.urban else "subsistence_rural",
        "hardship": "hardship_urban" if hardship is not None and hardship.urban else "extreme_hardship",
    }
    return {names[name] for name in lists}


def household_evidence(household: Household) -> set[str]:
    """The allowance of a listed head, provable where the register names that head as guardian by a full number."""
    allowance = household.subsistence
    if allowance is None or not allowance.head_only:
        return set()
    if household.guardian is not household.head or len(household.head.number) != 18:
        return set()
    return {"subsistence_urban" if allowance.urban else "subsistence_rural"}


def first_category(found: set[str]) -> str:
    """The reported category: the first of CATEGORIES that holds, or empty."""
    return next((name for name in CATEGORIES if name in found), "")
