"""Who a list row may mean: students that share a block key with it, and what the other live rows of the lists say.

Students with the row's number are found at once; everybody else only when a rule asks, because nearly every row is
decided by its number and name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.matching.block_keys import entry_keys, student_keys
from services.matching.outcome import StudentId
from services.matching.records import EntryRecord, StudentRecord


class Listed(NamedTuple):
    """What else stands on the lists: (list, name) of the other live rows with the row's number."""

    names: frozenset[tuple[str, str]] = frozenset()


NOTHING_LISTED = Listed()


class HouseholdMember(NamedTuple):
    """A student of one registered household with the adult of the row's number. ``adult``: his comparable name there;
    ``listed``: she has a row of her own on the civil list."""

    adult: str
    student: StudentRecord
    listed: bool = False


def _nobody() -> tuple[StudentRecord, ...]:
    return ()


@dataclass(slots=True)
class Candidates:
    """Students who could be meant: with the row's number, with the row's number as their guardian's, and `others`, all
    that share any block key; and the students who are of one registered household with whoever has the row's number.
    The order of none of them means anything."""

    same_number: tuple[StudentRecord, ...] = ()
    same_guardian: tuple[StudentRecord, ...] = ()
    find_others: Callable[[], tuple[StudentRecord, ...]] = _nobody
    listed: Listed = NOTHING_LISTED
    same_household: tuple[HouseholdMember, ...] = ()
    _others: tuple[StudentRecord, ...] | None = None

    @property
    def others(self) -> tuple[StudentRecord, ...]:
        """Everyone who shares a block key with the row."""
        if self._others is None:
            self._others = self.find_others()
        return self._others

    def without(self, apart: Collection[StudentId]) -> Candidates:
        """The candidates other than these students."""

        def kept(found: Iterable[StudentRecord]) -> tuple[StudentRecord, ...]:
            return tuple(each for each in found if each.student_id not in apart)

        return Candidates(
            kept(self.same_number),
            kept(self.same_guardian),
            lambda: kept(self.others),
            self.listed,
            tuple(each for each in self.same_household if each.student.student_id not in apart),
        )


class StudentIndex:
    """Students of the register in memory, found by number and guardian, and by the other block keys once a row asks.

    `former`: registrations that ended; one is considered only where no present student has the same number or name.
    """

    def __init__(
        self,
        former: frozenset[StudentId] = frozenset(),
        keys_of: Callable[[StudentRecord], Iterable[str]] = student_keys,
    ) -> None:
        self._students: dict[StudentId, StudentRecord] = {}
        self._by_number: dict[str, list[StudentRecord]] = {}
        self._by_guardian: dict[str, list[StudentRecord]] = {}
        self._by_key: dict[str, list[StudentRecord]] | None = None
        self._former = former
        self._keys_of = keys_of

    @classmethod
    def of(
        cls,
        students: Iterable[StudentRecord],
        former: frozenset[StudentId] = frozenset(),
        keys_of: Callable[[StudentRecord], Iterable[str]] = student_keys,
    ) -> StudentIndex:
        """An index of these students. ``keys_of`` gives their block keys to one who has them stored."""
        index = cls(former, keys_of)
        for student in students:
            index.add(student)
        return index

    def add(self, student: StudentRecord) -> None:
        """Note a student; one with the same id must have been removed before."""
        self._students[student.student_id] = student
        if student.id_number:
            self._by_number.setdefault(student.id_number, []).append(student)
        if student.guardian_id:
            self._by_guardian.setdefault(student.guardian_id, []).append(student)
        if self._by_key is not None:
            self._note(self._by_key, student)

    def remove(self, student: StudentRecord) -> None:
        """Forget a student that was added. Raises KeyError or ValueError when it was not."""
        del self._students[student.student_id]
        if student.id_number:
            _forget(self._by_number, student.id_number, student)
        if student.guardian_id:
            _forget(self._by_guardian, student.guardian_id, student)
        if self._by_key is not None:
            for key in self._keys_of(student):
                _forget(self._by_key, key, student)

    def candidates(
        self, entry: EntryRecord, listed: Listed = NOTHING_LISTED, keys: Iterable[str] | None = None
    ) -> Candidates:
        """Everyone the ladder may consider for the row. ``keys``: the row's block keys, where they are stored."""
        number = entry.id_number
        return Candidates(
            self._present(self._by_number.get(number, ())) if number else (),
            self._present(self._by_guardian.get(number, ())) if number else (),
            lambda: self._others(entry_keys(entry) if keys is None else keys),
            listed,
        )

    def _others(self, keys: Iterable[str]) -> tuple[StudentRecord, ...]:
        if self._by_key is None:
            self._by_key = {}
            for student in self._students.values():
                self._note(self._by_key, student)
        found: dict[StudentId, StudentRecord] = {}
        for key in keys:
            for student in self._by_key.get(key, ()):
                found[student.student_id] = student
        if not self._former:
            return tuple(found.values())
        present = {student.name for known, student in found.items() if known not in self._former}
        return tuple(s for known, s in found.items() if known not in self._former or s.name not in present)

    def _present(self, found: Sequence[StudentRecord]) -> tuple[StudentRecord, ...]:
        if not self._former:
            return tuple(found)
        return tuple(each for each in found if each.student_id not in self._former) or tuple(found)

    def _note(self, table: dict[str, list[StudentRecord]], student: StudentRecord) -> None:
        for key in self._keys_of(student):
            table.setdefault(key, []).append(student)


def _forget(table: dict[str, list[StudentRecord]], key: str, student: StudentRecord) -> None:
    table[key].remove(student)
    if not table[key]:
        del table[key]


@dataclass(slots=True)
class ListIndex:
    """The live rows of the lists by number: what one row has to know of the others."""

    _names: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[EntryRecord]) -> ListIndex:
        """An index of these rows."""
        index = cls()
        for entry in entries:
            index.add(entry)
        return index

    def add(self, entry: EntryRecord) -> None:
        """Note a live row."""
        if entry.id_number and entry.name:
            self.note(entry.id_number, entry.list_name, entry.name)

    def note(self, number: str, list_name: str, name: str) -> None:
        """Note that a live row of this list gives the valid number to this comparable name."""
        self._names.setdefault(number, set()).add((list_name, name))

    def listed(self, entry: EntryRecord) -> Listed:
        """What the other rows say."""
        names = self._names.get(entry.id_number or "", ())
        if len(names) <= 1:
            return NOTHING_LISTED
        return Listed(frozenset(names) - {(entry.list_name, entry.name)})
