"""The form of a case: a sentence, a small register, a row of a list as its office typed it, and what must come of it.

Cells are written under the headers of real sheets (domain.md §3), so that a case reads like the papers on a desk:
``poverty("王小明", MING, 性别="男")`` is a row of the poverty office with those three cells filled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.matching.events import Verdict
from services.matching.outcome import State

ListName = Literal["poverty", "civil", "disability"]
Cell = str | float | int | date
Cells = Mapping[str, Cell]

AS_OF = date(2026, 11, 16)


@dataclass(frozen=True)
class Row:
    """A row of an agency's list: header → cell."""

    list: ListName
    cells: Cells


@dataclass(frozen=True)
class Expected:
    """What must come of a row. ``students``: rows of the register, from 1, best first; ``single``: the one it is or
    may be, if it is one."""

    state: State
    rule: str
    reason: str
    students: tuple[int, ...] = ()

    @property
    def single(self) -> int | None:
        named = self.state in (State.LINKED, State.REVIEW) and len(self.students) == 1
        return self.students[0] if named else None


@dataclass(frozen=True)
class Said:
    """What a clerk ruled about the row, with the students ruled about."""

    verdict: Verdict
    students: tuple[int, ...]


@dataclass(frozen=True)
class Papers:
    """A register and a row as they were when the clerk ruled."""

    register: Sequence[Cells]
    row: Row


@dataclass(frozen=True)
class Case:
    """``row`` is decided on the day ``as_of``; the rows ``above`` stand on the lists, too. ``gone``: rows of the
    register whose students have left. ``household``: the registered one of the row's adult, as (his name there, row
    of a student of it). ``ruled``: what clerks said, first to last; ``saw``: what they saw, if not what is there
    now."""

    sentence: str
    register: Sequence[Cells]
    row: Row
    expected: Expected
    above: Sequence[Row] = ()
    as_of: date = AS_OF
    gone: Sequence[int] = ()
    household: Sequence[tuple[str, int]] = ()
    ruled: Sequence[Said] = ()
    saw: Papers | None = None

    @property
    def papers(self) -> Papers:
        return Papers(self.register, self.row)


def pupil(name: Cell, number: Cell = "", **cells: Cell) -> Cells:
    """A row of the school register."""
    return {"姓名": name, "身份证号": number, **cells}


def poverty(name: Cell, number: Cell = "", **cells: Cell) -> Row:
    """A row of the poverty office, as it names its columns."""
    return Row("poverty", {"成员姓名": name, "证件号码": number, **cells})


def civil(name: Cell, number: Cell = "", **cells: Cell) -> Row:
    """A row of civil affairs: a person who is covered."""
    return Row("civil", {"姓名": name, "身份证号": number, "救助类型": "低保", **cells})


def head(name: Cell, number: Cell = "", **cells: Cell) -> Row:
    """A row of civil affairs that names nobody but the head of a household."""
    return Row("civil", {"户主姓名": name, "户主身份证号": number, "救助类型": "低保", **cells})


def disability(name: Cell, number: Cell = "", **cells: Cell) -> Row:
    """A row of the disabled persons' federation."""
    return Row("disability", {"持证人姓名": name, "身份证号码": number, **cells})


def linked(rule: str, reason: str, student: int = 1) -> Expected:
    return Expected(State.LINKED, rule, reason, (student,))


def review(rule: str, reason: str, *students: int) -> Expected:
    """A person looks; ``students`` (the first of the register unless told otherwise) are shown, best first."""
    return Expected(State.REVIEW, rule, reason, students or (1,))


def not_in_register(reason: str = "not_found", rule: str = "", *students: int) -> Expected:
    return Expected(State.NOT_IN_REGISTER, rule, reason, students)


def elsewhere() -> Expected:
    return Expected(State.REGISTERED_ELSEWHERE, "", "school_elsewhere")


def out_of_age() -> Expected:
    return Expected(State.OUT_OF_AGE, "", "age")


def household(*students: int) -> Expected:
    """The row is about a head who is out of age, and these students are the household's."""
    return Expected(State.OUT_OF_AGE, "R7", "household_link_proven", students or (1,))


def rejected(reason: str) -> Expected:
    return Expected(State.REJECTED, "", reason)


def same(student: int) -> Said:
    """确认同一人."""
    return Said("must_link", (student,))


def different(*students: int) -> Said:
    """非同一人."""
    return Said("cannot_link", students)


def nobody(*students: int) -> Said:
    """The register does not hold this person; ``students`` were shown."""
    return Said("nobody", students)
