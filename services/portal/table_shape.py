"""What a table of the page is made of: its source, its columns, its filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.portal.columns import Column

FilterKind = Literal["school", "code", "date", "moment", "term", "text"]


@dataclass(frozen=True)
class Filter:
    """A condition in the address. ``vocabulary`` gives a code's choices; ``tabs`` shows them as tabs; ``every`` names
    the codes asked for by the tab "all" where the service would otherwise leave some out."""

    name: str
    kind: FilterKind
    vocabulary: str = ""
    tabs: bool = False
    default: str = ""
    every: tuple[str, ...] = ()


@dataclass(frozen=True)
class TablePage:
    """One table. ``live``: path of its stream at the same service; ``row_id``: the field that names a row there;
    ``inputs``: path that tells how old the lists are on which the table rests."""

    name: str
    address: str
    service: str
    source: str
    columns: tuple[Column, ...]
    roles: tuple[str, ...]
    row_id: str
    filters: tuple[Filter, ...] = ()
    live: str | None = None
    actions: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict)
    inputs: str | None = None
