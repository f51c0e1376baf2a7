"""Many rows against a large register: the outcomes of row by row, on every core, with an index of what is asked.

The candidates of all rows are found at once, by joining tables (match_joins); then the ladder decides row by row, a
part of the rows in each process. Most rows ask for few: where number and name decide nobody else is looked for, and
where nobody has the number only those whom a rung could still name (number_rungs.unmet).
"""

from __future__ import annotations

import pickle  # what is read is our own children's (below) # nosec B403
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from operator import attrgetter

from cli.match_columns import RegisterColumns
from cli.match_forks import Child, cores
from cli.match_joins import Asking, Students
from services.matching.candidates import NOTHING_LISTED, Candidates, Listed, ListIndex
from services.matching.ladder import Rules, decide
from services.matching.number_rungs import settled, unmet
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord, StudentRecord

Work = Callable[[int], bytes]  # the number of a part → what came out of it

_values = attrgetter(*(each.name for each in fields(Outcome)))  # pickling a slotted dataclass costs ten times more


@dataclass(slots=True)
class AskedIndex:
    """The candidates that StudentIndex would give, as far as a rung looks at them, by place of the list row."""

    same_number: Students
    same_guardian: Students
    others: Students = field(default_factory=dict)
    _records: dict[int, StudentRecord] = field(default_factory=dict)

    def candidates(self, place: int, listed: Listed = NOTHING_LISTED) -> Candidates:
        """Everyone the ladder may consider for the row at this place of all that asked."""
        return Candidates(
            self._found(self.same_number, place),
            self._found(self.same_guardian, place),
            lambda: self._found(self.others, place),
            listed,
        )

    def note(self, students: RegisterColumns) -> None:
        """Have the records of everyone found so far at hand."""
        groups = (self.same_number, self.same_guardian, self.others)
        rows = {row for found in groups for some in found.values() for row in some} - self._records.keys()
        missing = sorted(rows)
        self._records.update(zip(missing, students.records(missing), strict=True))

    def _found(self, rows: Students, place: int) -> tuple[StudentRecord, ...]:
        found = rows.get(place)
        return tuple([self._records[row] for row in found]) if found else ()


def in_parts(work: Work, count: int) -> list[bytes]:
    """Do every part of the work, the last one in this process; results in order."""
    children = [Child(lambda part=part: work(part)) for part in range(count - 1)]  # type: ignore[misc]
    last = work(count - 1)
    results = [child.result() for child in children]
    return [work(part) if found is None else found for part, found in enumerate([*results, last])]


def asked_index(students: RegisterColumns, entries: Sequence[EntryRecord]) -> AskedIndex:
    """An index of the students whom the ladder may consider for any of the rows."""
    asking = Asking(entries)
    index = AskedIndex(asking.by_number(students, "number"), asking.by_number(students, "guardian_id"))
    index.note(students)
    narrow: list[int] = []
    wide: list[int] = []
    for place, entry in enumerate(entries):
        candidates = index.candidates(place)
        if not settled(entry, candidates):
            (narrow if place in asking.plain and unmet(entry, candidates) else wide).append(place)
    index.others = asking.by_keys(students, narrow, wide)
    index.note(students)
    return index


def decide_all(
    entries: Sequence[EntryRecord], index: AskedIndex, listed: ListIndex, rules: Rules, as_of: date
) -> list[Outcome]:
    """The outcome of every row, in order."""
    count = cores()
    bounds = [len(entries) * part // count for part in range(count + 1)]

    def part(number: int) -> bytes:
        outcomes = []
        for place in range(bounds[number], bounds[number + 1]):
            entry = entries[place]
            outcome = decide(entry, index.candidates(place, listed.listed(entry)), rules, as_of)
            outcomes.append(_values(outcome))
        return pickle.dumps(outcomes)

    parts = in_parts(part, count)
    # Written by our own child processes, handed over in memory or by a folder of this run.
    return [Outcome(*values) for found in parts for values in pickle.loads(found)]  # noqa: S301 # nosec B301
