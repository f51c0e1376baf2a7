"""What mass changes do to schools themselves: merged into another one, or in a division of another code."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from sqlalchemy import Connection

from services.registry import standing
from services.registry.change_errors import ChangeImpossible
from services.registry.change_rules import ChangeSet, recoded
from services.registry.commands import SchoolRecord
from services.registry.events import SchoolRegistered
from services.registry.handlers import Registry
from services.registry.standing import Raw
from shared.database.database import driver
from shared.eventsourcing.store import Proposed

SCHOOLS_MAX = 500  # of one change: they are told in the approval's own command


def concerned(raw: Raw, change: ChangeSet) -> list[str]:
    """The schools that change. Raises ChangeImpossible when they are too many for one change."""
    if change.kind == "schools_merged":
        return sorted(change.sources)
    if change.kind != "division_changed" or change.former_code is None:
        return []
    codes = [code for code, at in standing.schools(raw).divisions.items() if at.startswith(change.former_code)]
    if len(codes) > SCHOOLS_MAX:
        raise ChangeImpossible("too_many_schools", str(SCHOOLS_MAX))
    return sorted(codes)


def changed(registry: Registry, connection: Connection, change: ChangeSet) -> list[Proposed]:
    """The schools as they are from the day on; also what the registry itself must know at once. From now on whoever
    names a merged school means the other one."""
    raw = driver(connection)

    def becomes(fact: SchoolRegistered) -> SchoolRegistered:
        told = replace(fact, change_id=change.change_id, undone_change_id=None)
        if change.kind == "schools_merged":
            return replace(told, merged_into=change.into)
        assert change.former_code is not None and change.code is not None, "checked when it was proposed"
        return replace(told, division_code=recoded(fact.division_code, change.former_code, change.code))

    return _told(registry, connection, change, concerned(raw, change), becomes)


def restored(registry: Registry, connection: Connection, change: ChangeSet) -> tuple[list[Proposed], list[str]]:
    """The schools as they were before, and the codes of those stated anew since, which are left alone."""
    raw = driver(connection)
    codes = concerned(raw, change) if change.kind == "schools_merged" else _recoded(raw, change)
    proposed: list[Proposed] = []
    kept = []
    for code in codes:
        stored = registry.store.load(connection, registry.keys.school(code))
        last, before = stored[-1].fact, stored[-2].fact if len(stored) > 1 else None
        if not isinstance(last, SchoolRegistered) or last.change_id != change.change_id:
            if any(isinstance(e.fact, SchoolRegistered) and e.fact.change_id == change.change_id for e in stored):
                kept.append(code)
            continue
        assert isinstance(before, SchoolRegistered), "a school was on record before it was changed"
        was = replace(before, change_id=None, undone_change_id=change.change_id)
        proposed.append(Proposed(registry.keys.school(code), len(stored), was, change.day))
        _keep(raw, was)
    return proposed, kept


def _recoded(raw: Raw, change: ChangeSet) -> list[str]:
    return sorted(code for code, at in standing.schools(raw).divisions.items() if at.startswith(change.code or "-"))


def _told(
    registry: Registry,
    connection: Connection,
    change: ChangeSet,
    codes: list[str],
    becomes: Callable[[SchoolRegistered], SchoolRegistered],
) -> list[Proposed]:
    ids = {code: registry.keys.school(code) for code in codes}
    loaded = registry.store.load_many(connection, list(ids.values()))
    proposed = []
    for school_id in ids.values():
        stored = loaded[school_id]
        last = stored[-1].fact
        assert isinstance(last, SchoolRegistered), "nothing else stands in a school's stream"
        told = becomes(last)
        proposed.append(Proposed(school_id, len(stored), told, change.day))
        _keep(driver(connection), told)
    return proposed


def _keep(raw: Raw, fact: SchoolRegistered) -> None:
    record = SchoolRecord(fact.school_code, fact.name, fact.division_code, fact.former_names, fact.stages)
    standing.keep_schools(raw, [record])
    standing.keep_merged(raw, [fact.school_code], fact.merged_into)
