"""How common a value is: agreeing on a rare name says more than agreeing on a common one.

Two kinds of table. `values`: shares of whole values, one floor for all others. `chinese_names`: shares of the names
that are more common than their characters tell, and for every other full name the surname's share times those of
the given name's characters, so that a name never seen has a frequency too, and no model carries a roster of people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

COMPOUND_SURNAMES = frozenset(
    (
        *("欧阳", "上官", "司徒", "诸葛", "司马", "夏侯", "东方", "皇甫", "尉迟", "公孙"),
        *("慕容", "令狐", "宇文", "长孙", "闻人", "钟离", "轩辕", "端木", "独孤", "南宫"),
    )
)
WHOLE_NAME_COUNT_LEAST = 5  # a name borne by fewer people is told by its characters, and names nobody
MIDDLE_DOT = "·"
SHARE_LEAST = 1e-15  # a rarer thing is never counted, and the weights of smaller figures may not be finite


class FrequenciesRefused(ValueError):
    """A table that is none: shares below SHARE_LEAST or above 1, or a kind that is not known."""


class FrequencyTable(Protocol):
    """Shares of values among the people of a register."""

    def share(self, value: str) -> float:
        """In (0, 1]."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values with the table's `kind`."""
        ...


@dataclass(frozen=True, slots=True)
class ValueShares:
    """Shares of whole values; any other value has the share `floor`."""

    shares: Mapping[str, float]
    floor: float

    @classmethod
    def of(cls, values: Iterable[str]) -> ValueShares:
        """Counted from values as they occur; empty ones are left out. Raises FrequenciesRefused without any."""
        counts = Counter(value for value in values if value)
        total = counts.total()
        if not total:
            raise FrequenciesRefused("no values to count")
        return cls({value: count / total for value, count in sorted(counts.items())}, 1.0 / (total + 1))

    def share(self, value: str) -> float:
        return self.shares.get(value, self.floor)

    def as_json(self) -> dict[str, Any]:
        return {"kind": "values", "floor": self.floor, "shares": dict(self.shares)}


@dataclass(frozen=True, slots=True)
class ChineseNames:
    """Shares of full names. `floor`: the least share a name is given; `unseen`: that of a character never counted."""

    whole: Mapping[str, float]
    surnames: Mapping[str, float]
    characters: Mapping[str, float]
    single_given: float
    unseen: float
    floor: float

    @classmethod
    def of(cls, names: Iterable[str]) -> ChineseNames:
        """Counted from comparable full names. Raises FrequenciesRefused without any."""
        whole = Counter(name for name in names if name)
        total = whole.total()
        if not total:
            raise FrequenciesRefused("no names to count")
        surnames: Counter[str] = Counter()
        characters: Counter[str] = Counter()
        single = 0
        for name, count in whole.items():
            surname, given = split_name(name)
            surnames[surname] += count
            single += count if len(given) == 1 else 0
            for part in given:
                characters[part] += count
        written = characters.total() + 1
        table = cls(
            {},
            {surname: count / total for surname, count in sorted(surnames.items())},
            {part: count / written for part, count in sorted(characters.items())},
            (single + 1) / (total + 2),
            1.0 / written,
            1.0 / (total + 1),
        )
        common = {
            name: count / total
            for name, count in sorted(whole.items())
            if count >= WHOLE_NAME_COUNT_LEAST and count / total > table.share(name)
        }
        return cls(common, table.surnames, table.characters, table.single_given, table.unseen, table.floor)

    def share(self, value: str) -> float:
        known = self.whole.get(value)
        if known is not None:
            return known
        surname, given = split_name(value)
        product = self.surnames.get(surname, self.unseen)
        product *= self.single_given if len(given) == 1 else 1.0 - self.single_given
        for part in given:
            product *= self.characters.get(part, self.unseen)
        return max(product, self.floor)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": "chinese_names",
            "whole": dict(self.whole),
            "surnames": dict(self.surnames),
            "characters": dict(self.characters),
            "single_given": self.single_given,
            "unseen": self.unseen,
            "floor": self.floor,
        }


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Surname and the characters of the given name; of a name with middle dots, the last part and the parts before."""
    if MIDDLE_DOT in name:
        *given, family = name.split(MIDDLE_DOT)
        return family, tuple(given)
    length = 2 if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else 1
    return name[:length], tuple(name[length:])


def frequency_table(raw: Mapping[str, Any]) -> FrequencyTable:
    """The table in plain JSON values. Raises FrequenciesRefused, KeyError, TypeError or ValueError."""
    if raw["kind"] == "values":
        return ValueShares(_shares(raw["shares"]), _share(raw["floor"]))
    if raw["kind"] == "chinese_names":
        return ChineseNames(
            _shares(raw["whole"]),
            _shares(raw["surnames"]),
            _shares(raw["characters"]),
            _share(raw["single_given"]),
            _share(raw["unseen"]),
            _share(raw["floor"]),
        )
    raise FrequenciesRefused(f"there is no kind of frequency table {raw['kind']}")


def _shares(raw: Mapping[str, Any]) -> dict[str, float]:
    return {str(value): _share(share) for value, share in raw.items()}


def _share(raw: Any) -> float:
    share = float(raw)
    if not SHARE_LEAST <= share <= 1.0:
        raise FrequenciesRefused(f"a share of {share} is not from {SHARE_LEAST} to 1")
    return share
