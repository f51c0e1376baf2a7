"""Single events of the registry as a working day brings them, each with what has to become of its list row.

The facts are made by the registry's own intake. Who is meant is known from how the change was made, never asked of the
engine, so that the outcome can judge it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace

from bench.matching_register import County, Enrolled, OnList
from services.matching.names import comparable
from services.registry.events import ListEntryCorrected, StudentDetailsCorrected
from services.registry.keys import entry_record_key
from services.registry.lists.parts import row_part
from services.registry.lists.submissions import AGENCIES
from services.registry.sheets.intake import enrolment, listing
from services.registry.sheets.lists import ListRow, list_row
from shared.database.arrays import TextArray
from shared.kernel.facts import Fact
from shared.standards.identity_number import check_digit
from simulation.confusions import DIGIT_NEIGHBOURS
from simulation.names import given_name, surname
from simulation.schools import DIVISION

EXACT, SLIP, NUMBERLESS = "row added, exact number", "row added, one slip in the number", "row added, no number"
ADULT, CORRECTED = "row added, adult not in the register", "row corrected"
ENROLLED, DETAILS = "student enrolled who is on a list", "student's details corrected"
SHARES_PERCENT = {EXACT: 50, SLIP: 10, NUMBERLESS: 10, ADULT: 10, CORRECTED: 10, ENROLLED: 5, DETAILS: 5}
SEED = 77
# Without the number a careful engine may ask a person; it may never choose another student.
MAY_BE_REVIEWED = frozenset((SLIP, NUMBERLESS))
SEXES_ZH = {"male": "男", "female": "女"}


class Change(NamedTuple):
    """An event to come: its stream, its fact, the list row it must settle and the student this row is about; None for
    an adult, who must come out of age."""

    kind: str
    stream_id: UUID
    fact: Fact
    entry_id: UUID
    student_id: UUID | None


class Judged(NamedTuple):
    """What stands about a row in the roster."""

    state: str | None
    student_id: UUID | None
    candidates: Sequence[UUID]


class NotEnough(Exception):
    """The county has too few people of a kind for so many events."""


@dataclass(frozen=True)
class Known:
    """What the roster's tables hold of some identity numbers: (student, comparable name) and (row, comparable name)."""

    students: Mapping[str, list[tuple[UUID, str]]]
    rows: Mapping[str, list[tuple[UUID, str]]]
    guardians: frozenset[str]

    @classmethod
    def of(cls, raw: psycopg.Connection[Any], numbers: Iterable[str]) -> Known:
        """Looked up through the connection's search path."""
        sought = TextArray(sorted(set(numbers)))
        people: dict[str, dict[str, list[tuple[UUID, str]]]] = {}
        for table in ("students", "entries"):
            found = people[table] = defaultdict(list)
            for number, entity, name in raw.execute(
                f"SELECT id_number, entity, match_name FROM {table} WHERE id_number = ANY(%s)", (sought,)
            ):
                found[number].append((entity, name))
        adults = raw.execute("SELECT guardian_number FROM students WHERE guardian_number = ANY(%s)", (sought,))
        return cls(people["students"], people["entries"], frozenset(row[0] for row in adults))

    def knows(self, number: str) -> bool:
        """Whether anybody at all has the number."""
        return bool(self.students.get(number) or self.rows.get(number) or number in self.guardians)

    def about_one(self, number: str | None) -> tuple[UUID, UUID] | None:
        """(student, row) when exactly one of each has the number and their names agree."""
        students, rows = self.students.get(number or "", ()), self.rows.get(number or "", ())
        if len(students) != 1 or len(rows) != 1 or students[0][1] != rows[0][1]:
            return None
        return students[0][0], rows[0][0]


@dataclass(frozen=True)
class People:
    """Who the changes may be about: students of the register, others kept out of it, rows of the lists, and ``adults``
    as rows by canonical field."""

    students: Sequence[Enrolled]
    withheld: Sequence[Enrolled]
    rows: Sequence[OnList]
    adults: Sequence[dict[str, str]]

    @property
    def numbers(self) -> set[str]:
        """Every identity number of theirs."""
        enrolled = {each.record.id_number for each in (*self.students, *self.withheld)}
        listed = {each.row.id_number for each in self.rows}
        return {number for number in enrolled | listed if number} | {each["id_number"] for each in self.adults}


class Changes:
    """Makes changes of each kind about people whom no other change concerns."""

    def __init__(self, county: County, known: Known, people: People) -> None:
        self._county, self._known, self._random = county, known, Random(SEED)
        students, rows = people.students, people.rows
        unlisted = iter([each for each in students if self._unlisted(each)])
        listed = [each for each in students if self._known.about_one(each.record.id_number)]
        about = {found[0] for each in rows if (found := self._known.about_one(each.row.id_number))}
        self._sources: dict[str, Iterator[Change]] = {
            **{kind: self._added(kind, unlisted) for kind in (EXACT, SLIP, NUMBERLESS)},
            ADULT: (self._listed(ADULT, each, None) for each in people.adults if not known.knows(each["id_number"])),
            CORRECTED: self._corrected(rows),
            ENROLLED: self._enrolled(people.withheld),
            DETAILS: (self._details(each) for each in listed if each.student_id not in about),
        }

    def mixed(self, count: int) -> list[Change]:
        """``count`` changes in their shares, shuffled. Raises NotEnough."""
        kinds = [kind for kind, share in SHARES_PERCENT.items() for _ in range(max(1, count * share // 100))]
        self._random.shuffle(kinds)
        return [self._next(kind) for kind in kinds]

    def _next(self, kind: str) -> Change:
        change = next(self._sources[kind], None)
        if change is None:
            raise NotEnough(kind)
        return change

    def _unlisted(self, each: Enrolled) -> bool:
        number, known = each.record.id_number or "", self._known
        return len(known.students.get(number, ())) == 1 and number not in known.rows and number not in known.guardians

    def _added(self, kind: str, unlisted: Iterator[Enrolled]) -> Iterator[Change]:
        for each in unlisted:
            number = each.record.id_number or ""
            written = {EXACT: number, SLIP: self._slipped(number), NUMBERLESS: ""}[kind]
            yield self._listed(kind, _cells(each, written), each.student_id)

    def _slipped(self, number: str) -> str:
        """A neighbouring key for one of the first seventeen digits: the check digit then never fits."""
        at = self._random.randrange(17)
        return number[:at] + self._random.choice(DIGIT_NEIGHBOURS[number[at]]) + number[at + 1 :]

    def _listed(self, kind: str, cells: Mapping[str, str], student_id: UUID | None) -> Change:
        keys, agency = self._county.keys, AGENCIES["poverty"]
        row = list_row("poverty", 1, cells, None, self._county.schools.directory)
        entry_id = keys.entry(agency, row.list, row_part(row, ""), entry_record_key(row), 1)
        fact = listing(row, entry_id, agency, None, keys, self._county.registry.division)
        return Change(kind, entry_id, fact, entry_id, student_id)

    def _corrected(self, rows: Sequence[OnList]) -> Iterator[Change]:
        """The agency now states another first day of validity."""
        county = self._county
        for entry_id, row, agency in rows:
            about = self._known.about_one(row.id_number)
            if about is None or about[1] != entry_id or row.number_contradicted:
                continue
            stated: ListRow = msgspec.structs.replace(row, valid_from=date(2026, 9, 1), valid_to=None)
            added = listing(stated, entry_id, agency, None, county.keys, county.registry.division)
            fact = ListEntryCorrected(**msgspec.structs.asdict(added))
            yield Change(CORRECTED, entry_id, fact, entry_id, about[0])

    def _enrolled(self, withheld: Sequence[Enrolled]) -> Iterator[Change]:
        for student_id, record in withheld:
            rows = self._known.rows.get(record.id_number or "", ())
            if (
                len(rows) == 1
                and rows[0][1] == comparable(record.name)
                and not self._known.students.get(record.id_number or "")
            ):
                fact = enrolment(record, student_id, self._county.keys)
                yield Change(ENROLLED, student_id, fact, rows[0][0], student_id)

    def _details(self, each: Enrolled) -> Change:
        """Another guardian."""
        guardian = surname(self._random) + given_name(self._random, "female")
        record = replace(each.record, guardian_name=guardian, guardian_id=None)
        stated = enrolment(record, each.student_id, self._county.keys)
        about = self._known.about_one(record.id_number)
        assert about is not None, "only students with one row are chosen"
        fact = StudentDetailsCorrected(
            student_number_kind=stated.student_number_kind, fingerprint=stated.fingerprint, personal=stated.personal
        )
        return Change(DETAILS, each.student_id, fact, about[1], each.student_id)


def adults(count: int) -> list[dict[str, str]]:
    """Heads of households born from 1950 to 1982, each a list row by canonical field."""
    random, found = Random(SEED), []
    for _ in range(count):
        born = date.fromordinal(date(1950, 1, 1).toordinal() + random.randrange(12_000))
        digits = f"{DIVISION}{born:%Y%m%d}{random.randrange(1_000):03d}"
        sex = "male" if int(digits[-1]) % 2 else "female"
        name = surname(random) + given_name(random, sex)
        cells = {"name": name, "id_number": digits + check_digit(digits), "sex": SEXES_ZH[sex], "head_name": name}
        found.append(cells | {"relation": "户主", "household_type": "脱贫户"})
    return found


def judge(changes: Sequence[Change], found: Mapping[UUID, Judged]) -> Counter[str]:
    """How many ended in each state. Raises RuntimeError for a row that did not end as it must."""
    states: Counter[str] = Counter()
    for change in changes:
        judged = found.get(change.entry_id, Judged(None, None, ()))
        linked = judged.state == "linked" and judged.student_id == change.student_id
        asked = change.kind in MAY_BE_REVIEWED and judged.state == "review" and change.student_id in judged.candidates
        right = judged.state == "out_of_age" if change.student_id is None else linked or asked
        if not right:
            raise RuntimeError(f"{change.kind}: the row of student {change.student_id} ended as {judged}")
        states[str(judged.state)] += 1
    return states


def _cells(each: Enrolled, number: str) -> dict[str, str]:
    """What an office that has the child before it writes, by canonical field."""
    record = each.record
    return {
        "name": record.name,
        "id_number": number,
        "sex": SEXES_ZH.get(record.sex or "", ""),
        "birth_date": record.birth_date.isoformat() if record.birth_date else "",
        "school_code": record.school_code,
        "grade": record.grade or "",
        "guardian_name": record.guardian_name or "",
        "household_number": f"bench-{each.student_id.hex}",
        "household_type": "脱贫户",
    }
