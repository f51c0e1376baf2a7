"""The database and the roles of one service, made once and safely by several processes at a time.

Rights are granted to two group roles that own nothing, ``rollcall_app`` (row-level security by scope) and
``rollcall_worker`` (sees every row); each service logs in under its own members of these and may connect to its own
database only.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any, NamedTuple

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shared.database.scopes import APP_ROLE, WORKER_ROLE

MAINTENANCE_DATABASE = "postgres"
ATTEMPTS = 20  # several services start at once and all make the two group roles


class Login(NamedTuple):
    """A role that logs in, and the group whose rights it has."""

    role: str
    password: str
    group: str


def derived_password(admin_url: str, role: str) -> str:
    """A role's password, made from the owner's: every process with the owner's address knows it, nobody stores it.

    Raises ValueError when the address carries no password: then the roles' passwords must be given.
    """
    owner = conninfo_to_dict(admin_url).get("password")
    if not owner:
        raise ValueError("the owner's database address has no password; give the passwords of the service's roles")
    return hmac.new(str(owner).encode(), f"rollcall role {role}".encode(), hashlib.sha256).hexdigest()


def ensure_database(admin_url: str, name: str) -> None:
    """Create database ``name`` unless it is there; closed to everyone who is not granted entry."""
    if _connects(make_conninfo(admin_url, dbname=name)):
        return
    given = conninfo_to_dict(admin_url).get("dbname")
    outside = make_conninfo(admin_url, dbname=MAINTENANCE_DATABASE if given in (None, name) else str(given))
    with psycopg.connect(outside, autocommit=True) as connection:
        _insist(connection, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))


def ensure_roles(connection: psycopg.Connection[Any], database: str, logins: list[Login]) -> None:
    """Create the group roles and ``logins`` unless they are there, and let ``logins`` into ``database``.

    ``connection`` is the owner's, in autocommit.
    """
    for group in (APP_ROLE, WORKER_ROLE):
        _insist(connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
    for login in logins:
        if not _admitted(connection, database, login):
            _admit(connection, database, login)


def _admitted(connection: psycopg.Connection[Any], database: str, login: Login) -> bool:
    """Whether a role of a former start still fits: rights, a closed database, and a password that works."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login.role,)).fetchone()
    if known is None:
        return False
    row = connection.execute(
        "SELECT pg_has_role(%(role)s, %(group)s, 'USAGE') AND has_database_privilege(%(role)s, %(database)s, 'TEMP')"
        " AND NOT has_database_privilege('public', %(database)s, 'CONNECT')",
        {"role": login.role, "group": login.group, "database": database},
    ).fetchone()
    if row is None or not row[0]:
        return False
    return _connects(make_conninfo(connection.info.dsn, user=login.role, password=login.password, dbname=database))


def _admit(connection: psycopg.Connection[Any], database: str, login: Login) -> None:
    role, group, where = sql.Identifier(login.role), sql.Identifier(login.group), sql.Identifier(database)
    _insist(connection, sql.SQL("CREATE ROLE {} LOGIN").format(role))
    _insist(connection, sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(login.password)))
    _insist(connection, sql.SQL("GRANT {} TO {}").format(group, role))
    _insist(connection, sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(where))
    _insist(connection, sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(where, role))


def _connects(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=10).close()
    except psycopg.OperationalError as refused:
        text = str(refused)
        if "does not exist" in text or "authentication failed" in text or "permission denied" in text:
            return False
        raise
    return True


def _insist(connection: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> None:
    """Run a statement that may already have been run, or be run by another process at this very moment."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection.execute(statement)
            return
        except (errors.DuplicateObject, errors.DuplicateDatabase):
            return
        except (errors.UniqueViolation, errors.ObjectInUse, errors.InternalError_):
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.02 * attempt)  # "tuple concurrently updated": the other one is about to be done
