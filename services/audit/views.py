"""What can be replayed. The views are given to audit from outside (deploy/views.py): it imports no service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel
from sqlalchemy import Connection

from shared.eventsourcing.projection import Projection


@dataclass(frozen=True)
class View:
    """A projection and the view's own query over its tables, run over the whole division, true on a day.

    ``service`` owns the view: an index names an event of its log.
    """

    name: str
    service: str
    projection: Projection
    query: Callable[[Connection, date], Sequence[BaseModel]]


Views = Mapping[str, View]
