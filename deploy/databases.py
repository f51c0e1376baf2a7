"""One database and one owning role per service on a server we may administer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.errors import PartFailed
from deploy.secrets import Secrets


def variable(service: str) -> str:
    """The name of the environment variable that carries a service's database URL."""
    return f"DATABASE_URL_{service.upper()}"


def outside_urls(services: Iterable[str], variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The URLs given from outside, by service; these databases exist already."""
    given = os.environ if variables is None else variables
    return {service: given[variable(service)] for service in services if given.get(variable(service))}


def ensure_databases(admin_url: str, services: Iterable[str], secrets: Secrets) -> dict[str, str]:
    """Create what is missing and return the owner's URL by service.

    The owner may create roles, since it sets up the roles that own nothing and read under row-level security.
    Raises: PartFailed when the server does not answer or refuses.
    """
    urls = {}
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
            for service in services:
                name = f"rollcall_{service}"
                password = secrets.password(f"database-{service}")
                _ensure_owner(connection, name, password)
                _ensure_database(connection, name)
                urls[service] = _with_database(admin_url, name, password)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise PartFailed(f"the databases could not be set up: {reason}; check ROLLCALL_ADMIN_DATABASE_URL") from error
    return urls


def _ensure_owner(connection: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verb = sql.SQL("ALTER" if known else "CREATE")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN CREATEROLE PASSWORD {}").format(verb, sql.Identifier(name), sql.Literal(password))
    )


def _ensure_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return
    # template0 with a fixed collation: order and comparison of text must not depend on the machine's locale.
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'").format(
            sql.Identifier(name), sql.Identifier(name)
        )
    )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _with_database(admin_url: str, name: str, password: str) -> str:
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{name}:{password}@{host}", f"/{name}", parts.query, ""))
