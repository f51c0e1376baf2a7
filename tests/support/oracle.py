"""What must be true in the end, worked out from what was submitted and from nothing else.

A second reading of the field's rules: which state a row ends in, which category a child has, who is due which aid,
which alerts stand. It is small because the rows of :mod:`tests.support.people` are made so that each has one possible
ending. It imports nothing of the services and never sees an event.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from shared.kernel.clock import today
from tests.support.people import AGENCIES, Child, Row, School

# One line per fact about the county: (what, who, …). Both sides are compared as sorted lines, and by their hash.
Line = tuple[str, ...]

ENDINGS = {
    "exact": "linked",
    "other_name": "review",
    "slip": "linked",
    "guardian": "review",
    "lost_digits": "rejected",
    "nobody": "rejected",
    "stranger": "not_in_register",
    "toddler": "not_in_register",
    "adult": "out_of_age",
    "elsewhere": "registered_elsewhere",
}
# Fen per term from spring 2024 on: yearly 1250/1500 yuan for boarders, half of it for others, two terms a year.
TERM_FEN = {
    ("primary", True): 62_500,
    ("primary", False): 31_250,
    ("junior", True): 75_000,
    ("junior", False): 37_500,
}
_PRECEDENCE = ("registered_poor", "disabled", "subsistence_rural", "extreme_hardship")
ACCEPTANCE_DAYS = 15


def lines_hash(lines: list[Line]) -> str:
    """SHA-256 over the sorted lines as JSON."""
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def category_of(row: Row) -> str:
    """What a linked row proves; empty for urban support."""
    if row.list == "poverty":
        return "registered_poor"
    if row.list == "disability":
        return "disabled"
    if row.facts["area_type"] == "城市":
        return ""
    return "subsistence_rural" if row.facts["support_type"] == "低保" else "extreme_hardship"


def _meant(row: Row) -> str:
    """The number of the person the row is about: a mistyped one stands for the child's own."""
    return row.about.number if row.kind == "slip" and row.about is not None else row.number


def of_school_age(born: date, day: date) -> bool:
    """From the 1 September after (or on) which a child is six by 31 August, for nine school years."""
    first = born.year + 6 + (1 if (born.month, born.day) > (8, 31) else 0)
    return date(first, 9, 1) <= day < date(first + 9, 9, 1)


def term_on(day: date) -> tuple[str, date]:
    """The term's name and first day: spring from 1 February, autumn from 1 September."""
    if day.month >= 9:
        return f"{day.year}-autumn", date(day.year, 9, 1)
    if day.month >= 2:
        return f"{day.year}-spring", date(day.year, 2, 1)
    return f"{day.year - 1}-autumn", date(day.year - 1, 9, 1)


@dataclass
class Standing:
    """A child of the register: enrolled, or gone how and since when. ``schools`` holds the present one."""

    child: Child
    enrolled: bool = True
    gone: str = ""
    since: date | None = None


@dataclass
class Oracle:
    """Told every submission that was acknowledged, in order; gives the lines that must be true on the day of asking."""

    standing: dict[str, Standing] = field(default_factory=dict)
    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    proved: dict[str, set[str]] = field(default_factory=dict)
    disproved: set[str] = field(default_factory=set)
    paid: dict[str, str] = field(default_factory=dict)
    ended_alerts: set[tuple[str, str]] = field(default_factory=set)
    seen_alerts: set[tuple[str, str]] = field(default_factory=set)

    # -- what was submitted ---------------------------------------------------------------------------------------

    def enrolled(self, child: Child) -> None:
        self.standing[child.number] = Standing(child)
        self._prove()

    def transferred_out(self, child: Child, on: date) -> None:
        self.standing[child.number] = Standing(child, False, "transferred_out", on)

    def left(self, child: Child, on: date, reason: str) -> None:
        self.standing[child.number] = Standing(child, False, reason, on)

    def accepted_elsewhere(self, child: Child, on: date) -> None:
        self.standing[child.number] = Standing(child, False, "accepted_elsewhere", on)

    def schools_merged(self, sources: set[str], into: School) -> None:
        """Every child of these schools is the other one's; nobody left."""
        for standing in self.standing.values():
            child = standing.child
            if standing.enrolled and child.school is not None and child.school.code in sources:
                standing.child = replace(child, school=into)

    def listed(self, row: Row) -> None:
        """A row was added, or the same row corrected."""
        self.rows[row.key] = row
        self._prove()

    def removed(self, row: Row) -> None:
        """The row left its list. What it proved in this term stays due: an exit never recovers."""
        del self.rows[row.key]

    def never_true(self, row: Row) -> None:
        """The row should never have been sent: what nothing else proves, and was not paid yet, is not due."""
        self.removed(row)
        number = _meant(row)
        if number in self.proved and not self._evidence().get(number):
            self.disproved.add(number)

    def disbursed(self, child: Child, reference: str) -> None:
        self.paid[child.number] = reference

    def seen(self, kind: str, number: str) -> None:
        self.seen_alerts.add((kind, number))

    def closed(self, kind: str, number: str) -> None:
        self.ended_alerts.add((kind, number))

    # -- what must be true ----------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        """All of it: rows, roster, entitlements, payments, open alerts."""
        return sorted([*self.row_lines(), *self.roster_lines(), *self.aid_lines(), *self.alert_lines()])

    def row_lines(self) -> list[Line]:
        """Each standing row in exactly one state, and whom it is linked to."""
        return [("row", *key, self.state_of(row), self._linked_number(row)) for key, row in self.rows.items()]

    def roster_lines(self) -> list[Line]:
        """Each enrolled child whose evidence in force today supports a category: its school and the category."""
        found: list[Line] = []
        for number, evidence in self._evidence().items():
            standing = self.standing[number]
            category = next((each for each in _PRECEDENCE if each in evidence), "")
            if category and standing.enrolled and standing.child.school is not None:
                found.append(("roster", number, standing.child.school.code, category))
        return found

    def aid_lines(self) -> list[Line]:
        """One entitlement per child that was ever proved in this term, and its one payment."""
        term, _ = term_on(today())
        found: list[Line] = []
        for number in self.proved:
            child = self.standing[number].child
            assert child.school is not None
            amount = TERM_FEN[child.school.stage, child.boarder]
            state = "paid" if number in self.paid else "withdrawn" if number in self.disproved else "granted"
            found.append(("entitlement", number, term, str(amount), state))
            if number in self.paid:
                found.append(("payment", number, term, str(amount), self.paid[number]))
        return found

    def alert_lines(self) -> list[Line]:
        """Alerts that have not ended: listed in school age and nowhere enrolled; left and not accepted; dropped out."""
        found: set[tuple[str, str]] = set()
        for row in self.rows.values():
            nowhere = self.state_of(row) == "not_in_register" and not self._linked_anywhere(row.number)
            if nowhere and row.about is not None and of_school_age(row.about.born, today()):
                found.add(("listed_but_unenrolled", row.number))
        for number, standing in self.standing.items():
            waiting = standing.gone == "transferred_out" and standing.since is not None
            if waiting and today() >= (standing.since or today()) + timedelta(days=ACCEPTANCE_DAYS):
                found.add(("left_without_acceptance", number))
            if standing.gone == "dropped_out":
                found.add(("dropped_out", number))
        state = {True: "seen", False: "open"}
        return [("alert", *each, state[each in self.seen_alerts]) for each in found - self.ended_alerts]

    def states(self) -> Counter[str]:
        """How many standing rows end in each state; the sum is the number of rows."""
        return Counter(self.state_of(row) for row in self.rows.values())

    def states_of(self, name: str) -> Counter[str]:
        """The same for one list."""
        return Counter(self.state_of(row) for row in self.rows.values() if row.list == name)

    def state_of(self, row: Row) -> str:
        """The one state. A row of any kind whose number is a registered child's and whose name agrees is linked."""
        standing = self.standing.get(row.number)
        if standing is not None and standing.child.name == row.name:
            return "linked"
        if row.about is not None and row.about.number not in self.standing and row.kind in ("exact", "other_name"):
            return "not_in_register"
        return ENDINGS[row.kind]

    def agencies(self) -> dict[str, str]:
        """List → the agency that keeps it."""
        return {str(name): agency for name, agency in AGENCIES.items()}

    def _linked_number(self, row: Row) -> str:
        return _meant(row) if self.state_of(row) == "linked" else ""

    def _linked_anywhere(self, number: str) -> bool:
        return any(_meant(row) == number and self.state_of(row) == "linked" for row in self.rows.values())

    def _evidence(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self.rows.values():
            if self.state_of(row) == "linked":
                found.setdefault(_meant(row), set()).add(category_of(row))
        return found

    def _prove(self) -> None:
        for number, evidence in self._evidence().items():
            if self.standing[number].enrolled and evidence - {""}:
                self.proved.setdefault(number, set()).update(evidence)
                self.disproved.discard(number)


def differences(expected: list[Line], found: list[Line]) -> list[str]:
    """What is missing and what is too much, in words for a failing test; empty when equal."""
    wanted, there = Counter(expected), Counter(found)
    lost = [f"missing: {' '.join(line)}" for line in (wanted - there).elements()]
    extra = [f"too much: {' '.join(line)}" for line in (there - wanted).elements()]
    return sorted([*lost, *extra])


def summary(lines: list[Line]) -> dict[str, Any]:
    """How many lines of each sort: for a failing test's first glance."""
    return dict(Counter(line[0] for line in lines))
