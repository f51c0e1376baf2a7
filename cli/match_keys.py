"""Block keys in columns: what services.matching.block_keys gives, for a million people at once.

Only for people who are plain: a valid number, names of Chinese characters that are no wildcards. Their keys are slices
of number and name, so they are the same texts; everybody else's are made one by one, by block_keys itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars
from polars import col, concat_str, lit

from services.matching.block_keys import FAMILY, GUARDIAN_NUMBER, NUMBER, name_sound
from services.matching.name_relation import WILDCARD, read

SORT_LENGTH = 2  # of a key: a letter and a colon before what it is made of
_HAN = range(0x4E00, 0xA000)
_NAMES = ("name", "former_name", "adult", "other_adult")
_ADULTS = ("adult", "other_adult")


def readable(people: polars.DataFrame) -> polars.Series:
    """True for those whose names `as_read` can read; whether the number is valid, the caller knows."""
    shaped = (col(name).str.contains(_plain_name()) for name in _NAMES if name in people.columns)
    return people.select(polars.all_horizontal(col("name") != "", *shaped).alias("readable"))["readable"]


def as_read(people: polars.DataFrame) -> polars.DataFrame:
    """The same people, their names as name_relation.plain gives them."""
    names = [name for name in _NAMES if name in people.columns]
    return people.with_columns(col(names).str.replace_many(_simplified()))


def sort_of(keys: polars.DataFrame) -> str:
    """The sort of the keys of a table that holds one: a letter and a colon before what they are made of."""
    return "" if keys.is_empty() else str(keys["key"][0])[:SORT_LENGTH]


def key_columns(people: polars.DataFrame, *, asking: bool) -> Iterator[polars.DataFrame]:
    """(who, key) of plain people `as_read`, a table for each sort of key.

    `people`: who, number, name, former_name, adult, guardian_id, school, and other_adult of rows that name two adults.
    `asking`: the keys of rows, which also ask for students whose guardian has the row's number.
    """
    number = col("number")
    yield _keys(people, "t:", number.str.slice(10))
    yield _keys(people, "f:", number.str.slice(0, 10), number.str.slice(14))
    yield _keys(people, f"{NUMBER}:", number)
    if asking:
        yield _keys(people, f"{GUARDIAN_NUMBER}:", number)
    yield _keys(people.filter(col("guardian_id") != ""), f"{GUARDIAN_NUMBER}:", col("guardian_id"))
    for field in ("name", "former_name"):
        named = _with_name_parts(people.filter(col(field) != ""), field)
        yield from _name_keys(named)
        if asking or field == "name":
            at_school = named.filter((col("school") != "") & (col("sound") != ""))
            yield _keys(at_school, "s:", col("school"), lit("|"), col("sound"))
            if not asking:  # a plain row has a number, and does not ask for everyone of its family name
                family = col("sound").str.extract(r"^([^-]*)")
                yield _keys(at_school, f"{FAMILY}:", col("school"), lit("|"), family)


def _with_name_parts(people: polars.DataFrame, field: str) -> polars.DataFrame:
    whole = col(field)
    sound = whole.str.replace_many(_sounds()).str.strip_prefix("-")
    parts = {"whole": whole, "first": whole.str.slice(0, 1), "rest": whole.str.slice(1), "sound": sound}
    return people.with_columns(**parts)


def _name_keys(named: polars.DataFrame) -> Iterator[polars.DataFrame]:
    day, year = col("number").str.slice(6, 8), col("number").str.slice(6, 4)
    with_rest = named.filter(col("rest") != "")
    yield _keys(named, "m:", col("whole"))
    yield _keys(named, "b:", day, col("first"))
    yield _keys(with_rest, "d:", day, col("rest"))
    yield _keys(named, "y:", year, col("sound"))
    for adult in (adult for adult in _ADULTS if adult in named.columns):
        yield _keys(named.filter(col(adult) != ""), "w:", col(adult), lit("|"), col("first"))
        yield _keys(with_rest.filter(col(adult) != ""), "r:", col(adult), lit("|"), col("rest"))


def _keys(people: polars.DataFrame, sort: str, *parts: polars.Expr) -> polars.DataFrame:
    return people.select("who", concat_str(lit(sort), *parts).alias("key"))


@cache
def _readings() -> dict[str, str]:
    """What each character that stands for itself or another one is read as."""
    found = {chr(code): read(chr(code)) for code in _HAN}
    return {
        known: positions[0] for known, positions in found.items() if len(positions) == 1 and WILDCARD not in positions
    }


@cache
def _simplified() -> dict[str, str]:
    return {character: read_as for character, read_as in _readings().items() if character != read_as}


@cache
def _sounds() -> dict[str, str]:
    """The usual sound of every character that a name as read is made of, after a hyphen."""
    return {character: "-" + name_sound(character) for character in sorted(set(_readings().values()))}


@cache
def _plain_name() -> str:
    """A pattern of names whose characters all have a reading."""
    others = "".join(chr(code) for code in _HAN if chr(code) not in _readings())
    return rf"^[\u{{{_HAN.start:x}}}-\u{{{_HAN.stop - 1:x}}}--[{others}]]*$"
