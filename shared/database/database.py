"""One service's database, entered by three doors: the viewer's (scoped), the worker's (all rows) and the owner's (DDL).

Every door opens a transaction; nothing reads in autocommit, because a scope lives and dies with its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, Engine, create_engine, pool

from shared.database.resting import ping_after_rest
from shared.database.roles import Login, derived_password, ensure_database, ensure_roles
from shared.database.scopes import APP_ROLE, WORKER_ROLE, Scope
from shared.database.steps import STEPS, Step, apply_steps

STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 10
# A stopped worker must not hold its rows for longer than a group session lives (design.md §3, invariant 7).
IDLE_IN_TRANSACTION_TIMEOUT_SECONDS = 15
CONNECT_TIMEOUT_SECONDS = 10
POOL_SIZE = 16  # as many as requests run at once: one that is opened for a request costs more than the request
POOL_OVERFLOW = 16
POOL_TIMEOUT_SECONDS = 10
_PREPARE_LOCK = 0x526F6C6C63616C6C  # any constant of our own

_ENTER = sqlalchemy.text("""
    SELECT set_config('transaction_read_only', 'on', true),
           set_config('rollcall.division', :division, true),
           set_config('rollcall.school', :school, true),
           set_config('rollcall.agency', :agency, true),
           set_config('rollcall.class_school', :class_school, true),
           set_config('rollcall.class_stage', :class_stage, true),
           set_config('rollcall.class_grade', :class_grade, true),
           set_config('rollcall.class_name', :class_name, true),
           set_config('search_path', quote_ident(schema) || ', public', true)
    FROM builds WHERE projection = :projection AND state = 'live'
""")


class NoLiveBuild(LookupError):
    """The projection has never been built in this database."""


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection below a SQLAlchemy one, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


class Database:
    """The database of ``service``. ``admin_url`` is the owner's libpq URL; ``name`` defaults to rollcall_<service>.

    The roles' passwords are derived from the owner's unless given. Creating the object opens no connection.
    """

    def __init__(
        self,
        service: str,
        admin_url: str,
        *,
        name: str | None = None,
        app_password: str | None = None,
        worker_password: str | None = None,
    ) -> None:
        self.service = service
        self.name = name or f"rollcall_{service}"
        self._admin_url = admin_url
        app, worker = f"rollcall_{service}_app", f"rollcall_{service}_worker"
        self._app = Login(app, app_password or derived_password(admin_url, app), APP_ROLE)
        self._worker = Login(worker, worker_password or derived_password(admin_url, worker), WORKER_ROLE)
        self._app_engine = self._engine(self.app_conninfo)
        self._reading_engine = self._app_engine.execution_options(isolation_level="REPEATABLE READ")  # the same pool
        self._worker_engine = self._engine(self.worker_conninfo)
        self._owner_engine = create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(self.owner_conninfo), poolclass=pool.NullPool
        )

    @property
    def owner_conninfo(self) -> str:
        """How the owner connects (libpq key=value text; holds a password: never log it)."""
        return make_conninfo(self._admin_url, dbname=self.name, connect_timeout=CONNECT_TIMEOUT_SECONDS)

    @property
    def app_conninfo(self) -> str:
        """How the application role connects; for listeners. Never log it."""
        return self._conninfo(self._app)

    @property
    def worker_conninfo(self) -> str:
        """How the worker role connects; for the sequencer's and the relay's own connections. Never log it."""
        return self._conninfo(self._worker)

    def prepare(self, steps: Iterable[tuple[str, str]] = ()) -> None:
        """Create what is missing: database, roles, rights, and every schema step not run yet; ``steps`` (name, SQL)
        are the service's own, after the common ones. Any number of processes may do this at once.

        Raises StepChanged.
        """
        ensure_database(self._admin_url, self.name)
        with psycopg.connect(self.owner_conninfo, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_PREPARE_LOCK,))
            ensure_roles(connection, self.name, [self._app, self._worker])
            with connection.transaction():
                apply_steps(connection, [*STEPS, *(Step(*step) for step in steps)])

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A command's transaction under the application role: commits at the end, rolls back on any exception."""
        with self._app_engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self, scope: Scope, projection: str) -> Iterator[Connection]:
        """A viewer's read-only transaction: sees the live build of ``projection``, only what ``scope`` covers, and one
        moment of both, however many statements the answer takes: else a row and its reasons could be of two moments.

        Raises NoLiveBuild.
        """
        with self._reading_engine.begin() as connection:
            entered = connection.execute(_ENTER, {**scope.settings, "projection": projection}).one_or_none()
            if entered is None:
                raise NoLiveBuild(f"projection {projection} of {self.service} has no live build")
            yield connection.execution_options(scope=scope)

    @contextmanager
    def working(self) -> Iterator[Connection]:
        """A processor's transaction under the worker role: sees every row; commits at the end."""
        with self._worker_engine.begin() as connection:
            yield connection

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        """A transaction of the owner, for DDL. Commits at the end."""
        with self._owner_engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        for engine in (self._app_engine, self._worker_engine, self._owner_engine):
            engine.dispose()

    def _conninfo(self, login: Login) -> str:
        settings = {
            "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
            "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_TIMEOUT_SECONDS}s",
            "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s" if login is self._app else "0",
            "timezone": "UTC",
            "datestyle": "ISO",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        given = conninfo_to_dict(self._admin_url).get("options")
        return make_conninfo(
            self.owner_conninfo,
            user=login.role,
            password=login.password,
            application_name=login.role,
            options=f"{given} {options}" if given else options,
        )

    def _engine(self, conninfo: str) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(conninfo),
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_TIMEOUT_SECONDS,
        )
        ping_after_rest(engine)  # the first request after the server restarted must not fail
        return engine
