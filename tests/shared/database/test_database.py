from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from shared.database import (
    NO_SCOPE,
    WORKER_ROLE,
    Database,
    NoLiveBuild,
    Scope,
    Step,
    StepChanged,
    driver,
    scope_policies,
)
from shared.database.steps import apply_steps
from tests.support.trial import Server, Trial, fresh_trial

ROWS = [("460106", "A", "poverty"), ("460107", "B", "civil"), ("440100", "C", "disability"), (None, None, None)]


@pytest.fixture(scope="module")
def scoped(postgres: Server) -> Iterator[Trial]:
    """A live build with a scoped table, a table without scope columns, and a public one."""
    with fresh_trial(postgres) as trial:
        with trial.database.owner() as owner:
            owner.execute(text("CREATE SCHEMA view_1"))
            owner.execute(text(f"GRANT USAGE ON SCHEMA view_1 TO rollcall_app, {WORKER_ROLE}"))
            owner.execute(text("CREATE TABLE view_1.pupil (division_code text, school_code text, agency text)"))
            owner.execute(text("CREATE TABLE view_1.inner (n int)"))
            owner.execute(text("CREATE TABLE view_1.open (n int)"))
            for statement in (
                *scope_policies("view_1", "pupil", ["division_code", "school_code", "agency"]),
                *scope_policies("view_1", "inner", ["n"]),
                *scope_policies("view_1", "open", ["n"], public=True),
            ):
                owner.execute(text(statement))
            owner.execute(
                text("INSERT INTO builds (projection, build, schema, state) VALUES ('v', 1, 'view_1', 'live')")
            )
        with trial.database.working() as worker:
            for division, school, agency in ROWS:
                worker.execute(
                    text("INSERT INTO view_1.pupil VALUES (:d, :s, :a)"), {"d": division, "s": school, "a": agency}
                )
            worker.execute(text("INSERT INTO view_1.inner VALUES (1)"))
            worker.execute(text("INSERT INTO view_1.open VALUES (1)"))
        yield trial


def seen(trial: Trial, scope: Scope) -> list[str]:
    with trial.database.reading(scope, "v") as connection:
        return sorted(row[0] for row in connection.execute(text("SELECT school_code FROM pupil")))


def test_an_unset_scope_shows_no_row(scoped: Trial) -> None:
    assert seen(scoped, NO_SCOPE) == []


@pytest.mark.parametrize(
    ("scope", "schools"),
    [
        (Scope(division="46"), ["A", "B"]),
        (Scope(division="460100"), ["A", "B"]),
        (Scope(division="460107"), ["B"]),
        (Scope(division="460107001"), []),
        (Scope(school="C"), ["C"]),
        (Scope(agency="civil"), ["B"]),
        (Scope(division="4601", school="C"), ["A", "B", "C"]),
    ],
)
def test_a_scope_shows_its_rows_and_no_other(scoped: Trial, scope: Scope, schools: list[str]) -> None:
    assert seen(scoped, scope) == schools


def test_a_scope_does_not_outlive_its_transaction(scoped: Trial) -> None:
    for _ in range(3):  # the same pooled connection comes back
        assert seen(scoped, Scope(division="46")) == ["A", "B"]
        assert seen(scoped, NO_SCOPE) == []
    with scoped.database.writing() as connection:
        assert connection.execute(text("SELECT count(*) FROM view_1.pupil")).scalar_one() == 0


def test_a_statement_is_prepared_once_and_shows_each_scope_its_own_rows(scoped: Trial) -> None:
    """Ending a reader's transaction by a rollback would make the driver forget what it has prepared."""
    for _ in range(8):  # the driver prepares after five, the server keeps one plan for all after five more
        assert seen(scoped, Scope(division="46")) == ["A", "B"]
        assert seen(scoped, Scope(agency="civil")) == ["B"]
        assert seen(scoped, NO_SCOPE) == []
    with scoped.database.reading(NO_SCOPE, "v") as connection:
        kept = text("SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT school_code%'")
        assert connection.execute(kept).scalar_one() > 0
    with pytest.raises(ZeroDivisionError), scoped.database.reading(Scope(division="46"), "v"):
        raise ZeroDivisionError
    assert seen(scoped, NO_SCOPE) == []


def test_an_empty_text_is_no_scope() -> None:
    with pytest.raises(ValueError, match="None"):
        Scope(division="")


def test_a_table_without_scope_columns_is_the_workers_alone_unless_public(scoped: Trial) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        scoped.database.reading(Scope(division="46"), "v") as connection,
    ):
        connection.execute(text('SELECT * FROM "inner"'))
    with scoped.database.reading(NO_SCOPE, "v") as connection:
        assert connection.execute(text("SELECT n FROM open")).scalar_one() == 1
    with scoped.database.working() as worker:
        assert worker.execute(text("SELECT count(*) FROM view_1.inner")).scalar_one() == 1
        assert worker.execute(text("SELECT count(*) FROM view_1.pupil")).scalar_one() == len(ROWS)


def test_a_reader_cannot_write(scoped: Trial) -> None:
    with (
        pytest.raises(DBAPIError, match="read-only"),
        scoped.database.reading(Scope(division="46"), "v") as connection,
    ):
        connection.execute(text("INSERT INTO commands VALUES ('p', gen_random_uuid(), '', 'done', '{}')"))


def test_a_projection_never_built_is_named(scoped: Trial) -> None:
    with pytest.raises(NoLiveBuild, match="nothing"), scoped.database.reading(NO_SCOPE, "nothing"):
        pass


@pytest.mark.parametrize("table", ["events", "commands", "log"])
@pytest.mark.parametrize("change", ["UPDATE {} SET data = ''", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_nobody_not_even_the_owner_changes_what_happened(scoped: Trial, table: str, change: str) -> None:
    statement = text(
        change.format(table).replace(
            "data = ''", {"events": "data = ''", "commands": "status = 'done'", "log": "leaf = ''"}[table]
        )
    )
    for door in (scoped.database.writing, scoped.database.working, scoped.database.owner):
        with pytest.raises(ProgrammingError) as refused, door() as connection:
            connection.execute(statement)
        assert isinstance(refused.value.orig, errors.InsufficientPrivilege)


def test_the_roles_own_nothing_and_are_not_above_the_rules(scoped: Trial) -> None:
    for door in (scoped.database.writing, scoped.database.working):
        with door() as connection:
            role = connection.execute(text("SELECT current_user")).scalar_one()
            owned = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
            assert connection.execute(text(owned)).scalar_one() == 0
            flags = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
            assert connection.execute(text(flags)).scalar_one() is False
            assert role.startswith("rollcall_trial_")


def test_a_services_role_enters_its_own_database_only(scoped: Trial, postgres: Server) -> None:
    other = Database("elsewhere", postgres.dsn(), name=f"elsewhere_{uuid.uuid4().hex[:8]}")
    other.prepare()
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(other.app_conninfo.replace(other.name, scoped.database.name)).close()
    finally:
        other.close()


def test_preparing_at_once_from_several_processes_worth_of_threads_makes_one_schema(postgres: Server) -> None:
    name, failures = f"race_{uuid.uuid4().hex[:8]}", []

    def prepare() -> None:
        database = Database(name, postgres.dsn(), name=name)
        try:
            database.prepare([("0100-own", "CREATE TABLE own (n int)")])
        except Exception as failure:
            failures.append(failure)
        finally:
            database.close()

    threads = [threading.Thread(target=prepare) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    database = Database(name, postgres.dsn(), name=name)
    with database.writing() as connection:
        names = connection.execute(text("SELECT current_database()")).scalars().all()
    assert names == [name]
    database.close()


def test_a_step_that_ran_cannot_be_edited(trial: Trial) -> None:
    with trial.database.owner() as owner:
        assert apply_steps(driver(owner), [Step("0900-x", "CREATE TABLE x (n int)")]) == ["0900-x"]
        assert apply_steps(driver(owner), [Step("0900-x", "CREATE TABLE x (n int)")]) == []
        with pytest.raises(StepChanged, match="0900-x"):
            apply_steps(driver(owner), [Step("0900-x", "CREATE TABLE x (n bigint)")])


def test_an_address_without_a_password_needs_the_roles_passwords_given() -> None:
    with pytest.raises(ValueError, match="no password"):
        Database("trial", "postgresql://postgres@127.0.0.1/postgres")
    assert (
        Database("trial", "postgresql://o@127.0.0.1/x", app_password="a", worker_password="b").name == "rollcall_trial"
    )


def test_an_answer_of_several_statements_shows_one_moment(scoped: Trial) -> None:
    counted = text("SELECT count(*) FROM open")
    with scoped.database.reading(NO_SCOPE, "v") as connection:
        before = connection.execute(counted).scalar_one()
        with scoped.database.working() as worker:
            worker.execute(text("INSERT INTO view_1.open VALUES (2)"))
        assert connection.execute(counted).scalar_one() == before
    with scoped.database.reading(NO_SCOPE, "v") as connection:
        assert connection.execute(counted).scalar_one() == before + 1
    with scoped.database.writing() as writer:  # the same pool: commands keep seeing what is committed meanwhile
        assert writer.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
