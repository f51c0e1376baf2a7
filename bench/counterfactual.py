"""A counterfactual over five weeks of a county: a register, a list that comes each month, days that open; the
second list is moved to the first week. Run twice: with nothing changed, and from where they differ changed."""

from __future__ import annotations

import resource
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from bench.report import BenchResult, Measure, result
from bench.stage import Stage, processor_seconds, stage
from deploy.counterfactual.answering import Ask, Laboratory
from services.audit.archive import note_head, store
from services.audit.counterfactuals.changes import MoveList
from services.audit.tables import STEPS
from services.disbursement import app as disbursement_app
from services.disbursement.events import DayOpened as AidDay
from services.matching import app as matching_app
from services.matching.events import DayOpened as MatchingDay
from services.matching.streams import Streams
from services.registry.events import (
    EntryPersonal,
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryRemoved,
    ListSubmissionReceived,
    StudentEnrolled,
    StudentPersonal,
)
from shared.database.database import driver
from shared.eventsourcing.event import Event, Logged, leaf_hash
from shared.eventsourcing.sealing import fresh_nonces, people_of, seal
from shared.hosting.settings import Settings
from shared.kernel.facts import Fact, fact_type
from shared.standards.identity_number import check_digit

DIVISION = "469000"
SERVICES = ("registry", "matching", "disbursement")
TERM, DAYS, MONTH = date(2025, 9, 1), 35, 30
LISTED = 0.3  # of the students
AT_ONCE = 2_000
_BEGAN = datetime(2025, 9, 1, tzinfo=UTC)


class Said(NamedTuple):
    """One fact of a log."""

    stream: UUID
    fact: Fact
    on: date
    command: UUID


def run(events: int = 15_000) -> BenchResult:
    """``events``: about so many are told over the term. The real log holds no decisions, so every row deviates."""
    students = max(100, round((events - 2 * DAYS) / (1 + LISTED * 1.3)))
    with stage() as ready:
        ready.database.prepare(STEPS)
        began = time.perf_counter()
        moved, upto = _filled(ready, students)
        measures = [Measure("(filled)", sum(upto.values()), time.perf_counter() - began)]
        settings = {name: _settings(name) for name in SERVICES}
        admin = ready.database.owner_conninfo
        laboratory = Laboratory(ready.database, ready.keyring, admin, settings)
        fed = {"control": 0, "changed": 0}
        own, began = processor_seconds(None), time.perf_counter()
        change = MoveList(submission=moved, to=TERM + timedelta(days=7))
        answer = laboratory.answer(Ask([change]), lambda rerun, count: fed.update({rerun: count}))
        seconds, own = time.perf_counter() - began, processor_seconds(None) - own
    told = sum(fed.values())
    measures += [Measure("both reruns", told, seconds), Measure("both reruns: processor", told, own)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    return result("counterfactual", measures, students=students, differing=len(answer.children), peak_mib=peak)


def _settings(name: str) -> Settings:
    return Settings(
        service=name,
        division=DIVISION,
        environment="test",
        home=Path(),
        port=0,
        bootstrap_servers="",
        database_url="postgresql://nobody:word@127.0.0.1:1/none",
        keys_database_url="postgresql://nobody:word@127.0.0.1:1/none",
        secrets={f"hmac-{name}": name.encode().ljust(32, b"."), "kek": bytes(range(32))},
    )


def _filled(ready: Stage, students: int) -> tuple[UUID, dict[str, int]]:
    """Archive the term as if it had arrived; the second list's submission, and service → last index."""
    lists = [uuid.uuid4() for _ in range(0, DAYS, MONTH)]
    upto, versions, moment = dict.fromkeys(SERVICES, 0), dict[UUID, int](), _BEGAN
    waiting: list[Said] = []
    for said in _said(students, lists):
        waiting.append(said)
        if len(waiting) >= AT_ONCE:
            moment, waiting = _archive(ready, waiting, upto, versions, moment), []
    moment = _archive(ready, waiting, upto, versions, moment)
    with ready.database.owner() as connection:
        raw = driver(connection)
        for service, index in upto.items():
            note_head(raw, service, index, moment + timedelta(seconds=1))
        raw.execute("ANALYZE archive")
    return lists[1], upto


def _archive(
    ready: Stage, said: list[Said], upto: dict[str, int], versions: dict[UUID, int], moment: datetime
) -> datetime:
    keys = ready.keyring.keys({person for each in said for person in people_of(each.fact)}, create=True)
    nonces = fresh_nonces()
    placed: dict[str, list[Logged]] = {name: [] for name in SERVICES}
    for stream, fact, on, command in said:
        known = fact_type(type(fact))
        moment += timedelta(milliseconds=5)
        upto[known.service] += 1
        versions[stream] = versions.get(stream, 0) + 1
        event_id = uuid.uuid4()
        data = seal(fact, event_id, stream, versions[stream], keys, nonces)
        event = Event(event_id, stream, versions[stream], known.name, on, "bench", command, None, None, data)
        source, index = f"//rollcall/{DIVISION}/{known.service}", upto[known.service]
        placed[known.service].append(Logged(source, index, moment, leaf_hash(source, index, moment, event), event))
    with ready.database.owner() as connection:
        for service, fresh in placed.items():
            store(driver(connection), service, fresh)
    return moment


def _said(students: int, lists: list[UUID]) -> Iterator[Said]:
    """Configuration, the register, then day by day; on every thirtieth day a whole list, of which each time a twentieth
    is corrected, a twentieth leaves and a tenth is new."""
    streams = Streams(_settings("matching").hmac_key)
    aid = disbursement_app.build(_settings("disbursement")).seeds[0]
    yield Said(streams.model, matching_app.first_model(), TERM, uuid.uuid4())
    yield Said(uuid.uuid4(), aid.fact, date(2019, 9, 1), uuid.uuid4())
    imported = uuid.uuid4()
    for number in range(students):
        stream = UUID(int=number + 1)
        yield Said(stream, _enrolled(stream, number), date(2024, 9, 1), imported)
    clocks = uuid.uuid4(), uuid.uuid4()
    standing: list[int] = []
    following = 0
    for day in range(DAYS):
        on = TERM + timedelta(days=day)
        yield Said(clocks[0], MatchingDay(day=on), on, uuid.uuid4())
        yield Said(clocks[1], AidDay(day=on), on, uuid.uuid4())
        if day % MONTH == 0:
            fresh = round(students * LISTED * (0.1 if standing else 1.0))
            new = list(range(following, min(students, following + fresh)))
            yield from _list(lists[day // MONTH], on, standing, new)
            following += len(new)
            standing = standing[len(standing) // 20 :] + new


def _list(submission: UUID, on: date, standing: list[int], new: list[int]) -> Iterator[Said]:
    share = len(standing) // 20
    gone, corrected = standing[:share], standing[share : 2 * share]
    for number in new:
        yield Said(_entry(number), _listed(ListEntryAdded, number, submission, 1), on, submission)
    for number in corrected:
        yield Said(_entry(number), _listed(ListEntryCorrected, number, submission, on.month), on, submission)
    left: dict[str, Any] = {"agency": "poverty_office", "list": "poverty", "submission_id": submission}
    for number in gone:
        yield Said(_entry(number), ListEntryRemoved(**left, reason="missing_from_snapshot"), on, submission)
    received = ListSubmissionReceived(
        agency="poverty_office",
        list="poverty",
        mode="snapshot",
        division_code=DIVISION,
        rows=len(standing) - share + len(new),
        added=len(new),
        corrected=len(corrected),
        unchanged=len(standing) - 2 * share,
        removed=len(gone),
        rejected=0,
        received_by="bench",
    )
    yield Said(submission, received, on, submission)


def _entry(number: int) -> UUID:
    return UUID(int=(1 << 100) + number * 0x9E3779B97F4A7C15 % (1 << 64))


def _person(number: int) -> dict[str, Any]:
    born = date(2013, 1, 1) + timedelta(days=number % 2_000)
    first = f"469001{born:%Y%m%d}{number // 2_000 % 1_000:03d}"
    name = (
        "王李张陈符吴林黄周郑"[number % 10] + "小明华丽芳强伟静敏军"[number // 10 % 10] + "文海国玉"[number // 100 % 4]
    )
    return {"name": name, "id_number": first + check_digit(first), "birth_date": born}


def _enrolled(stream: UUID, number: int) -> StudentEnrolled:
    return StudentEnrolled(
        school_code=f"31460{number % 100:05}",
        division_code=f"4690{number % 20 + 1:02}",
        stage="primary",
        grade=str(number % 6 + 1),
        boarder=number % 3 == 0,
        personal=StudentPersonal(person_id=stream, **_person(number)),
    )


def _listed(kind: Any, number: int, submission: UUID, content: int) -> Any:
    return kind(
        agency="poverty_office",
        list="poverty",
        submission_id=submission,
        row=number + 1,
        household_type="脱贫户",
        division_code=DIVISION,
        fingerprint=f"{number}:{content}",
        personal=EntryPersonal(person_id=UUID(int=number + 1), **_person(number)),
    )
