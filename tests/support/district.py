"""A running system with schools and children in it, the office that submits and the oracle that knows: what journeys
and fault tests have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from shared.kernel.clock import today
from tests.support.observed import Observed
from tests.support.oracle import Line, Oracle, differences, lines_hash, term_on
from tests.support.people import Child, People, Row, School
from tests.support.submitting import Office
from tests.support.system import System

_SCHOOLS: tuple[tuple[str, Literal["primary", "junior"]], ...] = (
    ("第一小学", "primary"),
    ("第二小学", "primary"),
    ("第一中学", "junior"),
    ("第二中学", "junior"),
)


class District:
    """``children`` are enrolled and ``rows`` stand now."""

    def __init__(self, system: System, seed: int) -> None:
        self.system, self.seed = system, seed
        self.term_begin = term_on(today())[1]
        self.schools = [
            School(f"{system.division}{number:06d}", name, stage, system.division)
            for number, (name, stage) in enumerate(_SCHOOLS, 1)
        ]
        self.people = People(seed, self.schools, today())
        self.oracle = Oracle()
        self.deaths: list[str] = []
        self.office = Office(system.callers, self.oracle, meanwhile=self._tend)
        self.observed = Observed(system)
        self.children: list[Child] = []
        self.rows: list[Row] = []

    @property
    def today(self) -> date:
        """Asked for each time: a district may be founded before midnight and lived in after it."""
        return today()

    def found(self, children: int) -> None:
        """Register the schools, and children as of the term's first day."""
        self.office.open_schools(self.schools, self.term_begin)
        self.enrol(self.people.children(children))

    def enrol(self, children: Sequence[Child]) -> None:
        """More children, as of the term's first day."""
        self.office.enrol(children, self.term_begin)
        self.children += children

    def newcomer(self) -> Child:
        """One more child, enrolled."""
        child = self.people.child()
        self.enrol([child])
        return child

    def compare(self) -> None:
        """Tables, answers and counts are what the oracle says, line by line and by hash."""
        expected = self.oracle.lines()
        self._compare("tables", expected, self.observed.lines())
        shown = [line for line in expected if line[0] != "row"]
        self._compare("answers", shown, self.observed.answered(self.office.clerk))
        assert self.observed.counted(self.office.clerk) == dict(self.oracle.states())

    def _compare(self, source: str, expected: list[Line], found: list[Line]) -> None:
        wrong = differences(expected, found)
        assert not wrong, f"seed {self.seed}: {source} differ in {len(wrong)} lines: {wrong[:12]}"
        assert lines_hash(expected) == lines_hash(found)

    def _tend(self) -> None:
        self.deaths += self.system.tend()
