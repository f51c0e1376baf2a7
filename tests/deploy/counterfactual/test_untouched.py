"""Nothing of a counterfactual touches what is real, and nothing of it stays, whatever becomes of the process."""

from __future__ import annotations

import json
import os
import subprocess
import time

import psycopg
from psycopg import sql

from deploy.counterfactual.child import command, computed
from deploy.counterfactual.scratch import PREFIX, drop_leftovers, scratch
from services.audit.counterfactuals.changes import ReplaceList
from services.audit.counterfactuals.desk import Job
from tests.deploy.counterfactual.town import BOARDER, NEXT_AUTUMN, Fen, Town


def fingerprint(dsn: str) -> dict[str, tuple[int, str]]:
    """Of every table of a database how many rows it has, and a hash over all of them; of sequences where they stand."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        found = {}
        for schema, table in tables:
            hashed = sql.SQL("SELECT count(*), coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM {} r")
            row = connection.execute(hashed.format(sql.Identifier(schema, table))).fetchone()
            assert row is not None
            found[f"{schema}.{table}"] = (int(row[0]), str(row[1]))
        for name, last in connection.execute("SELECT sequencename, last_value FROM pg_sequences"):
            found[f"sequence {name}"] = (last or 0, "")
    return found


def scratch_databases(town: Town) -> list[str]:
    with psycopg.connect(town.dsn()) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{PREFIX}%",))
        return [row[0] for row in rows]


def sessions(town: Town) -> int:
    with psycopg.connect(town.dsn()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchone()
        assert row is not None
        return int(row[0])


def environment(town: Town) -> dict[str, str]:
    """As the supervisor gives it to audit's process."""
    return dict(os.environ) | town.environment()


def test_a_process_of_its_own_answers_and_no_row_of_any_real_database_changes(town: Town) -> None:
    """Also of people who are in no log: child 99 is listed in the corrected file only."""
    before = {name: fingerprint(town.dsn(name)) for name in town.databases()}
    corrected = {"corrected.xlsx": town.file([town.row(1), town.row(99)])}
    replaced = ReplaceList(submission=town.sent[2], file="corrected.xlsx")
    told: list[tuple[str, int]] = []
    job = Job([replaced], town.known_at(), corrected)
    answer = computed(command(), job, lambda rerun, fed: told.append((rerun, fed)), environment(town))
    assert answer.clean and town.fen(answer) == {Fen(5, NEXT_AUTUMN, BOARDER, 0)}
    assert {rerun for rerun, _ in told} == {"control", "changed"}
    assert {name: fingerprint(town.dsn(name)) for name in town.databases()} == before
    assert scratch_databases(town) == []


def test_a_killed_process_leaves_only_scratch_databases_which_the_next_run_drops(town: Town) -> None:
    changes = [{"what": "move", "submission": str(town.sent[2]), "to": "2025-09-05"}]
    asked = {"changes": changes, "files": {}, "known_at": town.known_at().isoformat()}
    others = sessions(town)
    child = subprocess.Popen(command(), env=environment(town), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        assert "rerun" in json.loads(child.stdout.readline())  # the first scratch databases are there
        with psycopg.connect(town.dsn(), autocommit=True) as server:
            assert drop_leftovers(server) == []  # somebody lives in them
    finally:
        child.kill()
        child.wait(10)
    deadline = time.monotonic() + 30
    while sessions(town) > others and time.monotonic() < deadline:
        time.sleep(0.05)  # until the server has noticed and ended what it was doing
    assert scratch_databases(town)
    with scratch(town.dsn()):
        assert scratch_databases(town) == []
