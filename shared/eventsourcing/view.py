"""Views: what can be asked of a projection, today and as it was known at any moment (invariant 9).

A service declares its views in ``services/<x>/views.py``, and says there of each projection without one why nobody asks
for it; whoever composes the installation collects them (deploy/views.py)::

    VIEWS = (View("payments", "disbursement", PAYMENTS_VIEW, every_payment, ("entitlement_id",), "student_id"),)
    NOT_REPLAYED = {"composing": "a policy's memory; what it decided is in the messages' own events"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy
from pydantic import BaseModel, create_model
from sqlalchemy import Connection

from shared.eventsourcing.open_dates import FOREVER
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Projection

Query = Callable[[Connection, date], Sequence[BaseModel]]
About = Callable[[Connection, date, UUID], Sequence[BaseModel]]


@dataclass(frozen=True)
class View:
    """A projection and the view's own query over its tables, run over the whole division, true on a day.

    ``service`` owns the view: an index names an event of its log. ``key``: the fields of a row that name it, one row
    each. ``person``: the field that names the student a row is about; or ``about``, the rows about one student, where
    they are found in another way. ``inputs``: how old each input of the view was.
    """

    name: str
    service: str
    projection: Projection
    query: Query
    key: tuple[str, ...]
    person: str | None = None
    about: About | None = None
    inputs: Query | None = None

    @property
    def by_person(self) -> About | None:
        """How the view is asked about one student; None where it cannot be."""
        person = self.person
        if self.about is not None or person is None:
            return self.about
        return lambda connection, true_on, student_id: [
            row for row in self.query(connection, true_on) if getattr(row, person) == student_id
        ]


Views = Mapping[str, View]


def period_rows(
    table: PeriodTable,
    entity: str,
    columns: Sequence[str],
    *,
    masked: Mapping[str, Callable[[str | None], str]] | None = None,
) -> Query:
    """A query for the rows of one table that hold on the day, by entity: ``entity`` names the column of their ids,
    ``masked`` says how a personal column is shown; ``valid_to`` is None while a period is open."""
    masks = masked or {}
    fields: dict[str, Any] = dict.fromkeys((entity, *columns, "valid_from", "valid_to"), (Any, ...))
    row_class: type[BaseModel] = create_model(f"{table.name}_row", **fields)
    chosen = [table.c[name] for name in ("entity", *columns, "valid_from", "valid_to")]

    def rows(connection: Connection, true_on: date) -> list[BaseModel]:
        found = connection.execute(
            sqlalchemy.select(*chosen).where(table.holds_on(true_on)).order_by(table.c.entity)
        ).mappings()
        return [row_class(**_shown(row)) for row in found]

    def _shown(row: Mapping[Any, Any]) -> dict[str, Any]:
        values = {name: masks[name](row[name]) if name in masks else row[name] for name in columns}
        until = None if row["valid_to"] == FOREVER else row["valid_to"]
        return {entity: row["entity"], **values, "valid_from": row["valid_from"], "valid_to": until}

    return rows
