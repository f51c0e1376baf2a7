"""Whether a division code that somebody gives was in force on a day (GB/T 2260 by era), as far as the reference tells.

The reference may hold counties only, or the townships of one county: below a county, a code is checked where the
reference knows any code of the same parent. A reference that does not know the installation's own division, as one that
was begun with a table of changes, is none to check by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rapidfuzz.distance import OSA
from sqlalchemy import Connection, func, select

from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.reference_errors import DivisionNotInForce
from services.registry.tables import DIVISIONS
from shared.database.scopes import Scope
from shared.standards.division import LEVEL_LENGTHS, DivisionCodeError
from shared.standards.division import scope as scope_of

_D = DIVISIONS.c
_COUNTY = LEVEL_LENGTHS["county"]
_LEVELS = (_COUNTY, LEVEL_LENGTHS["township"], LEVEL_LENGTHS["village"])
NEAREST_NAMED = 3
DIVISION = r"^\d{2}(\d{2}|\d{4}|\d{7}|\d{10})?$"  # province, city, county, township or village
_COMPARED_MOST = 5_000  # codes of one level that a wrong one is compared with


def check_division(registry: Registry, scope: Scope, code: str, on: date) -> None:
    """Raises DivisionNotInForce."""
    try:
        named = scope_of(code)
    except DivisionCodeError:
        raise DivisionNotInForce(code, on, (), withdrawn=False) from None
    own = scope_of(registry.division)[:_COUNTY].ljust(_COUNTY, "0")
    with registry.database.reading(scope, REGISTER.name) as connection:
        if connection.execute(select(_D.code).where(_D.code == own).limit(1)).first() is None:
            return
        for length in _LEVELS:
            if length == _COUNTY or length <= len(named):
                _check(connection, named, length, on)


def _check(connection: Connection, code: str, length: int, on: date) -> None:
    part = code[:length].ljust(_COUNTY, "0")  # a province or a city stands among the counties
    parent = "" if length == _COUNTY else code[: _LEVELS[_LEVELS.index(length) - 1]]
    told = connection.execute(
        select(_D.name, _D.in_force, _D.successors).where(DIVISIONS.holds_on(on), _D.code == part)
    ).one_or_none()
    if told is not None and told.in_force:
        return
    if told is not None:
        names = _named(connection, told.successors or (), on)
        raise DivisionNotInForce(part, on, names, withdrawn=True)
    of_level = select(_D.code, _D.name).where(func.length(_D.code) == length, _D.code.op("^@")(parent))
    if connection.execute(of_level.limit(1)).first() is None:
        return
    known = connection.execute(
        of_level.where(DIVISIONS.holds_on(on), _D.in_force).order_by(_D.code).limit(_COMPARED_MOST)
    )
    # Nobody lives in a province or a city alone: of codes as near, those come after the counties.
    ranked = sorted(known, key=lambda row: (OSA.distance(row.code, part), row.code.endswith("00"), row.code))
    nearest = [(row.code, row.name or "") for row in ranked[:NEAREST_NAMED]]
    raise DivisionNotInForce(part, on, nearest, withdrawn=False)


def _named(connection: Connection, codes: Sequence[str], on: date) -> list[tuple[str, str]]:
    rows = connection.execute(
        select(_D.code, _D.name).where(DIVISIONS.holds_on(on), _D.in_force, _D.code.in_(codes)).order_by(_D.code)
    )
    return [(row.code, row.name or "") for row in rows]
