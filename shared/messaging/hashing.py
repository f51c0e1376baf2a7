"""The hash of a projection: equal exactly when all its rows are equal, whatever the order they were written in."""

from __future__ import annotations

import hashlib

import sqlalchemy
from psycopg import sql

from shared.database.database import driver
from shared.eventsourcing.projection import Projection

_CANONICAL = """
SELECT set_config('datestyle', 'ISO, YMD', true), set_config('timezone', 'UTC', true),
       set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true),
       set_config('intervalstyle', 'iso_8601', true)
"""


def projection_hash(connection: sqlalchemy.Connection, projection: Projection, schema: str) -> str:
    """SHA-256, hexadecimal, over all rows of all tables: tables by name, columns as declared, rows by primary key, in
    PostgreSQL's text form of COPY. ``connection`` must see every row (the worker's or the owner's)."""
    raw = driver(connection)
    raw.execute(_CANONICAL)
    digest = hashlib.sha256()
    for table in sorted(projection.tables, key=lambda table: table.name):
        digest.update(f"{table.name}\n".encode())
        columns = ["entity", "valid_from", "valid_to", *table.columns, "marks", "log_index", "set_by"]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY entity, valid_from) TO STDOUT").format(
            names, sql.Identifier(schema, table.name)
        )
        with raw.cursor().copy(query) as copy:
            for chunk in copy:
                digest.update(chunk)
    return digest.hexdigest()
