"""Households on a real database in any order of arrival: the covers are those that each day tells.

The oracle knows the facts as plain data and asks each day by itself who is of one household with the head.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from shared.database.database import driver
from tests.services.installation import Installation
from tests.services.matching.test_deciding import (
    COUNTY,
    SINCE,
    Happening,
    happen,
    ids,
    matching_of,
    number,
    settle,
    shuffled,
)
from tests.services.matching.test_households import enrolled, head_row, joined, left, removed


class Village(NamedTuple):
    """Facts of two households that split, merge and lose members, and who was where, told by each day."""

    happenings: list[Happening]
    members: dict[UUID, list[tuple[str, date, date | None]]]  # household → (number, since, until)
    rows: dict[UUID, tuple[str, date, date | None]]  # entry → (head's number, since, until)
    students: dict[str, UUID]
    guardians: dict[UUID, str]

    def covered_on(self, day: date) -> set[tuple[UUID, UUID]]:
        """The oracle: (row, student) pairs covered on one day."""
        found: set[tuple[UUID, UUID]] = set()
        for entry, (head, since, until) in self.rows.items():
            if day < since or (until is not None and day >= until):
                continue
            for present in self._present(day):
                if head in present:
                    found |= {(entry, self.students[one]) for one in present if one in self.students}
            found |= {(entry, student) for student, adult in self.guardians.items() if adult == head and day >= SINCE}
        return found

    def _present(self, day: date) -> Iterable[set[str]]:
        for stays in self.members.values():
            yield {who for who, since, until in stays if since <= day and (until is None or day < until)}


def village(seed: int) -> Village:
    chance = random.Random(seed)
    heads = [number(date(1975 + n, 3, 3), 10 + n) for n in range(4)]
    children = [number(date(2012 + n, 4, 4), 20 + n) for n in range(7)]
    houses, streams, entries = ids(seed + 1, 3), ids(seed + 2, 7), ids(seed + 3, 5)
    made = Village([], {house: [] for house in houses}, {}, dict(zip(children, streams, strict=True)), {})
    names = {
        who: f"{'王陈林赵'[place % 4]}{'大二三四五六七八九十甲'[place]}" for place, who in enumerate(heads + children)
    }
    for who in heads + children:
        home: UUID | None = None
        when = SINCE + timedelta(days=chance.randrange(-3, 5))
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            if home is not None:
                made.happenings.append(left(home, who, when))
                whose, since, _ = made.members[home].pop()
                made.members[home].append((whose, since, when))
            home = chance.choice([house for house in houses if house != home])
            made.happenings.append(joined(home, names[who], who, when))
            made.members[home].append((who, when, None))
            when += timedelta(days=chance.randrange(1, 20))
    for child, stream in made.students.items():
        guardian = chance.choice([*heads, ""])
        made.happenings.append(enrolled(stream, names[child], child, guardian=(names.get(guardian, ""), guardian)))
        if guardian:
            made.guardians[stream] = guardian
    for entry in entries:
        head, on = chance.choice(heads), SINCE + timedelta(days=chance.randrange(0, 10))
        gone = on + timedelta(days=chance.randrange(5, 30)) if chance.random() < 0.4 else None
        made.rows[entry] = (head, on, gone)
        made.happenings.append(head_row(entry, names[head], head, on))
        if gone is not None:
            made.happenings.append(removed(entry, gone))
    return made


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_arrival_ends_in_the_covers_that_each_day_tells(installation: Installation, seed: int) -> None:
    print(f"seed {seed}")
    made = village(seed * 10)
    chance = random.Random(seed)
    matching = matching_of(installation)
    for each in shuffled(made.happenings, chance):
        happen(installation, [each])
        if chance.random() < 0.3:
            installation.pump(chance)
        if chance.random() < 0.2:
            matching.deciding.decide_some()
    settle(installation, matching)
    settle(installation, matching)
    with matching.service.database.reading(COUNTY, "roster") as connection:
        rows: list[tuple[UUID, UUID, date, date | None]] = (
            driver(connection)
            .execute(
                "SELECT entry_id, student_id, covered_from, nullif(covered_to, 'infinity') FROM covers WHERE stands"
            )
            .fetchall()
        )
    seen = 0
    for offset in range(-5, 75):
        day = SINCE + timedelta(days=offset)
        held = [
            (entry, student) for entry, student, since, until in rows if since <= day and (not until or day < until)
        ]
        assert len(held) == len(set(held))
        assert set(held) == made.covered_on(day), day
        seen += len(held)
    assert seen, "an oracle that expects nobody proves nothing"
