"""Which students every list row may mean, found by joining tables: by number, and by block keys for those who ask.

Tables of pairs hold `place`, of a row among all list rows, and `who`, the student's row in the register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import polars
from polars import col

from cli.match_columns import RegisterColumns
from cli.match_keys import SORT_LENGTH, as_read, key_columns, readable, sort_of
from services.matching.block_keys import entry_keys, student_keys
from services.matching.records import EntryRecord

Record = TypeVar("Record")
Students = Mapping[int, Sequence[int]]  # place of a list row → the students' rows

_KEYS = {"who": polars.UInt32, "key": polars.String}


class Asking:
    """The list rows as columns; `plain` are the places of those whose keys can be made in columns."""

    def __init__(self, entries: Sequence[EntryRecord]) -> None:
        self._entries = entries
        self._people = polars.DataFrame(
            {
                "who": polars.Series(range(len(entries)), dtype=polars.UInt32),
                "number": [entry.id_number or "" for entry in entries],
                "name": [entry.name for entry in entries],
                "former_name": [entry.former_name for entry in entries],
                "adult": [entry.guardian_name for entry in entries],
                "other_adult": [entry.head_name for entry in entries],
                "guardian_id": [entry.guardian_id for entry in entries],
                "school": [entry.school_key for entry in entries],
            }
        )
        born = polars.Series([entry.birth_date for entry in entries], dtype=polars.Date).dt.strftime("%Y%m%d")
        # Nothing else is written in its place: one birth date, that of the number.
        only = polars.Series([not entry.id_text and entry.suggested_birth_date is None for entry in entries])
        of_number = self._people["number"].str.slice(6, 8) == born
        self.plain = frozenset(
            self._people["who"].filter(of_number.fill_null(value=False) & only & readable(self._people))
        )

    def by_number(self, students: RegisterColumns, field: str) -> Students:
        """The students with the row's own number as their `number` or their `guardian_id`."""
        asked = self._people.filter(col("number") != "").select("number", place=col("who"))
        return _by_place(asked.join(students.numbers(), left_on="number", right_on=field).select("place", "who"))

    def by_keys(self, students: RegisterColumns, narrow: Sequence[int], wide: Sequence[int]) -> Students:
        """The students who share a block key with the `wide` rows.

        Of the `narrow` ones, which must be plain, those at whom the ladder looks when a row is number_rungs.unmet.
        """
        people = students.plain()
        reads = readable(people)
        singly = sorted({*students.odd, *people["who"].filter(~reads)})
        people = as_read(people.filter(reads))
        theirs = _keys_singly(zip(singly, students.records(singly), strict=True), student_keys)
        few, in_columns = self._as_read(narrow), self._as_read([place for place in wide if place in self.plain])
        one_by_one = ((place, self._entries[place]) for place in wide if place not in self.plain)
        many = polars.concat([_keys_singly(one_by_one, entry_keys), *key_columns(in_columns, asking=True)])
        found = [_met(theirs, polars.concat([many, *key_columns(few, asking=True)])), *_of_one_name(people, few)]
        sorts = many.with_columns(col("key").str.head(SORT_LENGTH).alias("sort")).partition_by(
            "sort", include_key=False
        )
        by_sort = {sort_of(keys): keys for keys in sorts}
        for keys in key_columns(people, asking=False):
            asked = by_sort.get(sort_of(keys))
            if asked is not None:
                found.append(_met(keys, asked))
        return _by_place(polars.concat(found))

    def _as_read(self, places: Sequence[int]) -> polars.DataFrame:
        return as_read(self._people[places])


def _met(keys: polars.DataFrame, asked: polars.DataFrame) -> polars.DataFrame:
    return asked.join(keys, on="key", suffix="_student").select(place=col("who"), who=col("who_student"))


def _of_one_name(people: polars.DataFrame, asking: polars.DataFrame) -> Iterator[polars.DataFrame]:
    """Students of the row's name in its surroundings, as evidence.same_surroundings has them."""
    for ours, theirs in (("school", "school"), ("guardian_id",) * 2, ("adult", "adult"), ("other_adult", "adult")):
        asked = asking.filter(col(ours) != "").select("name", col(ours), place=col("who"))
        joined = asked.join(people.select("who", "name", theirs), left_on=["name", ours], right_on=["name", theirs])
        yield joined.select("place", "who")


def _keys_singly(records: Iterable[tuple[int, Record]], keys_of: Callable[[Record], Iterable[str]]) -> polars.DataFrame:
    found = [(who, key) for who, record in records for key in keys_of(record)]
    return polars.DataFrame(found, schema=_KEYS, orient="row")


def _by_place(pairs: polars.DataFrame) -> Students:
    found: dict[int, list[int]] = {}
    distinct = pairs.unique()
    for place, who in zip(distinct["place"].to_list(), distinct["who"].to_list(), strict=True):
        found.setdefault(place, []).append(who)
    return found
