"""A simulated term under kills: its attendance goes through real processes that are killed, stopped and doubled
meanwhile, and what stands in the end is what an oracle works out from the files, each alert once and with its evidence.

The term lies in the future of the machine's clock, so that the processes' own tickers open no day of it: its days are
opened here, as the ticker would.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from bench.term_facts import KEY, Said, TermFacts, student_id
from deploy.services import PROCESSES
from deploy.spec import ProcessSpec
from services.notifications.case_events import CaseEscalated
from services.notifications.events import AlertClosed, AlertEvidenceChanged, AlertRaised, AlertWithdrawn, DayOpened
from shared.eventsourcing.store import Command, Proposed
from shared.hosting.service import Service
from shared.hosting.settings import Settings
from shared.kernel.clock import today
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id
from simulation.class_reports import Shape
from simulation.term_files import TermTables, write_calendar
from simulation.terms import CountyTerms, invented_classrooms, school_time, simulate_terms
from tests.services.notifications.proof.test_terms import says
from tests.support.system import System
from tests.support.term_feed import case_facts, told_on_days
from tests.support.term_oracle import TermOracle

FAR = timedelta(days=400)  # the last term that has ended by then begins after today
ENROLLED_BEFORE = timedelta(days=30)
WORKER = "notifications"


class Size(NamedTuple):
    """``days`` school days of a county, each told ``day_seconds`` after the one before; ``accidents`` meanwhile, at
    most ``pause_seconds`` apart; a worker is stopped for one of ``stops_seconds``, the longest more than its group
    waits for it."""

    children: int
    days: int
    accidents: int
    pause_seconds: float
    day_seconds: float
    stops_seconds: tuple[float, ...] = (0.5,)


SHORT, LONG = Size(240, 40, 6, 0.7, 0.06), Size(600, 80, 100, 5.0, 3.5, (0.5, 1.0, 8.0))


def processes() -> list[ProcessSpec]:
    """The registry without its pages, and notifications with everything it does."""
    found = {spec.name: spec for spec in PROCESSES}
    relay = ProcessSpec("registry", "deploy.run", ("registry",), found["registry"].port_offset, ("relay", "processor"))
    return [relay, found[WORKER]]


@pytest.fixture
def system(postgres: Any, kafka: Any) -> Iterator[System]:
    made = System(postgres.server, kafka.broker, processes())
    try:
        yield made.start()
    finally:
        made.stop()


class Office:
    """Tells the term to both logs, day by day."""

    def __init__(self, system: System, made: CountyTerms) -> None:
        self.registry, self.notifications = system.built("registry"), system.built(WORKER)
        self._clock = keyed_id(Settings.from_environment(WORKER, system.variables()).hmac_key, "clock")
        self._facts, self.made = TermFacts(made), made
        self._versions: dict[UUID, int] = defaultdict(int)
        self.said: dict[UUID, Said] = {}

    def tell(self, pause: Callable[[], None]) -> None:
        """Every day in turn, ``pause`` after each."""
        made, days = self.made, told_on_days(self._facts, self.made)
        self._report([*self._facts.beginning(made.time.days[0] - ENROLLED_BEFORE)])
        for day, (said, documents) in days.items():
            self._append(self.notifications, [(self._clock, DayOpened(day=day), day)], self._opened())
            for document in documents:
                stream = keyed_id(KEY, "document", str(document.student_id), document.first_day.isoformat())
                self._append(self.notifications, [(stream, document, day)], 0)
            self._report(said)
            pause()

    def _report(self, said: list[Said]) -> None:
        for begin in range(0, len(said), 500):
            some = said[begin : begin + 500]
            ids = self._append(self.registry, [(each.stream_id, each.fact, each.effective_on) for each in some])
            self.said |= dict(zip(ids, some, strict=True))

    def _opened(self) -> int:
        with self.notifications.database.writing() as connection:
            return len(self.notifications.store.load(connection, self._clock))

    def _append(
        self, service: Service, facts: list[tuple[UUID, Fact, date]], version: int | None = None
    ) -> tuple[UUID, ...]:
        proposed = []
        for stream, fact, on in facts:
            proposed.append(Proposed(stream, self._versions[stream] if version is None else version, fact, on))
            self._versions[stream] += 1
        return service.store.run(service.database, Command("term", uuid4(), b""), lambda _: proposed).event_ids


class Accidents(threading.Thread):
    """What happens to the workers while the term goes on: one after another."""

    def __init__(self, system: System, chance: random.Random, size: Size) -> None:
        super().__init__(name="accidents", daemon=True)
        self._system, self._chance, self._size = system, chance, size
        self._second: str | None = None
        self._kinds: list[Callable[[], None]] = [self.kill, self.second_joins, self.end, self.stop, self.second_leaves]
        self.happened: Counter[str] = Counter()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(self._size.accidents):
                time.sleep(self._chance.uniform(0.0, self._size.pause_seconds))
                happen = self._kinds[number % len(self._kinds)]
                happen()
                self.happened[happen.__name__] += 1
            self.second_leaves()
        except BaseException as failure:  # told in the test's own thread
            self.failure = failure

    def kill(self) -> None:
        """SIGKILL of one of them, which is started again."""
        name = self._one()
        self._system.kill(name)
        self._system.start_process(name, wait=False)

    def end(self) -> None:
        """SIGTERM, and started again."""
        name = self._one()
        identity = self._system.processes[name].identity
        living = identity.process() if identity is not None else None
        if living is not None:
            living.send_signal(signal.SIGTERM)
        self._system.wait_gone(name)
        self._system.start_process(name, wait=False)

    def stop(self) -> None:
        """SIGSTOP for longer than the group waits for a member, or for a moment only; then SIGCONT."""
        name = self._one()
        self._system.freeze(name)
        time.sleep(self._chance.choice(self._size.stops_seconds))
        self._system.thaw(name)

    def second_joins(self) -> None:
        """A second worker: the partitions are shared anew."""
        if self._second is None:
            self._second = self._system.start_second(WORKER, wait=False)

    def second_leaves(self) -> None:
        """And goes again."""
        if self._second is not None:
            self._system.end_second(self._second)
            self._second = None

    def _one(self) -> str:
        return self._chance.choice([WORKER] if self._second is None else [WORKER, self._second])


def expected(made: CountyTerms, folder: Path) -> set[tuple[str, UUID | tuple[str, str]]]:
    """From the files alone: the alerts that stand on the evening of the last day."""
    with ExitStack() as stack:
        TermTables(folder, stack).write(made)
    write_calendar(folder, made.time)
    rooms = {room.number: (room.school_code, "/".join(room[3:6])) for room in made.classrooms}
    standing = TermOracle(folder).on(made.time.days[-1])
    return {(kind, rooms[who] if kind == "class_silent" else student_id(who)) for kind, who in standing}


def verify(office: Office, wanted: set[tuple[str, UUID | tuple[str, str]]]) -> Counter[str]:
    """No alert too many or too few, none twice, none without its evidence, no timer twice; what there was."""
    standing: dict[UUID, AlertRaised] = {}
    times: Counter[UUID] = Counter()
    escalated: set[tuple[UUID, int, str]] = set()
    days: list[date] = []
    counted: Counter[str] = Counter()
    for stream, fact in case_facts(office.notifications):
        counted[type(fact).__name__] += 1
        match fact:
            case AlertRaised():
                assert stream not in standing, f"{fact.kind} was raised while it stood"
                standing[stream] = fact
                times[stream] += 1
                assert fact.times == times[stream], f"{fact.kind} was raised twice"
                assert fact.evidence
                assert all(says(office.said[each], fact) for each in fact.evidence), fact
            case AlertEvidenceChanged():
                assert all(says(office.said[each], standing[stream]) for each in fact.evidence), fact
            case AlertWithdrawn() | AlertClosed():
                assert standing.pop(stream, None) is not None, "an alert ended twice"
            case CaseEscalated():
                fired = (stream, times[stream], fact.level)
                assert fired not in escalated, f"{fired} fired twice"
                escalated.add(fired)
            case DayOpened():
                days.append(fact.day)
    assert days == sorted(set(days)), "a day was opened twice"
    found = {
        (fact.kind, (fact.school_code or "", fact.subject) if fact.subject else fact.student_id)
        for fact in standing.values()
    }
    assert found == wanted, (f"missing {wanted - found}", f"too many {found - wanted}")
    assert len(found) == len(standing)
    return counted


def went_through(system: System, seed: int, size: Size, folder: Path) -> None:
    time_ = school_time(today() + FAR, 1, size.days)
    assert time_.days[0] > today()
    rooms = invented_classrooms(size.children, 30, schools=3)
    made = simulate_terms(str(seed), rooms, time_, Shape(trouble=15.0, untidy=4.0))
    office = Office(system, made)
    accidents = Accidents(system, random.Random(f"{seed}/accidents"), size)
    accidents.start()
    office.tell(lambda: time.sleep(size.day_seconds))
    accidents.join(3_000.0)
    if accidents.failure is not None:
        raise accidents.failure
    system.revive()
    system.settle(timeout_seconds=120.0)
    wanted = expected(made, folder)
    assert len(wanted) > 10, "a term in which too little happens proves nothing"
    counted = verify(office, wanted)
    print(f"{dict(accidents.happened)}; {len(wanted)} alerts stand; {dict(counted)}")


@pytest.fixture
def seed() -> int:
    """From ROLLCALL_FAULT_SEED, else a new one each run."""
    chosen = int(os.environ.get("ROLLCALL_FAULT_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"seed {chosen} (ROLLCALL_FAULT_SEED)")
    return chosen


@pytest.mark.timeout(300)
def test_a_term_under_kills_and_rebalances_raises_each_alert_once(system: System, seed: int, tmp_path: Path) -> None:
    went_through(system, seed, SHORT, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_hundred_kills_and_rebalances_lose_and_double_no_alert(system: System, seed: int, tmp_path: Path) -> None:
    went_through(system, seed, LONG, tmp_path)
