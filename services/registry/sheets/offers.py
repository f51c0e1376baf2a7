"""Which schools to offer when the one that was named is not on record."""

from __future__ import annotations

from rapidfuzz import fuzz, process

from services.registry.errors import UnknownSchool
from services.registry.lists.known_schools import Schools
from services.registry.sheets.schools import NEAREST_OFFERED


def unknown_school(schools: Schools, name: str, code: str) -> UnknownSchool:
    """The refusal, with the three schools whose names (or codes, where only a code was given) are nearest."""
    found = schools.directory.find(name, code)
    if found is not None:
        keys = (schools.directory.find(near) for near in found.nearest)
        codes = [each.key for each in keys if each is not None and each.key is not None]
    else:
        near_codes = process.extract(code, list(schools.names), scorer=fuzz.ratio, limit=NEAREST_OFFERED)
        codes = [near for near, _, _ in near_codes]
    return UnknownSchool(name or code, [(each, schools.names[each]) for each in dict.fromkeys(codes)])
