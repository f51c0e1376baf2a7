"""The schools on record as rows of one day mean them: by code, name or former name, and through mergers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from services.registry.errors import SchoolHasClosed
from services.registry.sheets.schools import SchoolDirectory


class ClosedSchool(NamedTuple):
    """Closed from ``on`` on; ``merged_into``: the code of the school that took it over."""

    on: date
    merged_into: str | None


class Schools(NamedTuple):
    """The schools on record, as rows of one day mean them: the directory that finds them, the division of each, and
    which of them close when. ``merged``: school → the one that took it over by that day, which whoever names it
    means."""

    directory: SchoolDirectory
    divisions: dict[str, str]
    names: dict[str, str]
    closed: Mapping[str, ClosedSchool] = MappingProxyType({})
    merged: Mapping[str, str] = MappingProxyType({})

    def check_open(self, school_code: str, on: date) -> None:
        """Raises SchoolHasClosed when the school is no more on that day."""
        closed = self.closed.get(school_code)
        if closed is not None and on >= closed.on:
            into = closed.merged_into
            named = None if into is None else (into, self.names.get(into, into))
            raise SchoolHasClosed(self.names[school_code], closed.on, named)

    def now(self, school_code: str) -> str:
        """The school that a code means now, mergers followed (they lead in no circle)."""
        while (into := self.merged.get(school_code)) is not None:
            school_code = into
        return school_code


class KnownSchool(NamedTuple):
    """A school as it is on record; ``closed_on``: the first day it is no more."""

    school_code: str
    name: str
    division_code: str
    former_names: Sequence[str] = ()
    closed_on: date | None = None
    merged_into: str | None = None


def schools_of(rows: Sequence[KnownSchool], on: date) -> Schools:
    """The schools in these rows, which come by their codes; one is also found by a former name that no school bears
    now, and by the name or code of a school that was merged into it by then."""
    closed = {row[0]: ClosedSchool(row[4], row[5]) for row in rows if row[4] is not None}
    merged = {code: each.merged_into for code, each in closed.items() if each.merged_into is not None and each.on <= on}
    divisions, names = {row[0]: row[2] for row in rows}, {row[0]: row[1] for row in rows}
    found = Schools(SchoolDirectory(), divisions, names, closed, merged)
    directory = found.directory
    for code, name, *_ in sorted(rows, key=lambda row: row[0] in merged):  # a living school's name comes first
        directory.add(code, name, found.now(code))
    for code, _, _, former_names, *_ in rows:
        for former in former_names:
            directory.add(code, former, found.now(code))
    return found
