"""Folding several projections up to one moment into scratch schemas that only their own transaction ever sees.

Each projection has its own tables, and names of tables repeat between them; so each is folded into a schema of its own,
and one schema over them all names every table ``<projection>_<table>``, for questions across views.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from services.audit.snapshots.beginning import Beginning, begun
from services.audit.snapshots.shelf import Shelf
from shared.database.database import driver
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.view import Query
from shared.keys.keyring import KeyRing

_NAME_BYTES = 63  # PostgreSQL's own limit


@dataclass(frozen=True)
class Folded:
    """Projections as they were at a moment. ``schema`` shows all their tables, as ``<projection>_<table>``;
    ``upto``: service → last event that counts; ``left_out``: events a live projection would hold as dead letters;
    ``began``: where the fold of each projection began."""

    connection: Connection
    schema: str
    projections: Mapping[str, Projection]
    upto: Mapping[str, int]
    left_out: tuple[tuple[str, int], ...]
    began: Mapping[str, Beginning]

    def enter(self, projection: str) -> Connection:
        """The connection, which from now on finds the tables of this projection by their names."""
        return self._entered(schema_of(self.schema, projection))

    def enter_all(self) -> Connection:
        """The connection, which from now on finds every table as ``<projection>_<table>``."""
        return self._entered(self.schema)

    @staticmethod
    def shown_as(projection: str, table: PeriodTable) -> str:
        """What a table is called in ``schema``."""
        return f"{projection}_{table.name}"[:_NAME_BYTES]

    def asked(self, projection: str, query: Query, true_on: date) -> list[dict[str, Any]]:
        """The rows of a view's query as plain JSON values."""
        return [row.model_dump(mode="json") for row in query(self.enter(projection), true_on)]

    def _entered(self, schema: str) -> Connection:
        driver(self.connection).execute(
            "SELECT set_config('search_path', quote_ident(%s) || ', public', true)", (schema,)
        )
        return self.connection


def schema_of(schema: str, projection: str) -> str:
    """Where the tables of one projection stand."""
    return f"{schema}_{projection}"


def folded(
    connection: Connection,
    projections: Iterable[Projection],
    upto: Mapping[str, int],
    keyring: KeyRing,
    schema: str | None = None,
    shelf: Shelf | None = None,
) -> Folded:
    """Fold the archive's events, each log up to its index in ``upto``, into scratch schemas named after ``schema``;
    with a ``shelf``, each projection from its newest snapshot that shows nothing later.

    ``connection`` is the owner's; its caller rolls the transaction back. A log missing in ``upto`` counts as empty.
    Raises ArchiveDoubtful.
    """
    raw = driver(connection)
    schema = schema or f"replay_{uuid.uuid4().hex[:12]}"
    by_name = {projection.name: projection for projection in projections}
    left_out: set[tuple[str, int]] = set()
    began: dict[str, Beginning] = {}
    for name, projection in by_name.items():
        place = schema_of(schema, name)
        assert len(place.encode()) <= _NAME_BYTES
        known = {service: upto.get(service, 0) for service in projection.logs}
        began[name], replayed, _ = begun(projection, connection, place, known, keyring, shelf)
        left_out.update(replayed.left_out)
    together = Folded(connection, schema, by_name, dict(upto), tuple(sorted(left_out)), began)
    _show(raw, together)
    return together


def _show(raw: psycopg.Connection[Any], scratch: Folded) -> None:
    schema = scratch.schema
    raw.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for name, projection in scratch.projections.items():
        for table in projection.tables:
            shown = sql.Identifier(schema, Folded.shown_as(name, table))
            place = sql.Identifier(schema_of(schema, name), table.name)
            # As the reader, not as the owner: the rows a narrower scope hides stay hidden here, too.
            raw.execute(
                sql.SQL("CREATE VIEW {} WITH (security_invoker = true) AS SELECT * FROM {}").format(shown, place)
            )
