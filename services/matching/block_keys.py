"""Block keys: texts that a list row and a student share when they may be one person.

A pair is a candidate exactly when it shares a key; the same functions feed the index in memory and the stored keys of
the live service. Each key is specific by itself (a handful of students among a million, the full name of a common one a
few hundred), so nothing has to be cut off by counting: what is a candidate never depends on who else is registered.
What one clerk spoils leaves another key whole: the number as what it may have been before a slip and in two overlapping
parts, the name by its characters and by its sound, the birth date beside half of the name, the guardian, the school.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from services.matching.characters import reading_list
from services.matching.name_relation import WILDCARD, read
from services.matching.near_numbers import near_numbers
from services.matching.records import EntryRecord, StudentRecord
from shared.standards.cell_text import number_text

NAMES_KEPT = 131_072
NUMBER, GUARDIAN_NUMBER, FAMILY = "n", "g", "c"
_NUMBER_LENGTH = 18
_YEAR = slice(6, 10)


def student_keys(student: StudentRecord) -> frozenset[str]:
    """Keys under which list rows may find the student."""
    return person_keys(student) | school_keys(student.school_key, name_sound(student.name))


def person_keys(student: StudentRecord) -> frozenset[str]:
    """Those of the keys that do not depend on the school, which changes without the person."""
    keys = set(_number_parts(student.id_number or student.id_text))
    if student.id_number:
        keys.add(number_key(student.id_number))
    if (other := student.other_number) is not None:
        keys.add(number_key(other))
    if student.guardian_id:
        keys.add(guardian_key(student.guardian_id))
    for name in (student.name, student.former_name) if student.former_name else (student.name,):
        keys.update(_name_keys(name, student.birth_date, (student.guardian_name,)))
    return frozenset(keys)


def school_keys(school: str, sound: str) -> frozenset[str]:
    """A student's keys of a school and a name as it sounds, whole and by the family name; none where either is
    missing."""
    if not school or not sound:
        return frozenset()
    return frozenset((_sound_key(school, sound), _family_key(school, sound.partition("-")[0])))


def family_sound(entry: EntryRecord) -> str:
    """The usual sound of the family name at which the row looks in its school: of a row without a number and a birth
    date, whose name one wrong character would leave without a key. Empty for every other row."""
    if entry.id_number or entry.birth_date or entry.suggested_birth_date or not entry.school_key:
        return ""
    first = _name_parts(entry.name)[0]
    return _sound(first) if first else ""


def _sound_key(school: str, sound: str) -> str:
    return f"s:{school}|{sound}"


def _family_key(school: str, family: str) -> str:
    return f"{FAMILY}:{school}|{family}"


def name_sound(name: str) -> str:
    """A comparable name by its usual sound, empty where a wildcard stands."""
    return _name_parts(name)[3]


def entry_keys(entry: EntryRecord) -> frozenset[str]:
    """Keys under which the row looks for students."""
    keys = set(_number_parts(entry.id_number or entry.id_text))
    if entry.id_number:
        # The number may be the guardian's: written in the child's row, or of a head who stands for a household.
        keys.update((number_key(entry.id_number), guardian_key(entry.id_number)))
    elif entry.id_text:
        keys.update(map(number_key, near_numbers(number_text(entry.id_text))))
    if entry.guardian_id:
        keys.add(guardian_key(entry.guardian_id))
    adults = (entry.guardian_name, entry.head_name)
    if family := family_sound(entry):
        keys.add(_family_key(entry.school_key, family))
    born = {entry.birth_date, entry.suggested_birth_date} - {None} or {None}
    years = {entry.id_text[_YEAR]} if entry.id_text[_YEAR].isdigit() else set()
    for name in (entry.name, entry.former_name) if entry.former_name else (entry.name,):
        for birth_date in born:
            keys.update(_name_keys(name, birth_date, adults))
        if entry.school_key and (sound := name_sound(name)):
            keys.add(_sound_key(entry.school_key, sound))
        # A masked number often leaves the year to be read.
        keys.update(f"y:{year}{sound}" for year in years if (sound := name_sound(name)))
    return frozenset(keys)


def number_key(number: str) -> str:
    """Students with this identity number, in their student number too, and rows that write it or nearly."""
    return f"{NUMBER}:{number}"


def guardian_key(number: str) -> str:
    """Students whose guardian has this identity number."""
    return f"{GUARDIAN_NUMBER}:{number}"


def _number_parts(text: str) -> Iterator[str]:
    """One edit before the sequence leaves one of these whole: the last eight; division, year, sequence and check digit.
    A mask does too, where it hides the birth date or the division."""
    if len(text) < _NUMBER_LENGTH - 1:
        return
    if text[-8:-1].isdigit():
        yield f"t:{text[-8:]}"
    framed = text[:10] + text[14:]
    if len(text) == _NUMBER_LENGTH and framed[:-1].isdigit():
        yield f"f:{framed}"


def _name_keys(name: str, born: date | None, adults: Iterable[str]) -> Iterator[str]:
    first, rest, whole, sound = _name_parts(name)
    if whole:
        yield f"m:{whole}"
    if born is not None:
        day = f"{born:%Y%m%d}"
        if first:
            yield f"b:{day}{first}"
        if rest:
            yield f"d:{day}{rest}"
        if sound:
            yield f"y:{born.year}{sound}"
    for adult in adults:
        plain = "".join(read(adult))
        if plain and first:
            yield f"w:{plain}|{first}"
        if plain and rest:
            yield f"r:{plain}|{rest}"


@lru_cache(maxsize=NAMES_KEPT)
def _name_parts(name: str) -> tuple[str, str, str, str]:
    """First character, the rest, the whole, and its usual sound; empty where a wildcard stands."""
    positions = read(name)
    first = positions[0] if positions and positions[0] != WILDCARD else ""
    rest = "" if WILDCARD in positions[1:] else "".join(positions[1:])
    whole = first + rest if first and (rest or len(positions) == 1) else ""
    return first, rest, whole, "-".join(map(_sound, positions)) if whole else ""


def _sound(position: str) -> str:
    known = reading_list(position) if len(position) == 1 else (position.lower(),)
    return known[0] if known else position
