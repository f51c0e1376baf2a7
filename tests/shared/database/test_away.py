"""Which failures of a real server mean that it is away, and which that it answers and says no."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import text

from deploy.ports import free_port
from shared.database.away import is_away
from shared.database.database import Database
from tests.support.away import away
from tests.support.trial import Trial

FAILURES = (sqlalchemy.exc.SQLAlchemyError, psycopg.Error)


def ask(database: Database, statement: str = "SELECT 1") -> None:
    with database.writing() as connection:
        connection.execute(text(statement))


def test_a_server_that_is_not_there_or_lets_nobody_in_is_away(trial: Trial) -> None:
    nowhere = Database("nowhere", f"postgresql://somebody:secret@127.0.0.1:{free_port()}/postgres")
    with pytest.raises(FAILURES) as refused:
        ask(nowhere)
    assert is_away(refused.value)
    ask(trial.database)
    with away(trial.database):
        for _lost_then_refused in range(2):
            with pytest.raises(FAILURES) as lost:
                ask(trial.database)
            assert is_away(lost.value)
    ask(trial.database)


def test_a_connection_lost_in_the_middle_is_away(trial: Trial) -> None:
    with pytest.raises(FAILURES) as lost, trial.database.writing() as connection:
        connection.execute(text("SELECT 1"))
        with away(trial.database):
            connection.execute(text("SELECT 1"))
    assert is_away(lost.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 / 0",
        "SELECT nothing",
        "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)",
        "SET LOCAL transaction_read_only = on; DELETE FROM events",
    ],
)
def test_a_server_that_says_no_is_not_away(trial: Trial, statement: str) -> None:
    with pytest.raises(FAILURES) as refused:
        ask(trial.database, statement)
    assert not is_away(refused.value) and not is_away(ValueError("connection"))
