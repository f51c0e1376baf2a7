"""What a table page is made of, and the columns and filters that several have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.portal.tables.columns import Column
from shared.standards.rights import Right

FilterKind = Literal["school", "code", "date", "moment", "term", "text"]


@dataclass(frozen=True)
class Filter:
    """A condition in the address. ``vocabulary`` gives a code's choices; ``tabs`` shows them as tabs; ``every`` names
    the codes asked for by the tab "all" where the service would otherwise leave some out; ``one``: there is no such
    tab, because the table is of one code or another."""

    name: str
    kind: FilterKind
    vocabulary: str = ""
    tabs: bool = False
    default: str = ""
    every: tuple[str, ...] = ()
    one: bool = False


@dataclass(frozen=True)
class TablePage:
    """One table. ``live``: path of its stream at the same service; ``row_id``: the field that names a row there;
    ``inputs``: path that tells how old the lists are on which the table rests; ``decided_on``: its rows are decisions,
    shown with what they rest on."""

    name: str
    address: str
    service: str
    source: str
    columns: tuple[Column, ...]
    rights: tuple[Right, ...]
    row_id: str
    filters: tuple[Filter, ...] = ()
    live: str | None = None
    actions: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict)
    inputs: str | None = None
    decided_on: bool = False


NAME = Column("name", ("name",), "student")
SCHOOL_COLUMN = Column("school", ("school_name", "school_code", "school"), "school")
GRADE = Column("grade", ("grade",))
CLASS = Column("class_name", ("class_name",))
LIST = Column("list", ("list",), "code", "list")
AGENCY_COLUMN = Column("agency", ("agency",), "code", "agency")
BY_SCHOOL = Filter("school", "school")
TRUE_ON = Filter("true_on", "date")
