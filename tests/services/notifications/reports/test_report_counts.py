"""A simulated term with known truth: what the issued reports count is what somebody counts by hand from the files and
from the alerts' own facts, the sums balance, and an issued report comes out of its cut again, byte by byte.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from bench.term_facts import KEY, Said, student_id
from services.notifications import app
from services.notifications.events import (
    AlertClosed,
    AlertEvidenceChanged,
    AlertRaised,
    AlertWithdrawn,
    ReportIssued,
)
from services.notifications.reports.compiling import Place, compile_level
from services.notifications.reports.cuts import Cut
from services.notifications.reports.ledger_counts import balance
from services.notifications.reports.report_facts import MEMORY, MEMORY_FOLDS
from services.notifications.reports.report_periods import Period
from services.notifications.reports.tallying import tally
from services.registry.events import DayOpened as RegistryDayOpened
from services.registry.events import SchoolRegistered
from shared.database.database import driver
from shared.eventsourcing.event import Logged, partition_of
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Service
from shared.kernel.identifiers import keyed_id
from shared.messaging.codec import Envelope
from shared.messaging.replay import replay
from simulation.class_reports import Shape
from simulation.term_files import TermTables, write_calendar
from simulation.terms import CountyTerms, invented_classrooms, school_time, simulate_terms
from tests.services.installation import DIVISION, PARTITIONS, Installation
from tests.support.term_feed import TermFeed, alert_facts, own_log
from tests.support.term_oracle import COMPULSORY, TermOracle

AS_OF, DAYS, CHILDREN, SCHOOLS = date(2026, 11, 6), 46, 90, 3
FIRST, LAST = date(2026, 4, 1), date(2026, 4, 30)
ONE_DAY = timedelta(days=1)
NEEDED = ("watching", "reporting")
LEDGERS = ("school_age", "suspected", "dropped_out")


class Feed(TermFeed):
    """Keeps what it delivered of the registry, for folding it anew."""

    def deliver(self, registry: dict[int, list[Envelope]]) -> None:
        self.said = getattr(self, "said", [])
        if not registry:  # a day has just opened: the register's, too
            self.installation.sequence()
            day = own_log(self.service)[-1][0].event.effective_on
            opened = Said(keyed_id(KEY, "clock"), RegistryDayOpened(day=day), day)
            registry = self.registry.envelopes([opened], day)
        self.said += [envelope.logged for envelopes in registry.values() for envelope in envelopes]
        super().deliver(registry)


class Run:
    """A term that went through the service, and the same term as files."""

    def __init__(self, installation: Installation, made: CountyTerms, folder: Path) -> None:
        self.installation, self.made = installation, made
        self.service: Service = installation.start(app.build(installation.settings("notifications")))
        # What nobody here looks at need not be kept up to date.
        installation.runners = [each for each in installation.runners if each.projection.name in NEEDED]
        self.feed = Feed(installation, self.service, made)
        schools = {(room.school_code, room.division_code) for room in made.classrooms}
        said = [
            Said(
                keyed_id(KEY, "school", code),
                SchoolRegistered(school_code=code, name=code, division_code=division),
                date(2020, 9, 1),
            )
            for code, division in sorted(schools)
        ]
        self.feed.deliver(self.feed.registry.envelopes(said, made.time.days[0]))
        self.feed.run()
        self.oracle = oracle_of(made, folder)
        self.reports = [
            msgspec.json.decode(logged.event.data, type=ReportIssued)
            for logged, _ in own_log(self.service)
            if logged.event.type == "notifications.ReportIssued.v1"
        ]

    def month(self) -> dict[str, dict[str, int]]:
        """School → its figures of April."""
        return {
            each.school_code or "": json.loads(each.content)["figures"]
            for each in self.reports
            if (each.level, each.period_name) == ("school", "2026-04")
        }


def oracle_of(made: CountyTerms, folder: Path) -> TermOracle:
    folder.mkdir()
    with ExitStack() as stack:
        TermTables(folder, stack).write(made)
    write_calendar(folder, made.time)
    return TermOracle(folder)


@pytest.fixture(scope="module")
def made() -> CountyTerms:
    rooms = invented_classrooms(CHILDREN, 30, schools=SCHOOLS)
    return simulate_terms("18", rooms, school_time(AS_OF, 1, DAYS), Shape(trouble=60.0, untidy=4.0))


@pytest.fixture(scope="module")
def run(postgres: Any, made: CountyTerms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    home = tmp_path_factory.mktemp("run")
    installation = Installation(postgres, home)
    try:
        yield Run(installation, made, home / "files")
    finally:
        installation.close()


def children_by_school(run: Run, day: date) -> dict[str, Counter[str]]:
    """By the files alone: how many children of each ledger each school has on the evening of ``day``."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    kinds: dict[int, set[str]] = defaultdict(set)
    for kind, subject in run.oracle.on(day):
        if kind != "class_silent":
            kinds[subject].add(kind)
    for child, those in kinds.items():
        school = run.oracle.room_of[child].school_code
        found[school]["dropped_out"] += "dropped_out" in those
        found[school]["suspected"] += bool(those - {"dropped_out"})
    for child, room in run.oracle.room_of.items():
        told = [life for life in run.oracle.lives if life.child == child and life.what != "documented"]
        known = [life for life in told if life.told_on <= LAST and life.on <= day]
        last = max(known, key=lambda life: (life.on, life.told_on), default=None)
        found[room.school_code]["school_age"] += room.stage in COMPULSORY and (last is None or last.what == "enrolled")
    return found


def test_ledgers_begin_and_end_as_the_files_say(run: Run) -> None:
    before, after = children_by_school(run, FIRST - ONE_DAY), children_by_school(run, LAST)
    assert len(run.month()) == SCHOOLS
    for school, figures in run.month().items():
        for ledger in LEDGERS:
            assert figures.get(f"{ledger}.begin", 0) == before[school][ledger], (school, ledger)
            assert figures.get(f"{ledger}.end", 0) == after[school][ledger], (school, ledger)
    assert sum(after[school]["suspected"] for school in after) > 5
    assert sum(after[school]["dropped_out"] for school in after) > 0


def begun_and_ended(run: Run) -> Iterator[tuple[UUID, date, Any]]:
    """What began and ended alerts; that one rests on more by now is counted nowhere."""
    return (each for each in alert_facts(run.service) if not isinstance(each[2], AlertEvidenceChanged))


def test_signals_are_the_alerts_facts_of_the_month(run: Run) -> None:
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    about: dict[UUID, AlertRaised] = {}
    names: dict[Any, str] = {AlertRaised: "raised", AlertWithdrawn: "withdrawn", AlertClosed: "closed"}
    for stream, on, fact in begun_and_ended(run):
        if isinstance(fact, AlertRaised):
            about[stream] = fact
        if FIRST <= on <= LAST:
            raised = about[stream]
            wanted[raised.school_code or ""][f"signals.{names[type(fact)]}.{raised.kind}"] += 1
    told = {
        school: Counter({name: count for name, count in figures.items() if name.startswith("signals.")})
        for school, figures in run.month().items()
    }
    assert told == wanted
    assert len({name for counts in wanted.values() for name in counts}) > 8


def test_who_came_into_a_ledger_and_who_left_it_by_each_way(run: Run) -> None:
    """Walked in the order of the log, child by child."""
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    child_of: dict[UUID, AlertRaised] = {}
    standing: dict[UUID, dict[UUID, bool]] = defaultdict(dict)
    for stream, on, fact in begun_and_ended(run):
        if isinstance(fact, AlertRaised):
            child_of[stream] = fact
        raised = child_of[stream]
        if raised.student_id is None:
            continue
        mine = standing[raised.student_id]
        before = set(mine.values())
        if isinstance(fact, AlertRaised):
            mine[stream] = fact.kind == "dropped_out"
        else:
            del mine[stream]
        way = "raised" if isinstance(fact, AlertRaised) else getattr(fact, "reason", "")
        way = "withdrawn" if isinstance(fact, AlertWithdrawn) else way
        after = set(mine.values())
        for dropped in (before ^ after) if FIRST <= on <= LAST else ():
            ledger, change = "dropped_out" if dropped else "suspected", "new" if dropped in after else "ended"
            wanted[raised.school_code or ""][f"{ledger}.{change}.{way}"] += 1
    for school, figures in run.month().items():
        flows = {
            name: count
            for name, count in figures.items()
            if name.split(".")[0] in ("suspected", "dropped_out") and name.split(".")[1] in ("new", "ended")
        }
        assert flows == wanted[school], school


def test_coverage_is_what_classes_told_of_the_school_days(run: Run) -> None:
    days = [day for day in run.made.time.days if FIRST <= day <= LAST]
    for school, figures in run.month().items():
        rooms = {room.number for room in run.made.classrooms if room.school_code == school}
        told = {
            (report.classroom, report.day)
            for report in run.made.reports
            if report.classroom in rooms and report.day in days and report.told_on <= LAST
        }
        assert figures["classes.due"] == len(rooms) * len(days)
        assert figures["classes.reported"] == len(told)


def test_every_ledger_of_every_row_balances_and_rows_sum_to_the_whole(run: Run) -> None:
    assert {(each.level, each.period_name) for each in run.reports} >= {
        ("school", "2026-03"), ("school", "2026-04"), ("county", "2026-Q1"),
    }  # fmt: skip
    assert min(each.last for each in run.reports) >= run.made.time.days[0], (
        "nobody reports of a time before the first day"
    )
    for report in run.reports:
        told = json.loads(report.content)
        rows = [dict(zip(told["names"], values, strict=True)) for _, *values in told["rows"]]
        for figures in (told["figures"], *rows):
            assert [balance(figures, ledger) for ledger in LEDGERS] == [0, 0, 0]
        assert told["figures"] == {name: sum(row[name] for row in rows) for name in told["names"]}
        grown = sum(
            count
            for name, count in told["figures"].items()
            if name.startswith("dropped_out.new.") and name != "dropped_out.new.moved"
        )
        assert sum(count for *_, count in told["confirmed"]) == grown


def compiled(run: Run, level: str, period: Period, cut: Cut, connection: Any) -> dict[str, dict[str, Any]]:
    made = compile_level(level, tally(connection, cut, period, DIVISION), DIVISION)  # type: ignore[arg-type]
    return {each.place.key: json.loads(each.content) for each in made}


def test_levels_sum_each_other_on_one_cut(run: Run) -> None:
    """The schools of a county are the county, the counties the city, the cities the province; months make the quarter:
    what came and went adds up, and each month begins where the one before ended."""
    quarter = Period("quarter", "2026-Q2", FIRST, date(2026, 6, 30))
    months = [
        Period("month", "2026-04", FIRST, LAST),
        Period("month", "2026-05", date(2026, 5, 1), date(2026, 5, 31)),
        Period("month", "2026-06", date(2026, 6, 1), date(2026, 6, 30)),
    ]
    with run.service.database.working() as connection:
        driver(connection).execute("SET LOCAL search_path TO reporting_b1, public")
        schools = [compiled(run, "school", month, Cut(), connection) for month in months]
        (county,) = compiled(run, "county", quarter, Cut(), connection).values()
        (city,) = compiled(run, "city", quarter, Cut(), connection).values()
        (province,) = compiled(run, "province", quarter, Cut(), connection).values()
    assert county["figures"] == city["figures"] == province["figures"]
    assert [row[0] for row in city["rows"]] == ["469080"]
    flows: Counter[str] = Counter()
    for month in schools:
        for school in month.values():
            flows.update({name: count for name, count in school["figures"].items() if _flows(name)})
    assert flows == {name: count for name, count in county["figures"].items() if _flows(name)}
    for before, after in pairwise(schools):
        for code, school in before.items():
            for ledger in LEDGERS:
                ended = school["figures"].get(f"{ledger}.end", 0)
                assert after[code]["figures"].get(f"{ledger}.begin", 0) == ended, (code, ledger)


def _flows(name: str) -> bool:
    standing = ("begin", "end", "poor", "disabled", "left_behind")
    return not name.startswith("cases.") and name.split(".")[1] not in standing


def within(logged: Logged, cut: dict[str, tuple[int, ...]]) -> bool:
    return logged.log_index <= cut[logged.service][partition_of(logged.event.stream_id, PARTITIONS)]


def test_folding_the_logs_up_to_the_cut_gives_the_issued_bytes_again(run: Run) -> None:
    """In tables of its own that hold nothing beyond the cut, long after the report was issued."""
    report = next(each for each in run.reports if (each.level, each.period_name) == ("county", "2026-Q1"))
    events = [*run.feed.said, *(logged for logged, _ in own_log(run.service))]
    then = sorted((each for each in events if within(each, report.cut)), key=lambda each: each.log_index)
    assert 0 < len(then) < len(events)
    memory = Projection("reporting", MEMORY, MEMORY_FOLDS)
    with run.service.database.owner() as connection:
        replay(memory, connection, f"replay_{uuid4().hex}", then, run.installation.keyring)
        again = _again(run, connection, report, Cut())
        connection.rollback()
    assert again == report.content
    with run.service.database.working() as connection:
        driver(connection).execute("SET LOCAL search_path TO reporting_b1, public")
        assert _again(run, connection, report, Cut(report.cut)) == report.content
        assert _again(run, connection, report, Cut()) != report.content, "what came later would have changed it"


def _again(run: Run, connection: Any, report: ReportIssued, cut: Cut) -> str:
    period = Period(report.period, report.period_name, report.first, report.last)
    place = Place(report.division_code, report.school_code)
    (made,) = compile_level(report.level, tally(connection, cut, period, DIVISION), DIVISION, place)
    return made.content


def test_a_student_is_never_named(run: Run) -> None:
    names = {str(student_id(child)) for child in run.oracle.room_of}
    assert not any(name in report.content for report in run.reports for name in names)
