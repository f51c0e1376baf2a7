"""The keys of a period table: what b-trees over the elements of an array would be, if PostgreSQL had them (ADR 0023).

Its own index for arrays (GIN) answers ``@>``, which is not leakproof: under row-level security a viewer's query may not
use it. So each element stands in a row of its own with the period's days and scope, under the same policies, and
comparisons of text, which are leakproof, find it by value, by beginning, and in order. Triggers keep these rows in the
statement that writes the periods; a fold knows nothing of them.
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.database.database import driver
from shared.database.scopes import OfChildren, scope_policies
from shared.eventsourcing.periods import PeriodTable

_KEEPER = """
CREATE FUNCTION {keeper}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM {keys} USING (
            SELECT DISTINCT unnest({keyed}) AS key, entity, valid_from FROM rows_before
        ) AS former
        WHERE {keys}.key = former.key AND {keys}.entity = former.entity AND {keys}.valid_from = former.valid_from;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO {keys} ({columns})
        SELECT {columns} FROM rows_after CROSS JOIN LATERAL (
            SELECT key, lag(key) OVER (ORDER BY key COLLATE "C") AS previous
            FROM (SELECT DISTINCT key FROM unnest({keyed}) AS each (key) WHERE key IS NOT NULL) AS single
        ) AS own;
    END IF;
    RETURN NULL;
END $$
"""
_SHOWN = """
CREATE VIEW {keys} AS SELECT {columns} FROM {table} CROSS JOIN LATERAL (
    SELECT key, lag(key) OVER (ORDER BY key COLLATE "C") AS previous
    FROM (SELECT DISTINCT key COLLATE "C" AS key FROM unnest({keyed}) AS each (key) WHERE key IS NOT NULL) AS single
) AS own
"""
_TRIGGERS = {
    "INSERT": "REFERENCING NEW TABLE AS rows_after",
    "UPDATE": "REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after",
    "DELETE": "REFERENCING OLD TABLE AS rows_before",
}


def create(connection: sqlalchemy.Connection, table: PeriodTable, schema: str) -> None:
    """The key table of ``table`` in ``schema`` with its triggers, under the same scopes. ``connection`` is the
    owner's."""
    assert table.keys is not None and table.keyed is not None
    raw = driver(connection)
    keys = table.keys.to_metadata(sqlalchemy.MetaData(), schema=schema)
    connection.execute(CreateTable(keys))
    for index in sorted(keys.indexes, key=lambda each: str(each.name)):
        connection.execute(CreateIndex(index))
    columns = [column.name for column in keys.columns]
    # A key is of the same entity as its row, which tells its class.
    own = OfChildren("entity", table.name) if {"stage", "grade", "class_name"} <= set(table.columns) else None
    for statement in scope_policies(schema, keys.name, columns, public=table.public, of_children=own):
        raw.execute(statement.encode())
    keeper = sql.Identifier(schema, f"keep_{keys.name}")
    raw.execute(
        sql.SQL(_KEEPER).format(
            keeper=keeper,
            keys=sql.Identifier(schema, keys.name),
            keyed=sql.Identifier(table.keyed),
            columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in keys.columns),
        )
    )
    for happening, references in _TRIGGERS.items():
        raw.execute(
            sql.SQL(
                f"CREATE TRIGGER {{}} AFTER {happening} ON {{}} {references} FOR EACH STATEMENT EXECUTE FUNCTION {{}}()"
            ).format(sql.Identifier(f"{keys.name}_{happening.lower()}"), sql.Identifier(schema, table.name), keeper)
        )


def show(raw: psycopg.Connection[Any], table: PeriodTable, schema: str) -> None:
    """The same rows as a view, for a scratch replay: written but once, seldom asked for, and of nobody else."""
    assert table.keys is not None and table.keyed is not None
    raw.execute(
        sql.SQL(_SHOWN).format(
            keys=sql.Identifier(schema, table.keys.name),
            table=sql.Identifier(schema, table.name),
            keyed=sql.Identifier(table.keyed),
            columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in table.keys.columns),
        )
    )
