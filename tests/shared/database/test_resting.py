from __future__ import annotations

import time

from sqlalchemy import text

from shared.database import driver
from shared.database.resting import REST_SECONDS
from tests.support.trial import Trial


def test_the_first_transaction_after_the_server_ended_every_session_does_not_fail(trial: Trial) -> None:
    trial.join(1)
    with trial.database.owner() as owner:
        driver(owner).execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    time.sleep(REST_SECONDS + 0.1)
    trial.join(1)
    with trial.database.writing() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 2


def test_a_rest_does_not_make_the_driver_forget_what_it_has_prepared(trial: Trial) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 4711%'")
    for _ in range(6):
        with trial.database.working() as connection:
            connection.execute(text("SELECT 4711"))
    time.sleep(REST_SECONDS + 0.1)
    with trial.database.working() as connection:
        assert connection.execute(prepared).scalar_one() == 1
