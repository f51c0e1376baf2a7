"""An agency's own topics: ``agency.<agency>.<list>.in`` takes a row per record, ``….rejects`` answers the bad ones."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.registry.events import ListName
from services.registry.lists.sendings import LIST_NAMES

PARTITIONS = 1  # the rows of one list keep their order
_AGENCY = re.compile(r"[a-z][a-z_]{0,63}")


class AgencyTopic(NamedTuple):
    """Whose rows of which list arrive."""

    agency: str
    list: ListName

    @property
    def inlet(self) -> str:
        return f"agency.{self.agency}.{self.list}.in"

    @property
    def rejects(self) -> str:
        return f"agency.{self.agency}.{self.list}.rejects"


def configured(text: str) -> tuple[AgencyTopic, ...]:
    """The topics in ``agency:list,…``. Raises ValueError for what names none."""
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        agency, _, named = part.partition(":")
        name = next((each for each in LIST_NAMES if each == named), None)
        if name is None or not _AGENCY.fullmatch(agency):
            raise ValueError(f"{part!r} is no agency:list; lists are {', '.join(LIST_NAMES)}")
        found.append(AgencyTopic(agency, name))
    return tuple(dict.fromkeys(found))
