"""What can be replayed. The views are given to audit from outside (deploy/views.py): it imports no service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection

from shared.eventsourcing.projection import Projection

Query = Callable[[Connection, date], Sequence[BaseModel]]


@dataclass(frozen=True)
class View:
    """A projection and the view's own query over its tables, run over the whole division, true on a day.

    ``service`` owns the view: an index names an event of its log. ``about``: the rows about one student, where the view
    can be asked for them. ``inputs``: how old each input of the view was.
    """

    name: str
    service: str
    projection: Projection
    query: Query
    about: Callable[[Connection, date, UUID], Sequence[BaseModel]] | None = None
    inputs: Query | None = None


Views = Mapping[str, View]
