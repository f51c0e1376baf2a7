"""What a student is found by: one text per way to ask, its first letter saying which way.

``n`` name and former name · ``p`` whole pinyin · ``i`` initials of the pinyin, every reading · ``d`` identity number ·
``e`` the ends of the identity number, the last four before the first four, as a masked number shows them · ``s`` and
``f`` the same for a student number that does not just repeat the identity number.
"""

from __future__ import annotations

from typing import Literal

from services.registry.events import StudentPersonal
from shared.standards.person_name import MIDDLE_DOT, comparable
from shared.standards.pinyin import spellings

Way = Literal["n", "p", "i", "d", "e", "s", "f"]
NAME, PINYIN, INITIALS, NUMBER, NUMBER_ENDS, STUDENT_NUMBER, STUDENT_NUMBER_ENDS = "n", "p", "i", "d", "e", "s", "f"
ENDS = 4  # as many characters at each end as a masked number shows
_SHORTEST_WITH_ENDS = 2 * ENDS + 1


def search_keys(personal: StudentPersonal | None) -> list[str]:
    """Every key of a student, sorted; none after an erasure."""
    if personal is None:
        return []
    keys: set[str] = set()
    for name in filter(None, (personal.name, personal.former_name)):
        plain = plain_name(name)
        keys.add(NAME + plain)
        for whole, initials in spellings(plain):
            keys.update((PINYIN + whole, INITIALS + initials))
    own = personal.id_number or ""
    keys |= _number_keys(own, NUMBER, NUMBER_ENDS)
    other = personal.student_number or ""
    if other[1:] != own:
        keys |= _number_keys(other, STUDENT_NUMBER, STUDENT_NUMBER_ENDS)
    return sorted(keys)


def plain_name(name: str) -> str:
    """A name as it is compared: blanks, dots and letter forms do not count."""
    return comparable(name).replace(MIDDLE_DOT, "")


def ends_of(first: str, last: str) -> str:
    """The ends of a number in the order they are kept: people know the last four by heart."""
    return last + first


def _number_keys(number: str, way: str, ends: str) -> set[str]:
    keys = {way + number} if number else set()
    if len(number) >= _SHORTEST_WITH_ENDS:
        keys.add(ends + ends_of(number[:ENDS], number[-ENDS:]))
    return keys
