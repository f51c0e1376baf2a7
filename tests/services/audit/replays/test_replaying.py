"""A replay in the middle of a history, compared with what the input list says was known then, not with another fold."""

from __future__ import annotations

import random
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from deploy.views import VIEWS
from services.audit import app, archived
from services.audit.archive import note_head
from services.audit.errors import (
    ArchiveDoubtful,
    BeforeFirstEvent,
    NoSuchIndex,
    NotByStudent,
    NotYetClosed,
    UnknownView,
)
from services.audit.replays.replaying import Answer, Question, Replays, in_order
from services.disbursement import app as disbursement_app
from services.disbursement.commands import DisburseAid
from services.disbursement.handlers import disburse_aid
from services.disbursement.streams import Streams
from services.matching import app as matching_app
from services.notifications import app as notifications_app
from services.registry.events import StudentLeft
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.hosting.service import Service
from tests.services import archiving
from tests.services.happenings import enrolled, link, someone, unlink
from tests.services.installation import DIVISION, Installation

TODAY = date(2026, 11, 24)
SERVICES = ("registry", "matching", "disbursement", "notifications")
COUNTY = Scope(division=DIVISION[:4])


class Moment(NamedTuple):
    """What the input list had done when the clock stood at ``at``: student → reference paid; who had dropped out."""

    at: datetime
    paid: dict[UUID, str]
    dropped_out: set[UUID]


def archive(installation: Installation, audit: Service) -> None:
    """What the archiver does with the logs of the history."""
    archiving.archive(installation, audit, SERVICES)


@pytest.fixture
def audit(installation: Installation) -> Service:
    return installation.start(app.build(installation.settings("audit"), VIEWS))


def replays(installation: Installation, audit: Service) -> Replays:
    return Replays(audit.database, installation.keyring, VIEWS, threading.BoundedSemaphore(2))


def now(installation: Installation) -> datetime:
    """The last moment anything was recorded."""
    return max(logged.recorded_at for name in SERVICES for logged, _ in installation.entries(name))


def a_history(installation: Installation) -> list[Moment]:
    """Twelve students are entitled; in each step two are paid and one drops out; the input list is the oracle."""
    disbursement = installation.start(disbursement_app.build(installation.settings("disbursement")))
    notifications = installation.start(notifications_app.build(installation.settings("notifications")))
    installation.bare("registry")
    installation.bare("matching")
    streams = Streams(installation.settings("disbursement").hmac_key)
    students = [someone() for _ in range(12)]
    for student in students:
        installation.append("registry", student, enrolled(student), date(2021, 9, 1))
        installation.append("matching", someone(), link(someone(), student), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.open_day(notifications, TODAY)
    installation.pump()
    paid: dict[UUID, str] = {}
    dropped_out: set[UUID] = set()
    moments = [Moment(now(installation), {}, set())]
    order = random.Random(7).sample(students, 12)
    for step in range(4):
        for student in order[step * 2 : step * 2 + 2]:
            entitlement = streams.entitlement(student, "living_subsidy", "2026-autumn")
            command, reference = Command("clerk", uuid4(), b""), f"B-{step}-{student.hex[:4]}"
            intent = DisburseAid(TODAY, reference)
            disburse_aid(disbursement.database, disbursement.store, streams, COUNTY, entitlement, intent, command)
            paid[student] = reference
        leaver = order[8 + step]
        fact = StudentLeft(school_code="S1", division_code="469001", reason="dropped_out")
        installation.append("registry", leaver, fact, TODAY)
        dropped_out.add(leaver)
        installation.pump()
        moments.append(Moment(now(installation), dict(paid), set(dropped_out)))
    return moments


def ask(asked: Replays, view: str, **question: Any) -> Answer:
    return asked.ask(Question(view, question.pop("true_on", TODAY), **question))


def test_each_moment_shows_exactly_what_was_known_then(installation: Installation, audit: Service) -> None:
    moments = a_history(installation)
    archive(installation, audit)
    asked = replays(installation, audit)
    for moment in moments:
        payments = ask(asked, "payments", known_at=moment.at)
        assert {UUID(row["student_id"]): row["reference"] for row in payments.rows} == moment.paid
        assert {row["amount_fen"] for row in payments.rows} <= {62_500}
        alerts = ask(asked, "alerts", known_at=moment.at)
        assert {UUID(row["student_id"]) for row in alerts.rows if row["state"] == "open"} == moment.dropped_out
        assert {row["name"] for row in [*alerts.rows, *payments.rows]} <= {"张*明"}


def test_a_students_categories_are_told_as_they_were_known_at_each_moment(
    installation: Installation, audit: Service
) -> None:
    installation.bare("registry")
    installation.start(matching_app.build(installation.settings("matching")))
    installation.bare("disbursement")
    installation.bare("notifications")
    child, other, entry, stream = someone(), someone(), someone(), someone()
    entered, left = date(2024, 1, 1), date(2026, 10, 1)
    known: list[tuple[datetime, list[tuple[str, str | None, str]]]] = []

    def noted(*expected: tuple[str, str | None, str]) -> None:
        installation.pump()
        known.append((now(installation), list(expected)))

    for each in (child, other):
        installation.append("registry", each, enrolled(each), date(2021, 9, 1))
        installation.append("matching", someone(), link(someone(), each, list="disability"), entered)
    noted(("2024-01-01", None, "disabled"))
    installation.append("matching", stream, link(entry, child), date(2025, 3, 1))
    noted(("2024-01-01", "2025-03-01", "disabled"), ("2025-03-01", None, "registered_poor"))
    # The exit of October is recorded only now: nobody knew of it before.
    installation.append("matching", stream, unlink(entry, child, "missing_from_snapshot"), left)
    noted(
        ("2024-01-01", "2025-03-01", "disabled"),
        ("2025-03-01", "2026-10-01", "registered_poor"),
        ("2026-10-01", None, "disabled"),
    )
    archive(installation, audit)
    asked = replays(installation, audit)
    for at, expected in known:
        answer = ask(asked, "categories", known_at=at, student_id=child)
        assert {row["student_id"] for row in answer.rows} == {str(child)}
        assert [(row["valid_from"], row["valid_to"], row["category"]) for row in answer.rows] == expected
        assert [row["category"] for row in answer.rows if row["on_day"]] == [expected[-1][2]]
    everyone = ask(asked, "categories", known_at=known[-1][0])
    assert {row["student_id"] for row in everyone.rows} == {str(child), str(other)}
    with pytest.raises(NotByStudent):
        ask(asked, "schools", known_at=known[-1][0], student_id=child)


def test_what_was_not_true_yet_is_not_shown(installation: Installation, audit: Service) -> None:
    moments = a_history(installation)
    archive(installation, audit)
    asked = replays(installation, audit)
    assert ask(asked, "payments", known_at=moments[-1].at, true_on=TODAY - timedelta(days=1)).rows == []


def test_the_same_question_twice_gives_the_same_bytes_and_leaves_nothing(
    installation: Installation, audit: Service
) -> None:
    moments = a_history(installation)
    archive(installation, audit)
    asked = replays(installation, audit)
    before = ask(asked, "payments", known_at=moments[2].at)
    later = someone()
    installation.append("registry", later, enrolled(later), date(2021, 9, 1))
    installation.pump()
    archive(installation, audit)
    assert ask(asked, "payments", known_at=moments[2].at) == before
    assert ask(asked, "payments", known_at=moments[3].at).hash != before.hash
    with audit.database.owner() as connection:
        left = driver(connection).execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'replay%'").fetchall()
    assert left == []


def test_rows_stand_by_their_keys_whatever_order_a_database_gives() -> None:
    rows = [{"a": key, "b": value} for key, value in (("乙", 2), ("b", None), ("B", 1), ("a", 10), ("a", 9))]
    expected = [("B", 1), ("a", 10), ("a", 9), ("b", None), ("乙", 2)]
    for _ in range(5):
        random.Random(_).shuffle(rows)
        assert [(row["a"], row["b"]) for row in in_order(rows, ("a", "b"))] == expected


def test_an_index_of_the_views_own_log_is_a_moment_too(installation: Installation, audit: Service) -> None:
    a_history(installation)
    archive(installation, audit)
    asked = replays(installation, audit)
    entries = installation.entries("disbursement")
    first = next(e.logged for e in entries if e.logged.event.type == "disbursement.AidDisbursed.v1")
    assert len(ask(asked, "payments", log_index=first.log_index).rows) == 1
    assert ask(asked, "payments", log_index=first.log_index - 1).rows == []
    assert ask(asked, "payments", log_index=first.log_index).log_index["disbursement"] == first.log_index
    with pytest.raises(NoSuchIndex):
        ask(asked, "payments", log_index=len(entries) + 1)


def test_moments_that_cannot_be_known_are_refused(installation: Installation, audit: Service) -> None:
    moments = a_history(installation)
    asked = replays(installation, audit)
    with pytest.raises(NotYetClosed):
        ask(asked, "payments")  # nothing is archived yet
    archive(installation, audit)
    with pytest.raises(BeforeFirstEvent):
        ask(asked, "payments", known_at=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(NotYetClosed):
        ask(asked, "payments", known_at=datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(UnknownView):
        ask(asked, "salaries")
    with audit.database.working() as connection:  # a log tells of more than has arrived
        note_head(driver(connection), "registry", 10_000, datetime.now(UTC))
    with pytest.raises(NotYetClosed):
        ask(asked, "payments", known_at=moments[0].at)


def test_nothing_is_replayed_on_an_archive_that_was_tampered_with(installation: Installation, audit: Service) -> None:
    moments = a_history(installation)
    archive(installation, audit)
    with audit.database.owner() as connection:  # the owner can do what nobody may: the replay has to find it
        raw = driver(connection)
        raw.execute("ALTER TABLE archive DISABLE TRIGGER USER")
        raw.execute("UPDATE archive SET principal = 'forger' WHERE service = 'registry' AND log_index = 5")
    with pytest.raises(ArchiveDoubtful) as refused:
        ask(replays(installation, audit), "payments", known_at=moments[-1].at)
    assert refused.value.facts == {"service": "registry", "log_index": 5, "kind": "wrong_leaf"}


def test_the_heads_say_how_far_each_log_is_complete(installation: Installation, audit: Service) -> None:
    a_history(installation)
    archive(installation, audit)
    with audit.database.working() as connection:
        heads = archived.heads(driver(connection), SERVICES)
    for head in heads:
        assert head.archived == head.log_index == len(installation.entries(head.service))
        assert head.closed_until is not None
