"""Configurations of the score for three public data sets: questions, block keys and what is near gold, chosen by what
the fields mean. The figures are learnt from each file without its truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from services.matching.scoring.training import Question

Row = dict[str, str]
SIMILAR = (0.92, 0.85, 0.75)
SLIP_LEVELS = ("equal", "edits_1")


@dataclass(frozen=True, slots=True)
class DataSet:
    """`keys` gives a row's block keys, `gold` says of a pair that it is nearly sure to match.

    `one_to_one`: both sides are free of duplicates, so each row has at most one partner; otherwise duplicates of
    duplicates are one person, and links are transitive.
    """

    name: str
    questions: tuple[Question, ...]
    keys: Callable[[Row], Iterator[str]]
    gold: Callable[[Row, Row], bool]
    prepare: Callable[[Row], Row]
    one_to_one: bool = False


def _name(field: str, crossed: str = "", asked_of_gold: bool = True) -> Question:
    settings: dict[str, object] = {"field": field, "similar": SIMILAR}
    if crossed:
        settings["crossed"] = crossed
    return Question(field, "text", settings, field, SLIP_LEVELS, asked_of_gold)


def _code(field: str, edits: int) -> Question:
    return Question(field, "text", {"field": field, "edits": edits}, field, ("equal",))


_FEBRL = (
    _name("given_name", crossed="surname"),
    _name("surname", crossed="given_name"),
    Question("date_of_birth", "day", {"field": "date_of_birth"}, asked_of_gold=False),
    Question("soc_sec_id", "number", {"field": "soc_sec_id"}, asked_of_gold=False),
    _code("street_number", 1),
    Question("address_1", "text", {"field": "address_1", "similar": SIMILAR, "edits": 2, "crossed": "address_2"}),
    Question("address_2", "text", {"field": "address_2", "similar": SIMILAR, "edits": 2, "crossed": "address_1"}),
    _name("suburb"),
    _code("postcode", 1),
    _code("state", 1),
)
_RL = (
    _name("first_name"),
    _name("family_name"),
    Question("second_name", "text", {"field": "second_name"}, "second_name", SLIP_LEVELS),
    Question("birth", "day", {"field": "birth"}),
)


def _febrl_keys(row: Row) -> Iterator[str]:
    """Two fields, or one that is a number of its own; names also crossed."""
    given, family, born = row["given_name"], row["surname"], row["date_of_birth"]
    yield from (f"s{row['soc_sec_id']}", f"b{born}" if born else "")
    if given and family:
        yield "n" + "|".join(sorted((given, family)))
    places = [row[field] for field in ("postcode", "suburb", "address_1", "street_number")]
    names = [*((given[:2],) if given else ()), *((family[:2],) if family else ())]
    for place, field in zip(places, "psah", strict=True):
        for part in (*names, born[:4]):
            if place and part:
                yield f"{field}{place}|{part}"
    for field, other in combinations("psa", 2):
        a, b = places["psa".index(field)], places["psa".index(other)]
        if a and b:
            yield f"{field}{other}{a}|{b}"


def _rl_keys(row: Row) -> Iterator[str]:
    """Any two of first name, family name, year, month and day that leave few rows together."""
    first, family, born = row["first_name"], row["family_name"], row["birth"]
    yield f"n{first}|{family}"
    yield f"b{born}"
    for kind, name in (("f", first), ("l", family)):
        yield from (f"{kind}ym{name}{born[:6]}", f"{kind}md{name}{born[4:]}", f"{kind}yd{name}{born[:4]}{born[6:]}")


def _same_number_and_birth(one: Row, other: Row) -> bool:
    return one["soc_sec_id"] == other["soc_sec_id"] and one["date_of_birth"] == other["date_of_birth"] != ""


def _no_gold(one: Row, other: Row) -> bool:
    """Two names and a date are no identity: nothing is sure, EM starts from what is expected of levels."""
    return False


def _as_it_is(row: Row) -> Row:
    return row


def _one_date(row: Row) -> Row:
    born = f"{row['birth_year']:0>4}{row['birth_month']:0>2}{row['birth_day']:0>2}"
    return {**row, "birth": born}


DATA_SETS: Mapping[str, DataSet] = {
    "febrl3": DataSet("febrl3", _FEBRL, _febrl_keys, _same_number_and_birth, _as_it_is),
    "febrl4": DataSet("febrl4", _FEBRL, _febrl_keys, _same_number_and_birth, _as_it_is, one_to_one=True),
    "RLdata10000": DataSet("RLdata10000", _RL, _rl_keys, _no_gold, _one_date),
}
