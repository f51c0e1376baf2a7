"""Many rows against a large register: the outcomes of row by row, on every core, with an index of what is asked.

The rows say first which block keys they look under; only students under one of these keys are kept, found by as many
processes as there are cores. Then the rows are decided, a part of them in each process.
"""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from cli.match_columns import RegisterColumns
from cli.match_forks import Child, cores
from services.matching.block_keys import entry_keys, guardian_key, number_key, student_keys
from services.matching.candidates import NOTHING_LISTED, Candidates, Listed, ListIndex
from services.matching.ladder import Rules, decide
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord, StudentRecord

Work = Callable[[int], bytes]  # the number of a part → what came out of it


class AskedIndex:
    """Students under the block keys that the rows asked for; gives the candidates that StudentIndex would give."""

    def __init__(self, by_key: Mapping[str, Sequence[StudentRecord]]) -> None:
        self._by_key = by_key

    def candidates(self, entry: EntryRecord, listed: Listed = NOTHING_LISTED) -> Candidates:
        """Everyone the ladder may consider for the row."""
        number, found = entry.id_number, self._by_key.get
        return Candidates(
            tuple(found(number_key(number), ())) if number else (),
            tuple(found(guardian_key(number), ())) if number else (),
            lambda: self._others(entry),
            listed,
        )

    def _others(self, entry: EntryRecord) -> tuple[StudentRecord, ...]:
        found = {s.student_id: s for key in entry_keys(entry) for s in self._by_key.get(key, ())}
        return tuple(found.values())


def in_parts(work: Work, count: int) -> list[bytes]:
    """Do every part of the work, the last one in this process; results in order."""
    children = [Child(lambda part=part: work(part)) for part in range(count - 1)]  # type: ignore[misc]
    last = work(count - 1)
    results = [child.result() for child in children]
    return [work(part) if found is None else found for part, found in enumerate([*results, last])]


def asked_index(students: RegisterColumns, entries: Iterable[EntryRecord]) -> AskedIndex:
    """An index of the students who share a block key with any of the rows."""
    asked: dict[str, int] = {}
    for entry in entries:
        for key in entry_keys(entry):
            asked.setdefault(key, len(asked))
    keys = list(asked)
    with tempfile.TemporaryDirectory(prefix="match-register-") as folder:
        parts = students.write_parts(Path(folder), cores())
        pairs = array("I")
        for found in in_parts(lambda part: _pairs(students, *parts[part], asked), len(parts)):
            pairs.frombytes(found)
    rows = sorted(set(pairs[::2]))
    records = dict(zip(rows, students.records(rows), strict=True))
    by_key: dict[str, list[StudentRecord]] = {}
    for row, place in zip(pairs[::2], pairs[1::2], strict=True):
        by_key.setdefault(keys[place], []).append(records[row])
    return AskedIndex(by_key)


def _pairs(students: RegisterColumns, path: Path, first_row: int, asked: Mapping[str, int]) -> bytes:
    """(student row, number of the key) for every student under a key that was asked for, as unsigned integers."""
    pairs = array("I")
    number = asked.get
    for student in students.part_records(path, first_row):
        for key in student_keys(student):
            found = number(key)
            if found is not None:
                pairs.append(int(str(student.student_id)))
                pairs.append(found)
    return pairs.tobytes()


def decide_all(
    entries: Sequence[EntryRecord], index: AskedIndex, listed: ListIndex, rules: Rules, as_of: date
) -> list[Outcome]:
    """The outcome of every row, in order."""
    count = cores()
    bounds = [len(entries) * part // count for part in range(count + 1)]

    def part(number: int) -> bytes:
        return pickle.dumps(
            [
                decide(entry, index.candidates(entry, listed.listed(entry)), rules, as_of)
                for entry in entries[bounds[number] : bounds[number + 1]]
            ]
        )

    return [outcome for found in in_parts(part, count) for outcome in pickle.loads(found)]  # noqa: S301
