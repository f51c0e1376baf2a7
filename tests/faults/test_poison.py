"""An event that one projection cannot apply: its stream is parked, everything else moves on, and the repair catches up
in order."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from shared.messaging.deadletters import open_letters
from shared.messaging.repair import replay_dead_letter
from shared.messaging.runner import Runner
from tests.faults.town import Town


@pytest.mark.timeout(300)
def test_a_poison_event_parks_its_stream_and_a_repair_applies_it_in_order(town: Town) -> None:
    poisoned, healthy = town.people.child(), town.people.child()
    schema = str(town.system.ask("matching", _LIVE_ROSTER)[0][0])
    break_table(town, schema, poisoned.number)

    town.office.enrol([poisoned, healthy], town.term_begin)
    town.children += [poisoned, healthy]
    rows = [town.people.row("poverty", "exact", poisoned), town.people.row("civil", "exact", healthy)]
    town.office.list_rows(rows, town.today)
    town.rows += rows
    town.office.leave(poisoned, town.today, "abroad")  # a later event of the parked stream: it must wait
    town.system.settle()

    assert poisoned.number not in town.observed.numbers().values(), "the poison event was applied after all"
    assert healthy.number in town.observed.numbers().values(), "the others must move on"
    runner = roster_runner(town)
    with psycopg.connect(town.system.dsn("matching"), autocommit=True) as connection:
        letters = open_letters(connection)
        assert [letter.state for letter in letters] == ["poison", "queued"]
        assert len({letter.stream_id for letter in letters}) == 1
    mend_table(town, schema)
    letter_id: UUID = letters[0].id
    assert replay_dead_letter(runner, letter_id, by="test:operator").applied == 2
    town.children.remove(poisoned)
    town.verify()


_LIVE_ROSTER = "SELECT schema FROM builds WHERE projection = 'roster' AND state = 'live'"


def roster_runner(town: Town) -> Runner:
    """A runner on the live roster, as the repair command makes it."""
    service = town.system.built("matching")
    roster = next(each for each in service.projections if each.name == "roster")
    return Runner(roster, service.database, service.keyring)


def break_table(town: Town, schema: str, number: str) -> None:
    """A defect in the read model that only this child's event meets."""
    _execute(
        town,
        f"""
        CREATE FUNCTION public.refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.id_number = '{number}' THEN RAISE EXCEPTION 'a defect' USING ERRCODE = 'data_exception'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse_one BEFORE INSERT OR UPDATE ON "{schema}".students
            FOR EACH ROW EXECUTE FUNCTION public.refuse_one();
        """,
    )


def mend_table(town: Town, schema: str) -> None:
    """The defect is repaired."""
    _execute(town, f'DROP TRIGGER refuse_one ON "{schema}".students; DROP FUNCTION public.refuse_one()')


def _execute(town: Town, statement: str) -> None:
    with psycopg.connect(town.system.dsn("matching"), autocommit=True) as connection:
        connection.execute(statement.encode())
