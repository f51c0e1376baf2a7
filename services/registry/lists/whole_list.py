"""What only the whole list shows: a person listed twice, a person in two households, a household that names no head.

Hints for the sender, no reasons to refuse a row: each row stays on record as it was stated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from services.registry.keys import household_number_of
from services.registry.lists.parts import row_part
from services.registry.sheets.lists import ListRow, RowProblem

_HEAD = ("户主", "本人", "本人或户主")
_ROWS_NAMED = 5


def whole_list_problems(rows: Iterable[ListRow], of_file: str, as_of: date) -> dict[int, list[RowProblem]]:
    """Problems by row number. ``of_file`` is the part of rows that do not name theirs."""
    found: dict[int, list[RowProblem]] = defaultdict(list)
    people: dict[tuple[str, str], list[ListRow]] = defaultdict(list)
    households: dict[str, list[ListRow]] = defaultdict(list)
    for row in rows:
        if row.id_number is not None:
            people[row_part(row, of_file), row.id_number].append(row)
        if number := household_number_of(row):
            households[number].append(row)
        _note_future(row, as_of, found)
    for same in people.values():
        if len(same) > 1:
            _note_repeated(same, found)
    for members in households.values():
        if _names_no_head(members):
            zh = "本户各行都没有写明谁是户主"
            problem = RowProblem("household_number", "no_head", zh, "No row of the household says who heads it.")
            found[members[0].row].append(problem)
    return found


def with_whole_list(row: ListRow, found: Mapping[int, list[RowProblem]]) -> tuple[RowProblem, ...]:
    """A row's own problems and those the whole list shows."""
    return (*row.problems, *found.get(row.row, ()))


def _note_future(row: ListRow, as_of: date, found: dict[int, list[RowProblem]]) -> None:
    if row.birth_date is not None and row.birth_date > as_of and row.id_number is None:
        zh, en = "出生日期晚于名单日期", "The birth date lies after the date of the list."
        found[row.row].append(RowProblem("birth_date", "in_future", zh, en))
    if row.valid_from is not None and row.valid_from.year > as_of.year + 1:
        zh, en = "起始日期在名单日期一年以后", "The validity begins more than a year after the date of the list."
        found[row.row].append(RowProblem("valid_from", "in_future", zh, en))


def _note_repeated(same: list[ListRow], found: dict[int, list[RowProblem]]) -> None:
    by_household: dict[str, list[ListRow]] = defaultdict(list)
    for row in same:
        by_household[household_number_of(row)].append(row)
    apart = len([number for number in by_household if number]) > 1
    for row in same:
        others = [each.row for each in same if each is not row][:_ROWS_NAMED]
        where = "、".join(f"第{number}行" for number in others)
        rows = ", ".join(map(str, others))
        if apart:
            zh, en = f"与{where}是同一人,但户编号不同", f"The same person as in row {rows}, in another household."
            found[row.row].append(RowProblem("household_number", "two_households", zh, en))
        else:
            zh, en = f"与{where}是同一人", f"The same person as in row {rows}."
            found[row.row].append(RowProblem("id_number", "listed_twice", zh, en))


def _names_no_head(members: list[ListRow]) -> bool:
    """Only lists that tell relations or heads at all are asked: a bare 户编号 says nothing of a head."""
    told = any(row.relation or row.head_name or row.head_id for row in members)
    named = any(row.relation in _HEAD or row.head_name or row.head_id for row in members)
    return told and not named
