"""Many rows against a large register: the outcomes of row by row, on every core, with an index of what is asked.

The rows say first which block keys they look under; only students under one of these keys are kept, found by as many
processes as there are cores. Then the rows are decided, a part of them in each process.
"""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from operator import attrgetter
from pathlib import Path

import msgspec

from cli.match_columns import RegisterColumns
from cli.match_forks import Child, cores
from services.matching.block_keys import entry_keys, guardian_key, number_key, student_keys
from services.matching.candidates import NOTHING_LISTED, Candidates, Listed, ListIndex
from services.matching.ladder import Rules, decide
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord, StudentRecord

Work = Callable[[int], bytes]  # the number of a part → what came out of it
Found = Sequence[StudentRecord]


_values = attrgetter(*(field.name for field in fields(Outcome)))  # pickling a slotted dataclass costs ten times more


class AskedIndex:
    """Students under the block keys that the rows asked for; gives the candidates that StudentIndex would give.

    `keys_of` holds the numbers of each row's keys; `under` the students by number of the key.
    """

    def __init__(self, keys: Mapping[str, int], keys_of: Sequence[array[int]], under: Mapping[int, Found]) -> None:
        self._keys, self._keys_of, self._under = keys, keys_of, under

    def candidates(self, place: int, entry: EntryRecord, listed: Listed = NOTHING_LISTED) -> Candidates:
        """Everyone the ladder may consider for the row at this place of all that were asked for."""
        number = entry.id_number
        return Candidates(
            tuple(s for s in self._named(number_key(number)) if s.id_number == number) if number else (),
            self._named(guardian_key(number)) if number else (),
            lambda: self._others(place),
            listed,
        )

    def _named(self, key: str) -> tuple[StudentRecord, ...]:
        return tuple(self._under.get(self._keys[key], ()))

    def _others(self, place: int) -> tuple[StudentRecord, ...]:
        under = self._under
        return tuple({s.student_id: s for key in self._keys_of[place] for s in under.get(key, ())}.values())


def in_parts(work: Work, count: int) -> list[bytes]:
    """Do every part of the work, the last one in this process; results in order."""
    children = [Child(lambda part=part: work(part)) for part in range(count - 1)]  # type: ignore[misc]
    last = work(count - 1)
    results = [child.result() for child in children]
    return [work(part) if found is None else found for part, found in enumerate([*results, last])]


def asked_index(students: RegisterColumns, entries: Sequence[EntryRecord]) -> AskedIndex:
    """An index of the students who share a block key with any of the rows."""
    keys, keys_of = _numbered_keys(entries)
    with tempfile.TemporaryDirectory(prefix="match-register-") as folder:
        parts = students.write_parts(Path(folder), cores())
        pairs = array("I")
        for found in in_parts(lambda part: _pairs(students, *parts[part], keys), len(parts)):
            pairs.frombytes(found)
    rows = sorted(set(pairs[::2]))
    records = dict(zip(rows, students.records(rows), strict=True))
    under: dict[int, list[StudentRecord]] = {}
    for row, key in zip(pairs[::2], pairs[1::2], strict=True):
        under.setdefault(key, []).append(records[row])
    return AskedIndex(keys, keys_of, under)


def _numbered_keys(entries: Sequence[EntryRecord]) -> tuple[dict[str, int], list[array[int]]]:
    """Every key that a row asks for with a number of its own, and the numbers of each row's keys."""
    bounds = _bounds(len(entries))

    def part(number: int) -> bytes:
        rows = entries[bounds[number] : bounds[number + 1]]
        return msgspec.msgpack.encode([sorted(entry_keys(entry)) for entry in rows])

    keys: dict[str, int] = {}
    keys_of: list[array[int]] = []
    for found in in_parts(part, len(bounds) - 1):
        for asked in msgspec.msgpack.decode(found, type=list[list[str]]):
            keys_of.append(array("I", [keys.setdefault(key, len(keys)) for key in asked]))
    return keys, keys_of


def _bounds(rows: int) -> list[int]:
    """Where the parts of so many rows begin and end, one part for each core."""
    count = cores()
    return [rows * part // count for part in range(count + 1)]


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
    bounds = _bounds(len(entries))

    def part(number: int) -> bytes:
        outcomes = []
        for place in range(bounds[number], bounds[number + 1]):
            entry = entries[place]
            outcome = decide(entry, index.candidates(place, entry, listed.listed(entry)), rules, as_of)
            outcomes.append(_values(outcome))
        return pickle.dumps(outcomes)

    parts = in_parts(part, len(bounds) - 1)
    return [Outcome(*values) for found in parts for values in pickle.loads(found)]  # noqa: S301
