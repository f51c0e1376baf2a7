"""Single rows that come at the same moment: what they change is found out with a few statements for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import RecordListEntries
from services.registry.events import ListName
from services.registry.handlers import Registry, entries, entries_named, stated
from services.registry.lists.statements import SaidRow, keep_said
from shared.database.database import driver
from shared.eventsourcing.store import NotTogether, Proposed
from shared.eventsourcing.together import Together


class RowWork(NamedTuple):
    """A row to be recorded on a part of its list."""

    intent: RecordListEntries
    part: str


def together(registry: Registry) -> Together[RowWork]:
    """Records single rows, those of one moment in one transaction."""
    return Together(registry.store, registry.database, partial(rows_recorded, registry))


def rows_recorded(registry: Registry, connection: Connection, works: Sequence[RowWork]) -> list[list[Proposed]]:
    """What each row changes; notes what they say in the same transaction. Raises NotTogether when two of them are about
    one entry: the second has to know what the first has changed."""
    ids = [entries_named(registry.keys, each.intent, each.part) for each in works]
    every = [entry_id for each in ids for entry_id in each]
    if len(set(every)) != len(every):
        raise NotTogether
    states = entries(registry, connection, every)
    proposed: list[list[Proposed]] = []
    said: dict[tuple[str, ListName, UUID | None, date], list[SaidRow]] = defaultdict(list)
    for (intent, part), entry in zip(works, ids, strict=True):
        changes, told = stated(registry, intent, part, entry, states)
        proposed.append(changes)
        said[intent.agency, intent.list, intent.submission_id, intent.as_of] += told
    intents = {(each.agency, each.list, each.submission_id, each.as_of): each for each, _ in works}
    raw = driver(connection)
    with raw.pipeline():
        for key, told in said.items():
            keep_said(raw, intents[key], told)
    return proposed
