"""Builds: the tables of a projection, in a schema of their own, so that a new set can grow beside the live one.

``prepare`` makes the first build of each projection. A build remembers the shape it was made for: a projection whose
tables have changed since must be rebuilt (:mod:`shared.messaging.rebuild`) before it can run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import psycopg
import sqlalchemy
from psycopg import sql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.database.database import Database, driver
from shared.database.scopes import scope_policies
from shared.database.steps import Step, apply_steps
from shared.eventsourcing.projection import Projection
from shared.messaging import key_tables
from shared.messaging.tables import PROCESSOR_STEPS

_BUILDS_LOCK = 0x526F6C6C42756C64
_ROLES = "rollcall_app, rollcall_worker"


class Build(NamedTuple):
    """One set of tables. ``state`` is building, live or retired."""

    projection: str
    number: int
    schema: str
    state: str


class BuildOutdated(Exception):
    """The live build was made for other tables than the projection declares now; it has to be rebuilt."""


def schema_name(projection: str, build: int) -> str:
    """The schema that holds a build's tables."""
    return f"{projection}_b{build}"


def prepare(database: Database, projections: Iterable[Projection]) -> list[Build]:
    """Create the processor's tables and the first build of each projection; the live builds, in order.

    Safe from several processes at once. Raises BuildOutdated.
    """
    builds = []
    with database.owner() as connection:
        raw = driver(connection)
        raw.execute("SELECT pg_advisory_xact_lock(%s)", (_BUILDS_LOCK,))
        apply_steps(raw, [Step(*step) for step in PROCESSOR_STEPS])
        for projection in projections:
            build = live_build(raw, projection.name)
            if build is None:
                build = create_build(connection, projection, "live")
            elif built_shape(raw, build.schema) != shape(projection):
                raise BuildOutdated(f"projection {projection.name} has changed tables: rebuild it")
            builds.append(build)
    return builds


def create_build(connection: sqlalchemy.Connection, projection: Projection, state: str) -> Build:
    """The next build of a projection, with empty tables. ``connection`` is the owner's."""
    raw = driver(connection)
    found = raw.execute(
        "SELECT coalesce(max(build), 0) + 1 FROM builds WHERE projection = %s", (projection.name,)
    ).fetchone()
    assert found is not None
    build = Build(projection.name, found[0], schema_name(projection.name, found[0]), state)
    raw.execute(
        "INSERT INTO builds (projection, build, schema, state, switched_at)"
        " VALUES (%s, %s, %s, %s, CASE WHEN %s = 'live' THEN now() END)",
        (*build, state),
    )
    create_schema(connection, projection, build.schema)
    return build


def create_schema(connection: sqlalchemy.Connection, projection: Projection, schema: str) -> None:
    """The projection's tables, empty, in a new schema under row-level security. ``connection`` is the owner's."""
    raw, name = driver(connection), sql.Identifier(schema)
    raw.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    raw.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO " + _ROLES).format(name))
    raw.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, sql.Literal(shape(projection))))
    for table in projection.tables:
        placed = table.table.to_metadata(sqlalchemy.MetaData(), schema=schema)
        connection.execute(CreateTable(placed))
        for index in sorted(placed.indexes, key=lambda i: str(i.name)):
            connection.execute(CreateIndex(index))
    for table in projection.tables:  # a table's rules may name another one
        children = table.of_children_in(projection.tables)
        rules = scope_policies(schema, table.name, table.columns, public=table.public, of_children=children)
        for statement in rules:
            raw.execute(statement.encode())
        if table.keys is not None:
            key_tables.create(connection, table, schema)


def drop_schema(connection: sqlalchemy.Connection, schema: str) -> None:
    """Remove the tables of a build or of a scratch replay. ``connection`` is the owner's."""
    driver(connection).execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


def drop_retired(database: Database, projection: str, *, keep: int = 0) -> list[str]:
    """Drop the retired builds but the newest ``keep``, tables, checkpoints and letters; the schemas that are gone."""
    gone = []
    with database.owner() as connection:
        raw = driver(connection)
        raw.execute("SELECT pg_advisory_xact_lock(%s)", (_BUILDS_LOCK,))
        rows = raw.execute(
            "SELECT build, schema FROM builds WHERE projection = %s AND state = 'retired'"
            " ORDER BY build DESC OFFSET %s",
            (projection, keep),
        ).fetchall()
        for number, schema in rows:
            drop_schema(connection, schema)
            raw.execute("DELETE FROM builds WHERE projection = %s AND build = %s", (projection, number))
            gone.append(schema)
    return gone


def live_build(connection: psycopg.Connection[Any], projection: str) -> Build | None:
    """The build that answers queries now."""
    row = connection.execute(
        "SELECT projection, build, schema, state FROM builds WHERE projection = %s AND state = 'live'", (projection,)
    ).fetchone()
    return None if row is None else Build(*row)


def enter_live(connection: psycopg.Connection[Any], projection: str) -> bool:
    """Let the rest of the transaction find the tables of the live build by their names; False when there is none."""
    statement = (
        "SELECT set_config('search_path', quote_ident(schema) || ', public', true) FROM builds"
        " WHERE projection = %s AND state = 'live'"
    )
    return connection.execute(statement, (projection,)).fetchone() is not None


def shape(projection: Projection) -> str:
    """The projection's tables as text: what a build must have been made for. Order of tables does not matter."""
    tables = (
        f"{table.name}({table.log}{' public' if table.public else ''}): "
        + ", ".join(f"{name} {table.table.c[name].type!r}" for name in table.columns)
        + "; "
        + ", ".join(sorted(str(CreateIndex(index)).replace("\n", " ") for index in table.table.indexes))
        + (f"; keys of {table.keyed}" if table.keyed else "")
        for table in sorted(projection.tables, key=lambda table: table.name)
    )
    return "\n".join(tables)


def built_shape(connection: psycopg.Connection[Any], schema: str) -> str:
    """The shape the tables in a build's schema were made for."""
    row = connection.execute("SELECT obj_description(%s::regnamespace, 'pg_namespace')", (schema,)).fetchone()
    return row[0] or "" if row else ""
