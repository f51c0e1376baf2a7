"""Places of school registration by code or name, and the ones a school's name speaks of. Pure.

A letter goes to a county or a city: a division in force outside ours that does not contain ours. A name is taken when
it stands in full, alone or behind its province's and its city's; where several are called so, a person says which.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from pydantic import BaseModel

from services.disbursement.letter_errors import AmbiguousPlace, NoDivisionsKnown, NoSuchPlace, PlaceWithdrawn
from shared.standards.division import DivisionCodeError, parents
from shared.standards.division import scope as shortest
from shared.standards.division_history import DivisionHistory

_CODE = 6
_PROVINCE = 2
_NOBODYS_NAME = re.compile("市辖区|县|.*直辖县级行政区划")  # GB/T 2260 fills its level of cities with these


class Division(BaseModel):
    """A place that can be meant; ``within``: the names of what it lies in, widest first, empty when nobody stated
    any."""

    code: str
    name: str
    within: str

    def __str__(self) -> str:
        return f"{self.code}({self.within}{self.name})"


class PlaceNames:
    """The places a letter can go to on a day. ``own``: the division that writes."""

    def __init__(self, history: DivisionHistory, own: str, day: date) -> None:
        self._history, self._day = history, day
        own = shortest(own)
        eras = (era for era in history.all_in_force(day) if len(era.code) <= _CODE)
        named = {shortest(era.code): era.name for era in eras if not _NOBODYS_NAME.fullmatch(era.name)}
        self._places: dict[str, Division] = {}
        self._spelt: dict[str, list[Division]] = {}
        for scope, name in named.items():
            if len(scope) > _PROVINCE and not scope.startswith(own) and not own.startswith(scope):
                above = [named[each] for each in parents(scope) if each in named]
                place = Division(code=scope.ljust(_CODE, "0"), name=name, within="".join(above))
                self._places[place.code] = place
                for spelling in {name, *("".join([*part, name]) for part in (above, above[:1], above[1:]))}:
                    self._spelt.setdefault(spelling, []).append(place)

    @property
    def known(self) -> bool:
        """Whether there is any place to name."""
        return bool(self._places)

    def told(self, typed: str) -> Division:
        """What a person means. Raises NoDivisionsKnown, AmbiguousPlace, PlaceWithdrawn, NoSuchPlace."""
        if not self.known:
            raise NoDivisionsKnown
        text = _plain(typed)
        found = self._by_code(text) if text.isdecimal() else self._spelt.get(text, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousPlace([str(each) for each in found])
        former = [text] if text.isdecimal() else list(self._history.withdrawn_as(text, self._day))
        became = {code: None for each in former for code in self._history.successors(each, self._day)}
        if now := [self._places[code] for code in became if code in self._places]:
            raise PlaceWithdrawn([str(each) for each in now])
        raise NoSuchPlace(text if text.isdecimal() else "")

    def suggested(self, school: str) -> list[Division]:
        """The places that a school's name begins with, by the longest spelling that stands there; none for most."""
        text = _plain(school)
        lengths = range(len(text) - 1, 1, -1)  # a division's name has two characters at least, and a school's more
        return next((self._spelt[text[:length]] for length in lengths if text[:length] in self._spelt), [])

    def _by_code(self, text: str) -> list[Division]:
        try:
            place = self._places.get(shortest(text).ljust(_CODE, "0"))
        except DivisionCodeError:
            return []
        return [] if place is None else [place]


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
