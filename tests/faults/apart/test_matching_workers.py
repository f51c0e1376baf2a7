"""Three matching workers beside each other while everything arrives at once, one of them killed in the middle: what
stands in the end is what one decision over the final rows gives.

The oracle reads the last state of students and rows and decides each row once in this process, with the same ladder,
against an index of all students and all rows: no queue, no lock, no block key of the database has a part in it.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import dict_row

from deploy.services import PROCESSES
from deploy.spec import ProcessSpec
from services.matching.candidates import ListIndex, StudentIndex
from services.matching.ladder import DEFAULT_RULES, decide
from services.matching.outcome import StudentId
from services.matching.row_records import entry_of, student_of
from shared.kernel.clock import today
from tests.faults.accidents import DEATH_SECONDS
from tests.support import sheets
from tests.support.alike import CIVIL_HEADERS, POVERTY_HEADERS, Alike, Cells
from tests.support.oracle import Oracle
from tests.support.people import School
from tests.support.submitting import Office
from tests.support.system import System

WORKERS = ("matching-worker-1", "matching-worker-2", "matching-worker-3")
FIRST_WORKER_OFFSET = 7
LINES, FILE_ROWS = 40, 30


class Size(NamedTuple):
    """How much arrives: students, rows of poverty files, civil households, single rows."""

    students: int
    listed: int
    households: int
    single: int


def split_processes() -> list[ProcessSpec]:
    """Matching's edge and relay in one process, its processors in three others."""
    found = {spec.name: spec for spec in PROCESSES}
    edge = ProcessSpec("matching", "deploy.run", ("matching",), found["matching"].port_offset, ("api", "relay"))
    workers = [
        ProcessSpec(name, "deploy.run", ("matching",), FIRST_WORKER_OFFSET + place, ("processor",))
        for place, name in enumerate(WORKERS)
    ]
    return [found["registry"], edge, *workers, found["portal"]]


@pytest.fixture
def system(postgres: Any, kafka: Any) -> Iterator[System]:
    made = System(postgres.server, kafka.broker, split_processes())
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def seed() -> int:
    """From ROLLCALL_FAULT_SEED, else a new one each run."""
    chosen = int(os.environ.get("ROLLCALL_FAULT_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"seed {chosen} (ROLLCALL_FAULT_SEED)")
    return chosen


class Town:
    """Everything that arrives, as its senders send it; the same seed makes the same."""

    def __init__(self, system: System, seed: int, size: Size) -> None:
        self.chance = random.Random(f"town {seed}")
        self.schools = [School(f"{system.division}{1:06d}", "第一小学", "primary", system.division)]
        self.since = today() - timedelta(days=30)
        self.office = Office(system.callers, Oracle())
        self.people = Alike(seed, self.schools, size.students)
        # Student → what follows her enrolment; a single row → its second wording. Else nothing; None = it leaves.
        changed = self.chance.sample(range(size.students), size.students // 10)
        self.changes = {each: self._change() for each in changed}
        self.poverty = [self.people.poverty_row(f"F{each:06d}") for each in range(size.listed)]
        self.civil = [row for each in range(size.households) for row in self.people.civil_rows(each)]
        self.single = [self.people.poverty_row(f"S{each:06d}") for each in range(size.single)]
        self.anew = {row["person_number"]: self._anew(row) for row in self.chance.sample(self.single, size.single // 3)}
        self.standing = size.listed + size.single - list(self.anew.values()).count(None)

    def senders(self) -> list[Callable[[], None]]:
        """To run side by side: students, both lists' files, and single rows from two hands."""
        half = len(self.single) // 2
        return [
            self.enrol,
            self.send_poverty,
            self.send_civil,
            lambda: self.push(self.single[:half]),
            lambda: self.push(self.single[half:]),
        ]

    def enrol(self) -> None:
        students = self.people.students
        for begin in range(0, len(students), LINES):
            part = students[begin : begin + LINES]
            lines = [json.dumps(each | {"enrolled_on": self.since.isoformat()}, ensure_ascii=False) for each in part]
            more = {"content": "\n".join(lines).encode(), "headers": {"content-type": "application/x-ndjson"}}
            known = self._clerk("/students/batch", **more)["student_ids"]
            for place, student_id in enumerate(known, begin):
                if place in self.changes:
                    path, body = self.changes[place]
                    self._clerk(f"/students/{student_id}/{path}", body | {"on": self.since.isoformat()})

    def _change(self) -> tuple[str, dict[str, Any]]:
        if self.chance.random() < 0.4:
            return "transfer-out", {"destination_kind": "elsewhere"}
        return "correct", self.people.corrected()

    def _anew(self, row: Cells) -> Cells | None:
        return self.people.poverty_row(row["person_number"]) if self.chance.random() < 0.6 else None

    def _clerk(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.office.insist(self.office.clerk, "registry", path, body, **more)

    def send_poverty(self) -> None:
        self._files("poverty", POVERTY_HEADERS, self.poverty)

    def send_civil(self) -> None:
        self._files("civil", CIVIL_HEADERS, self.civil)

    def _files(self, name: str, headers: dict[str, str], rows: Sequence[Cells]) -> None:
        for begin in range(0, len(rows), FILE_ROWS):
            part = rows[begin : begin + FILE_ROWS]
            body: list[list[sheets.Cell]] = [[row.get(field, "") for field in headers] for row in part]
            content = sheets.xlsx([list(headers.values()), *body])
            self.office.send(self.office.agencies[name], name, content, self.since)

    def push(self, rows: Sequence[Cells]) -> None:
        """One row after the other; some are written anew under their own key, some leave again."""
        agency, told = self.office.agencies["poverty"], {"as_of": self.since.isoformat()}
        for row in rows:
            path = "/lists/poverty/entries"
            entry_id = self.office.insist(agency, "registry", path, row, params=told)["entry_id"]
            anew = self.anew.get(row["person_number"], row)
            if anew is None:
                self.office.insist(agency, "registry", f"{path}/{entry_id}/remove", {"on": self.since.isoformat()})
            elif anew is not row:
                self.office.insist(agency, "registry", path, anew, params=told)


def arm(system: System, chance: random.Random) -> str:
    """kill -9 a worker whatever it does, and start it so that it kills itself in the middle of a decision; its name."""
    victim = chance.choice(WORKERS)
    system.restart(victim, failpoint="matching.before_commit:1")  # it may get no more than one
    return victim


def await_death(system: System, victim: str) -> bool:
    """Until the worker has died, or DEATH_SECONDS; whether it died. The others stand still meanwhile, or they may take
    all the work there is. Then it is started again, ready."""
    others = [name for name in WORKERS if name != victim]
    for name in others:
        system.freeze(name)
    try:
        deadline = time.monotonic() + DEATH_SECONDS
        while system.alive(victim) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        for name in others:
            system.thaw(name)
    died = not system.alive(victim)
    system.restart(victim)
    return died


def expected(system: System) -> dict[str, tuple[Any, ...]]:
    """Row → what one decision gives now, every row against everybody."""
    with psycopg.connect(system.dsn("matching"), row_factory=dict_row) as connection:
        schema = connection.execute("SELECT schema FROM builds WHERE state = 'live'").fetchall()[0]["schema"]
        last = "SELECT * FROM {}.{} WHERE valid_to = 'infinity'"
        people = connection.execute(last.format(schema, "students").encode()).fetchall()
        rows = connection.execute(last.format(schema, "entries").encode()).fetchall()
        day = connection.execute("SELECT day FROM opened_day").fetchall()[0]["day"]
    former = frozenset[StudentId](each["entity"] for each in people if not each["enrolled"])
    students = StudentIndex.of((student_of(each["entity"], each) for each in people), former)
    standing = [each for each in rows if each["standing"]]
    households = Counter(each["household_key"] for each in standing)
    records = {
        each["entity"]: entry_of(
            each,
            each["stands_for_household"] and (each["household_key"] is None or households[each["household_key"]] == 1),
        )
        for each in standing
    }
    lists = ListIndex.of(records.values())
    found = {}
    for entity, entry in records.items():
        outcome = decide(entry, students.candidates(entry, lists.listed(entry)), DEFAULT_RULES, day)
        candidates = (outcome.student,) if outcome.student is not None else outcome.candidates
        shown = tuple(map(str, candidates)) if outcome.state in ("linked", "review") else ()
        found[str(entity)] = (outcome.state, shown, outcome.rule, outcome.score, outcome.reason, DEFAULT_RULES.version)
    return found


def decided(system: System) -> dict[str, tuple[Any, ...]]:
    """Row → the decision that stands: the live table, with the model that the decider's own note names."""
    with psycopg.connect(system.dsn("matching"), row_factory=dict_row) as connection:
        schema = connection.execute("SELECT schema FROM builds WHERE state = 'live'").fetchall()[0]["schema"]
        query = (
            "SELECT d.*, n.state AS noted, n.student_id AS noted_student, n.content"
            f" FROM {schema}.decisions d JOIN decided n ON n.entry_id = d.entity WHERE d.valid_to = 'infinity'"
        )
        rows = connection.execute(query.encode()).fetchall()
    found = {}
    for each in rows:
        assert (each["state"], each["student_id"]) == (each["noted"], each["noted_student"])
        if each["state"] is not None:
            shown = tuple(map(str, each["candidates"]))
            model = json.loads(each["content"])[2]["model"]
            score = float(each["score"])
            found[str(each["entity"])] = (each["state"], shown, each["rule"], score, each["reason"], model)
    return found


def check(system: System, seed: int, size: Size, kills: int) -> None:
    town = Town(system, seed, size)
    town.office.open_schools(town.schools, town.since)
    deaths, victim = 0, arm(system, town.chance)
    began = time.monotonic()
    with ThreadPoolExecutor(len(town.senders())) as pool:
        sending = [pool.submit(sender) for sender in town.senders()]

        def over() -> bool:
            return all(each.done() for each in sending)

        for kill in range(kills):
            if over():
                break
            victim = arm(system, town.chance) if kill else victim
            deaths += await_death(system, victim)
        for each in sending:
            each.result()
    sent = time.monotonic() - began
    system.settle(timeout_seconds=120.0)
    print(
        f"{deaths} died in a decision (at most {kills}); sent in {sent:.1f} s, all in {time.monotonic() - began:.1f} s"
    )
    wanted, found = expected(system), decided(system)
    states = Counter(f"{each[0]} {each[2]} {each[4]}" for each in wanted.values())
    print(dict(states))
    rows = wanted.keys() | found.keys()
    wrong = [(wanted.get(row), found.get(row)) for row in rows if wanted.get(row) != found.get(row)]
    assert not wrong, f"seed {seed}: {len(wrong)} of {len(rows)} rows are decided otherwise: {wrong[:5]}"
    assert deaths, "no worker was killed in the middle of a decision"
    assert {each.split()[0] for each in states} >= {"linked", "review", "not_in_register"}
    assert _listed(system, "poverty") == town.standing
    assert system.ask("matching", _LISTENING)[0][0] == len(WORKERS), "not every worker waits for work"


def _listed(system: System, name: str) -> object:
    schema = system.ask("matching", "SELECT schema FROM builds WHERE state = 'live'")[0][0]
    standing = f"SELECT count(*) FROM {schema}.entries WHERE standing AND valid_to = 'infinity' AND list = %s"
    return system.ask("matching", standing, name)[0][0]


_LISTENING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN "matching_work"'
"""


@pytest.mark.timeout(300)
def test_three_workers_decide_as_one_would_though_one_is_killed(system: System, seed: int) -> None:
    check(system, seed, Size(students=600, listed=180, households=60, single=50), kills=1)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(3))
def test_three_workers_killed_again_and_again_decide_as_one_would(system: System, seed: int, number: int) -> None:
    check(system, seed + number, Size(students=3_000, listed=1_500, households=400, single=1_500), kills=8)
