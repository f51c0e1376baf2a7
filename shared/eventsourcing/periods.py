"""Tables of periods: what was true of an entity, from which day to which (design.md §3, invariants 2 and 8).

A row holds for the half-open days [valid_from, valid_to) in Asia/Shanghai. A fold never writes rows: it asserts values
from a day on, and :mod:`shared.eventsourcing.timeline` splits and carries. Declared in ``services/<x>/tables.py``::

    ENROLMENTS = PeriodTable(
        "enrolments", "registry",
        [Column("school_code", Text), Column("division_code", Text), Column("grade", SmallInteger)],
        indexes=[Index("enrolments_by_school", "school_code", "valid_from")],
    )
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy.dialects.postgresql import ARRAY

from shared.database.scopes import OfChildren
from shared.eventsourcing.open_dates import FOREVER

__all__ = ["FOREVER", "Assertion", "PeriodTable", "personal"]

_GENERATED = ("entity", "valid_from", "valid_to", "marks", "log_index", "set_by")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
SCOPE_COLUMNS = ("division_code", "school_code", "agency")
_COLUMNS_MAX = 63  # one bit each in a signed bigint


def personal(erased: Any = None) -> dict[str, Any]:
    """The ``info`` of a column that a fold fills from personal blocks. ``erased``: what the fold asserts when the block
    is gone, the tombstone."""
    return {"erased": erased}


class PeriodTable:
    """A table of periods, written from one service's log only.

    ``columns`` are the declared ones (nullable: a column is NULL until something sets it); a table with a column
    ``division_code``, ``school_code`` or ``agency`` is visible to that scope, any other one only to the worker unless
    ``public``. Generated besides: ``entity`` uuid, ``valid_from`` and ``valid_to`` date (``infinity``, read as
    :data:`FOREVER`, while open), ``marks`` (bit i: column i was set from this very day on), ``log_index`` (the last
    event that set something from this day on) and ``set_by`` (the log index per column where they differ). Primary key
    (entity, valid_from). ``table`` carries no schema: the search path picks the build.

    ``erased``: the position of each column declared :func:`personal` → its tombstone.

    ``keyed`` names a column of the type ARRAY(Text) whose elements are to be found by value or beginning under
    row-level security: the database keeps them, as it keeps an index, in ``keys`` (ADR 0023).

    ``of_children`` says how rows without a class of their own belong to children of one, so that who sees one class
    sees these rows; it holds in projections that have the children's table, in others the table shows them nothing.

    Raises ValueError when a name or column cannot be used.
    """

    def __init__(
        self,
        name: str,
        log: str,
        columns: Sequence[sqlalchemy.Column[Any]],
        *,
        indexes: Sequence[sqlalchemy.Index] = (),
        public: bool = False,
        keyed: str | None = None,
        of_children: OfChildren | None = None,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"table name {name!r} is not a short lower-case name")
        if not 1 <= len(columns) <= _COLUMNS_MAX:
            raise ValueError(f"table {name} declares {len(columns)} columns; 1 to {_COLUMNS_MAX} fit")
        for column in columns:
            if column.name in _GENERATED:
                raise ValueError(f"table {name}: column {column.name} is generated")
            if not column.nullable or column.primary_key or column.server_default is not None:
                raise ValueError(f"table {name}: column {column.name} must be nullable, without key or default")
        if keyed is not None and keyed not in {column.name for column in columns}:
            raise ValueError(f"table {name}: there is no column {keyed} to take keys from")
        if of_children is not None and of_children.column not in {column.name for column in columns}:
            raise ValueError(f"table {name}: there is no column {of_children.column} to tell whose a row is")
        self.name, self.log, self.public, self.keyed = name, log, public, keyed
        self.of_children = of_children
        self.columns: tuple[str, ...] = tuple(column.name for column in columns)
        self.positions: dict[str, int] = {column: position for position, column in enumerate(self.columns)}
        self.erased: dict[int, Any] = {
            position: column.info["erased"] for position, column in enumerate(columns) if "erased" in column.info
        }
        self.table = sqlalchemy.Table(
            name,
            sqlalchemy.MetaData(),
            sqlalchemy.Column("entity", sqlalchemy.Uuid, primary_key=True),
            sqlalchemy.Column("valid_from", sqlalchemy.Date, primary_key=True),
            sqlalchemy.Column("valid_to", sqlalchemy.Date, nullable=False),
            *columns,
            sqlalchemy.Column("marks", sqlalchemy.BigInteger, nullable=False),
            sqlalchemy.Column("log_index", sqlalchemy.BigInteger, nullable=False),
            sqlalchemy.Column("set_by", ARRAY(sqlalchemy.BigInteger)),
            *indexes,
        )
        self.keys: sqlalchemy.Table | None = None if keyed is None else self._keys(keyed)

    def of_children_in(self, tables: Iterable[PeriodTable]) -> OfChildren | None:
        """How rows belong to children whose classes one of ``tables`` tells."""
        named = self.of_children
        return named if named is not None and any(table.name == named.table for table in tables) else None

    def _keys(self, keyed: str) -> sqlalchemy.Table:
        """One row per key of each period. Keys are compared byte by byte, whatever the collation of the database: a
        beginning is then one range of the index. ``previous`` is the period's next lower key, NULL at its lowest: the
        first row of a period within a range is the one whose previous key lies before the range."""
        scopes = [column for column in self.columns if column in SCOPE_COLUMNS]
        name = f"{self.name}_keys"
        return sqlalchemy.Table(
            name,
            sqlalchemy.MetaData(),
            sqlalchemy.Column("key", sqlalchemy.Text(collation="C"), nullable=False),
            sqlalchemy.Column("previous", sqlalchemy.Text(collation="C")),
            sqlalchemy.Column("entity", sqlalchemy.Uuid, nullable=False),
            sqlalchemy.Column("valid_from", sqlalchemy.Date, nullable=False),
            sqlalchemy.Column("valid_to", sqlalchemy.Date, nullable=False),
            *(sqlalchemy.Column(scope, self.table.c[scope].type) for scope in scopes),
            sqlalchemy.Index(f"{name}_by_key", "key", "entity"),
            *(
                sqlalchemy.Index(f"{name}_by_school", scope, "key", "entity")
                for scope in scopes
                if scope == "school_code"
            ),
        )

    @property
    def c(self) -> sqlalchemy.sql.base.ReadOnlyColumnCollection[str, sqlalchemy.Column[Any]]:
        """The columns, for queries."""
        return self.table.c

    def holds_on(self, day: date | sqlalchemy.ColumnElement[date]) -> sqlalchemy.ColumnElement[bool]:
        """The condition "this row was true on that day"."""
        return sqlalchemy.and_(self.table.c.valid_from <= day, self.table.c.valid_to > day)

    def __repr__(self) -> str:
        return f"PeriodTable({self.name!r}, log={self.log!r})"


class Assertion(NamedTuple):
    """From ``effective_on`` on, these columns of the entity have these values, each until a period that set the same
    column itself. ``None`` is a value. Of two assertions for one day and column the later in the log wins."""

    table: PeriodTable
    entity: UUID
    effective_on: date
    values: dict[str, Any]
