"""Whose day of reading in full stands out, as access and audit tell it from the same logs: acts of every service are
counted once each, however many children they show, and large acts told apart. What is expected is counted here by
hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from deploy.principals import CONSUMES
from deploy.views import VIEWS
from services.access import app as access_app
from services.access.read_projection import READS_VIEW as ACCESS_READS
from services.access.read_queries import many_reads
from services.audit import app as audit_app
from services.audit.events import CounterfactualRead, PersonFileRead
from services.audit.reads import read_queries
from services.audit.reads.read_folds import READS_VIEW as AUDIT_READS
from services.disbursement.letter_events import LetterPaperRead
from services.matching.events import ReviewRead
from services.notifications.case_events import CaseNotesRead
from services.registry.events import PersonalDataRead, RegisterExported, RejectedRowsRead
from services.registry.paper_events import PaperScanRead
from shared.database.scopes import NO_SCOPE, Scope
from shared.hosting.service import Service
from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.clock import today
from shared.kernel.facts import Fact, fact_types
from tests.services.installation import DIVISION, Installation

WHY = "核对资助发放"
PLACE: dict[str, Any] = {"division_code": f"{DIVISION}101"}
COUNTY = Scope(division=DIVISION)
# Of reads told by a fact with a viewer these show nobody in full.
MASKED = {CounterfactualRead}


def children(count: int) -> tuple[UUID, ...]:
    return tuple(uuid4() for _ in range(count))


def opened(who: str) -> Fact:
    return PersonalDataRead(viewer=who, student_id=uuid4(), purpose=WHY, fields=("phone",), **PLACE)


def scan(who: str) -> Fact:
    return PaperScanRead(viewer=who, paper_id=uuid4(), purpose=WHY, **PLACE)


def notes(who: str) -> Fact:
    return CaseNotesRead(viewer=who, alert_id=uuid4(), purpose=WHY, fields=("notes",), **PLACE)


def file(who: str) -> Fact:
    moment = datetime(2026, 9, 1, tzinfo=UTC)
    return PersonFileRead(
        viewer=who, student_id=uuid4(), purpose=WHY, known_at=moment, true_on=date(2026, 9, 1), **PLACE
    )


def paper(who: str, count: int) -> Fact:
    return LetterPaperRead(
        viewer=who, letter_id=uuid4(), children=children(count), purpose=WHY, fields=("name",), **PLACE
    )


def row(who: str, candidates: int) -> Fact:
    return ReviewRead(viewer=who, entry_id=uuid4(), students=children(candidates), purpose=WHY, fields=(), **PLACE)


def taken(who: str, rows: int) -> Fact:
    return RegisterExported(viewer=who, kind="students", purpose=WHY, rows=rows, fields=("name",), **PLACE)


def returned(who: str, rows: int) -> Fact:
    return RejectedRowsRead(viewer=who, submission_id=uuid4(), rows=rows, agency="civil_affairs", **PLACE)


# Reader → what was read, and what of it stands out.
DAYS: dict[str, tuple[list[Fact], set[str]]] = {
    "one-letter": ([paper("one-letter", 50), opened("one-letter")], set()),
    "a-class": ([paper("a-class", 65)], set()),
    "more-than-a-class": ([paper("more-than-a-class", 66)], {"many_at_once"}),
    "a-row-of-many": ([row("a-row-of-many", 65)], {"many_at_once"}),
    "forty-nine": ([opened("forty-nine") for _ in range(49)], set()),
    "everywhere": (
        [make("everywhere") for make in (opened, scan, notes, file, lambda who: row(who, 2)) for _ in range(10)],
        {"many_reads"},
    ),
    "ten-letters": ([paper("ten-letters", 50) for _ in range(10)], {"many_rows"}),
    "a-list": ([taken("a-list", 400), returned("a-list", 100)], {"many_rows"}),
    "a-short-list": ([taken("a-short-list", 499)], set()),
}


class Counted(NamedTuple):
    acts: int
    rows: int
    at_once: int


def by_hand(facts: list[Fact]) -> Counted:
    """What a person with a pencil would count."""
    sizes, single = [], [0]
    for fact in facts:
        match fact:
            case RegisterExported(rows=rows) | RejectedRowsRead(rows=rows):
                sizes.append(rows)
                continue
            case LetterPaperRead(children=named):
                sizes.append(len(named))
            case ReviewRead(students=named):
                sizes.append(len(named) + 1)
            case _:
                sizes.append(1)
        single.append(sizes[-1])
    return Counted(len(facts), sum(sizes), max(single))


LOGS = {fact.cls: fact.service for fact in fact_types()}


@pytest.fixture(scope="module")
def told(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    installation = Installation(postgres, tmp_path_factory.mktemp("reads"))
    access = installation.start(access_app.build(installation.settings("access")))
    audit = installation.start(audit_app.build(installation.settings("audit"), VIEWS))
    facts = [fact for read, _ in DAYS.values() for fact in read]
    random.Random(58).shuffle(facts)  # an order, no secret
    for fact in facts:
        installation.append(LOGS[type(fact)], uuid4(), fact, today())
    installation.pump()
    yield access, audit
    installation.close()


def test_access_counts_acts_of_every_service_and_tells_large_ones_apart(told: tuple[Service, Service]) -> None:
    with told[0].database.reading(COUNTY, ACCESS_READS.name) as connection:
        found = {each.account: each for each in many_reads(connection, today(), 50)}
    assert {reader: set(each.unusual) for reader, each in found.items()} == {
        reader: signs for reader, (_, signs) in DAYS.items() if signs
    }
    for reader, each in found.items():
        assert (each.reads, each.rows, each.at_once) == by_hand(DAYS[reader][0]), reader
    for scope in (NO_SCOPE, Scope(school="S2"), Scope(division="120000")):
        with told[0].database.reading(scope, ACCESS_READS.name) as connection:
            assert many_reads(connection, today(), 50) == []


def test_audit_tells_the_same_days(told: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    monkeypatch.setattr(read_queries, "NIGHT", (24, 0))

    def asked() -> dict[str, read_queries.UnusualRow]:
        with told[1].database.reading(COUNTY, AUDIT_READS.name) as connection:
            rows = read_queries.unusual(connection, now - timedelta(days=1), now + timedelta(days=1), 50)
        return {each.viewer: each for each in rows}

    found = asked()
    assert {reader: set(each.unusual) for reader, each in found.items()} == {
        reader: signs for reader, (_, signs) in DAYS.items() if signs
    }
    for reader, each in found.items():
        assert (each.reads, each.rows, each.at_once) == by_hand(DAYS[reader][0]), reader
    assert found["everywhere"].students == 10 + 10 + 10 * 2, "papers and cases of nobody known here name none"
    monkeypatch.setattr(read_queries, "NIGHT", (0, 0))
    assert set(asked()) == set(DAYS) and all("at_night" in each.unusual for each in asked().values())


def test_every_fact_that_tells_a_read_in_full_is_counted() -> None:
    known = [each.cls for each in fact_types() if each.service in CONSUMES]
    reads = {
        cls
        for cls in known
        if "viewer" in cls.__struct_fields__ and not issubclass(cls, RefusedFields | ExportedFields)
    }
    assert reads - MASKED == set(ACCESS_READS.folds) and reads - MASKED <= set(AUDIT_READS.folds)
    assert {type(fact) for read, _ in DAYS.values() for fact in read} == set(ACCESS_READS.folds)
