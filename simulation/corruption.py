"""What goes wrong between an office and its list: a small, known share of rows, each recorded in the truth.

Harmless kinds (blanks, full-width digits, dots) must still link. Harmful kinds must never link to somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from simulation import names
from simulation.households import Person
from simulation.lists import ListRow, with_corruption

LINKED = ("linked",)
# A program may link what only one student fits; the kinds are harmful because it may also be wrong.
SLIPPED = ("linked", "review", "rejected")
# Shares of the rows about students; together about six in a hundred, half of them harmless.
SHARES = {
    "typing_slip": 0.006,
    "numeric_cell": 0.005,
    "homophone": 0.006,
    "guardian_number": 0.004,
    "sibling_number": 0.004,
    "missing_number": 0.002,
    "swapped_digits": 0.002,
    "blank_in_name": 0.006,
    "fullwidth_digits": 0.005,
    "apostrophe": 0.005,
    "lower_case_x": 0.01,
    "repeated_row": 0.003,
}
# Kinds that need a certain sort of person; the share is of the rows about such persons.
CERTIFICATE_IN_ID_COLUMN_SHARE = 0.3
OTHER_DOT_SHARE = 0.6
OTHER_SPELLING_SHARE = 0.15


def corrupt(rng: Random, rows: Iterator[ListRow]) -> Iterator[ListRow]:
    """The rows as they arrive in the list; a repeated row is written twice."""
    for row in rows:
        if row.standing != "student":
            yield _minority_name(rng, row)
            continue
        dirty = _by_person(rng, row) or _by_chance(rng, row)
        if dirty is None:
            yield row
            continue
        if dirty.corruption == "repeated_row":
            yield row
        yield dirty


def _minority_name(rng: Random, row: ListRow) -> ListRow:
    if names.MIDDLE_DOT in row.name and rng.random() < OTHER_DOT_SHARE:
        dotted = row.name.replace(names.MIDDLE_DOT, rng.choice(names.DOT_VARIANTS))
        return with_corruption(row, "middle_dot", row.states, name=dotted)
    return row


def _by_person(rng: Random, row: ListRow) -> ListRow | None:
    mark = row.person.disability
    if mark is not None and row.list_name != "disability" and rng.random() < CERTIFICATE_IN_ID_COLUMN_SHARE:
        certificate = f"{row.person.number}{mark.kind}{mark.grade}{mark.suffix}"
        return with_corruption(row, "certificate_in_id_column", LINKED, id_cell=certificate)
    if names.MIDDLE_DOT not in row.name:
        return None
    if rng.random() < OTHER_SPELLING_SHARE:
        parts = [names.TRANSLITERATIONS.get(part, part) for part in row.name.split(names.MIDDLE_DOT)]
        spelled = names.MIDDLE_DOT.join(parts)
        if spelled != row.name:
            return with_corruption(row, "transliteration", ("linked", "review"), name=spelled)
    dotted = _minority_name(rng, row)
    return dotted if dotted is not row else None


def _by_chance(rng: Random, row: ListRow) -> ListRow | None:
    draw = rng.random()
    for kind, share in SHARES.items():
        if draw < share:
            return _MAKERS[kind](rng, row)
        draw -= share
    return None


def _typing_slip(rng: Random, row: ListRow) -> ListRow | None:
    text = str(row.id_cell)
    at = rng.randrange(17)
    digit = str((int(text[at]) + rng.randint(1, 9)) % 10)
    return with_corruption(row, "typing_slip", SLIPPED, id_cell=text[:at] + digit + text[at + 1 :])


def _swapped_digits(rng: Random, row: ListRow) -> ListRow | None:
    text = str(row.id_cell)
    places = [i for i in range(6, 16) if text[i] != text[i + 1]]
    if not places:
        return None
    at = rng.choice(places)
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return with_corruption(row, "swapped_digits", SLIPPED, id_cell=swapped)


def _numeric_cell(_: Random, row: ListRow) -> ListRow | None:
    text = str(row.id_cell)
    if not text.isdigit():
        return None  # a spreadsheet keeps a number with X as text
    # Fifteen digits are all a spreadsheet keeps; the rest becomes zeros.
    return with_corruption(row, "numeric_cell", ("rejected",), id_cell=float(text[:15] + "0" * (len(text) - 15)))


def _guardian_number(_: Random, row: ListRow) -> ListRow | None:
    guardian = row.household.guardian
    return _other_number(row, "guardian_number", guardian, ("review", "not_in_register", "out_of_age"))


def _sibling_number(_: Random, row: ListRow) -> ListRow | None:
    siblings = (p for p in row.household.members if p is not row.person and p.student and p.student.id_kept)
    sibling = next(siblings, None)
    return _other_number(row, "sibling_number", sibling, ("review",)) if sibling else None


def _other_number(row: ListRow, kind: str, other: Person, states: tuple[str, ...]) -> ListRow | None:
    if len(other.number) != 18 or other.name == row.name:
        return None
    return with_corruption(row, kind, states, id_cell=other.number + str(row.id_cell)[18:])


def _homophone(rng: Random, row: ListRow) -> ListRow | None:
    places = [i for i in range(1, len(row.name)) if row.name[i] in names.HOMOPHONES]
    if not places:
        return None
    at = rng.choice(places)
    name = row.name[:at] + names.HOMOPHONES[row.name[at]] + row.name[at + 1 :]
    return with_corruption(row, "homophone", ("linked", "review"), name=name)


def _blank_in_name(rng: Random, row: ListRow) -> ListRow | None:
    blank = rng.choice((" ", "  ", "\u3000"))
    return with_corruption(row, "blank_in_name", LINKED, name=row.name[0] + blank + row.name[1:])


def _fullwidth_digits(_: Random, row: ListRow) -> ListRow | None:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in str(row.id_cell))
    return with_corruption(row, "fullwidth_digits", LINKED, id_cell=wide)


def _apostrophe(_: Random, row: ListRow) -> ListRow | None:
    return with_corruption(row, "apostrophe", LINKED, id_cell="'" + str(row.id_cell))


def _lower_case_x(_: Random, row: ListRow) -> ListRow | None:
    text = str(row.id_cell)
    return with_corruption(row, "lower_case_x", LINKED, id_cell=text.lower()) if "X" in text[:18] else None


def _missing_number(_: Random, row: ListRow) -> ListRow | None:
    return with_corruption(row, "missing_number", SLIPPED, id_cell="")


def _repeated_row(_: Random, row: ListRow) -> ListRow | None:
    return with_corruption(row, "repeated_row", LINKED)


_MAKERS: dict[str, Callable[[Random, ListRow], ListRow | None]] = {
    "typing_slip": _typing_slip,
    "swapped_digits": _swapped_digits,
    "numeric_cell": _numeric_cell,
    "homophone": _homophone,
    "guardian_number": _guardian_number,
    "sibling_number": _sibling_number,
    "missing_number": _missing_number,
    "blank_in_name": _blank_in_name,
    "fullwidth_digits": _fullwidth_digits,
    "apostrophe": _apostrophe,
    "lower_case_x": _lower_case_x,
    "repeated_row": _repeated_row,
}
