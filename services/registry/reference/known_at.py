"""Reference data as they were known at a moment: the same folds over the events recorded by then.

For tables without anything personal and of modest size; what is personal is replayed by audit.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from services.registry.projections import REGISTER
from shared.database.database import driver
from shared.eventsourcing import log
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Recorded
from shared.eventsourcing.sealing import unseal
from shared.eventsourcing.timeline import Timeline


def periods(connection: Connection, table: PeriodTable, known_at: datetime | None) -> list[dict[str, Any]]:
    """Every period of the table, with ``entity``, ``valid_from`` and ``valid_to``, as known at a moment (UTC) or now.
    ``connection`` reads the register."""
    rows = [dict(row) for row in connection.execute(select(*table.c)).mappings()]
    if known_at is None:
        return rows
    timelines: dict[UUID, Timeline] = {}
    for entry in log.of_streams(driver(connection), {row["entity"] for row in rows}, known_at):
        recorded = Recorded(entry.logged, unseal(entry.logged.event, {}), entry.traceparent)
        for assertion in REGISTER.fold(recorded):
            if assertion.table is table:
                timeline = timelines.setdefault(assertion.entity, Timeline(len(table.columns)))
                values = [(table.positions[name], value) for name, value in assertion.values.items()]
                timeline.assert_from(assertion.effective_on, entry.logged.log_index, values)
    return [
        {**dict(zip(table.columns, period.values, strict=True)), "entity": entity}
        | {"valid_from": period.valid_from, "valid_to": period.valid_to}
        for entity, timeline in sorted(timelines.items())
        for period in timeline.periods
    ]


def rows_on(connection: Connection, table: PeriodTable, day: date, known_at: datetime | None) -> list[dict[str, Any]]:
    """The rows that are true on a day, as known at a moment or now."""
    return [row for row in periods(connection, table, known_at) if row["valid_from"] <= day < row["valid_to"]]
