"""What mass changes do to schools themselves: closed because another one took them over, or in a division of another
code."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import Connection

from services.registry.change_errors import ChangeImpossible
from services.registry.changes.change_rules import ChangeSet, recoded
from services.registry.commands import SchoolRecord
from services.registry.events import SchoolClosed, SchoolRegistered
from services.registry.handlers import Registry
from services.registry.lists import standing
from services.registry.lists.known_schools import ClosedSchool
from services.registry.lists.standing import Raw
from services.registry.reference.reference import closing, registered
from shared.database.database import driver
from shared.eventsourcing.store import Proposed, Stored

SCHOOLS_MAX = 500  # of one change: they are told in the approval's own command


def concerned(raw: Raw, change: ChangeSet) -> list[str]:
    """The schools that change. Raises ChangeImpossible when they are too many for one change."""
    if change.kind == "schools_merged":
        return sorted(change.sources)
    if change.kind != "division_changed" or change.former_code is None:
        return []
    codes = _in(raw, change.former_code)
    if len(codes) > SCHOOLS_MAX:
        raise ChangeImpossible("too_many_schools", str(SCHOOLS_MAX))
    return codes


def changed(registry: Registry, connection: Connection, change: ChangeSet) -> list[Proposed]:
    """The schools as they are from the day on; one that is closed already is left alone. From now on whoever names a
    merged school means the other one."""
    raw = driver(connection)
    proposed = []
    for code in concerned(raw, change):
        school_id = registry.keys.school(code)
        stored = registry.store.load(connection, school_id)
        told = registered(stored)
        assert told is not None, "a school that is not on record was refused"
        before = closing(stored)
        if change.kind == "schools_merged":
            # Who had closed without a successor has one from its own day on.
            on = change.day if before is None else before.on
            standing.keep_closed(raw, code, ClosedSchool(on, change.into))
        if before is not None:
            continue
        proposed.append(Proposed(school_id, len(stored), _becomes(raw, change, told), change.day))
    return proposed


def _becomes(raw: Raw, change: ChangeSet, told: SchoolRegistered) -> SchoolClosed | SchoolRegistered:
    if change.kind == "schools_merged":
        return SchoolClosed(
            school_code=told.school_code,
            division_code=told.division_code,
            merged_into=change.into,
            change_id=change.change_id,
        )
    assert change.former_code is not None and change.code is not None, "checked when it was proposed"
    division = recoded(told.division_code, change.former_code, change.code)
    fact = replace(told, division_code=division, change_id=change.change_id, undone_change_id=None)
    _keep(raw, fact)
    return fact


def restored(registry: Registry, connection: Connection, change: ChangeSet) -> tuple[list[Proposed], list[str]]:
    """The schools as they were before, and the codes of those stated anew since, which are left alone."""
    raw = driver(connection)
    codes = concerned(raw, change) if change.kind == "schools_merged" else _in(raw, change.code)
    proposed, kept = [], []
    for code in codes:
        school_id = registry.keys.school(code)
        stored = registry.store.load(connection, school_id)
        ours = [number for number, each in enumerate(stored) if _made_by(change, each)]
        if change.kind == "schools_merged":
            before = [each for number, each in enumerate(stored) if number not in ours]
            standing.keep_closed(raw, code, closing(before))
        if not ours:
            continue  # it was closed, or bore that code, before
        if ours[-1] != len(stored) - 1:
            kept.append(code)
            continue
        was = registered(stored[: ours[-1]])
        assert was is not None, "a school was on record before it was changed"
        fact = replace(was, change_id=None, undone_change_id=change.change_id)
        proposed.append(Proposed(school_id, len(stored), fact, change.day))
        _keep(raw, fact)
    return proposed, kept


def _made_by(change: ChangeSet, stored: Stored) -> bool:
    return isinstance(stored.fact, SchoolRegistered | SchoolClosed) and stored.fact.change_id == change.change_id


def _in(raw: Raw, division: str | None) -> list[str]:
    """The schools of a division, or of a part of it."""
    divisions = standing.divisions(raw)
    return sorted(code for code, at in divisions.items() if division and at.startswith(division))


def _keep(raw: Raw, fact: SchoolRegistered) -> None:
    record = SchoolRecord(fact.school_code, fact.name, fact.division_code, fact.former_names, fact.stages)
    standing.keep_schools(raw, [record])
