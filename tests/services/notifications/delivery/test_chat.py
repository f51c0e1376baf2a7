"""A text for a chat group: what a group may read of a day, and a link that is worth nothing by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.notifications.delivery import chat_links, chat_text
from services.notifications.delivery.desk import Desk
from services.notifications.delivery_errors import LinkBad, LinkExpired, LinkUsed
from services.notifications.delivery_events import ChatLinkOpened
from services.notifications.events import AlertRaised
from services.registry.events import ClassAttendanceReported, SchoolRegistered, StudentEnrolled, StudentPersonal
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.web.languages import Language
from tests.services.installation import DIVISION, Installation
from tests.services.notifications.delivery.test_inbox import desk, notifications

__all__ = ["desk", "notifications"]  # fixtures
DAY, NOW = date(2026, 11, 24), datetime(2026, 11, 24, 1, tzinfo=UTC)
COUNTY, KEY = Scope(division=DIVISION[:4]), b"k" * 32


def child(installation: Installation, school: str, class_name: str, place: str = "469001001") -> UUID:
    student = uuid4()
    personal = StudentPersonal(person_id=student, name="王小明", id_number="469001201501011234")
    fact = StudentEnrolled(
        school_code=school, division_code=place, stage="primary", grade="3", class_name=class_name, personal=personal
    )
    installation.append("registry", student, fact, date(2026, 9, 1))
    return student


def report(installation: Installation, school: str, class_name: str, place: str = "469001001") -> None:
    fact = ClassAttendanceReported(
        school_code=school,
        division_code=place,
        stage="primary",
        grade="3",
        class_name=class_name,
        members=1,
        absences={},
        reported_by="anna",
    )
    installation.append("registry", uuid4(), fact, DAY)


def alert(installation: Installation, student: UUID, school: str) -> None:
    fact = AlertRaised(
        kind="absent_running",
        student_id=student,
        entry_id=None,
        division_code="469001001",
        school_code=school,
        since=DAY,
        evidence=(uuid4(),),
        rules_hash="0",
        explanation_code="absent_days_running",
        facts={"days": "3"},
    )
    installation.append("notifications", uuid4(), fact, DAY)


@pytest.fixture
def county(installation: Installation, desk: Desk) -> Desk:
    """Two schools of two townships; one class of three has not reported, one child is missed."""
    for code, name, place in (("S1", "第一小学", "469001001"), ("S2", "第二小学", "469001002")):
        fact = SchoolRegistered(school_code=code, name=name, division_code=place)
        installation.append("registry", uuid4(), fact, date(2020, 9, 1))
    missed = child(installation, "S1", "1")
    child(installation, "S1", "2班")
    child(installation, "S2", "1", "469001002")
    report(installation, "S1", "1")
    report(installation, "S2", "1", "469001002")
    alert(installation, missed, "S1")
    installation.pump()
    return desk


def words(desk: Desk, scope: Scope, language: Language = "zh") -> list[str]:
    found = chat_text.told(desk, scope, DAY)
    return chat_text.worded(found, NOW, "https://page.example/go/x", language, scope.school).splitlines()


def test_a_school_reads_its_classes_and_a_county_and_a_township_their_schools(county: Desk) -> None:
    assert words(county, Scope(school="S1")) == [
        "第一小学 2026-11-24(截至 11-24 09:00)",
        "已报 1 个班,未报 1 个班",
        "未报:3年级2班",
        "新增预警 1 条:3年级1班 1",
        "登录后查看(24 小时内有效,每人一次):",
        "https://page.example/go/x",
    ]
    assert words(county, COUNTY)[1:-2] == [
        "已报齐 1 所学校,未报齐 1 所(共 1 个班)",
        "未报齐:第一小学 1 个班",
        "新增预警 1 条:第一小学 1",
    ]
    assert words(county, Scope(division="469001002"))[1:-2] == [
        "已报齐 1 所学校,未报齐 0 所(共 0 个班)",
        "当天无新增预警",
    ]
    assert words(county, Scope(school="S1"), "en")[1:4] == [
        "Classes: 1 reported, 1 not",
        "Not reported: grade 3 2班",
        "New alerts 1: grade 3 class 1 1",
    ]


def test_nothing_of_a_child_is_in_the_text(county: Desk) -> None:
    for scope in (COUNTY, Scope(school="S1")):
        told = "\n".join(words(county, scope))
        assert not any(word in told for word in ("王", "小明", "4690012015", "身份"))


def test_a_link_leads_each_person_in_once_within_a_day(desk: Desk) -> None:
    link, token = chat_links.issued(desk.streams.key, DAY, NOW)
    command = Command("anna", uuid4(), b"")
    assert chat_links.opened(desk, token, command, NOW)[0].path == "/attendance?day=2026-11-24"
    assert chat_links.opened(desk, token, command, NOW)[1].replayed, "a repeated request is the same way in"
    with pytest.raises(LinkUsed):
        chat_links.opened(desk, token, Command("anna", uuid4(), b""), NOW)
    chat_links.opened(desk, token, Command("bert", uuid4(), b""), NOW + timedelta(hours=23))
    with pytest.raises(LinkExpired):
        chat_links.opened(desk, token, Command("carl", uuid4(), b""), NOW + chat_links.LIFE)
    with desk.database.writing() as connection:
        (stored,) = desk.store.load(connection, desk.streams.chat_link(link.link_id, "anna"))
    assert stored.fact == ChatLinkOpened(link_id=link.link_id)


def test_a_link_that_was_not_signed_here_is_none() -> None:
    _, token = chat_links.issued(KEY, DAY, NOW)
    assert chat_links.read(KEY, token).day == DAY
    with pytest.raises(LinkBad):
        chat_links.read(b"x" * 32, token)
    for place in range(len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(LinkBad):
            chat_links.read(KEY, changed)
    for odd in ("", "A" * 54, "é" * 54, token + "A", "!" * 54):
        with pytest.raises(LinkBad):
            chat_links.read(KEY, odd)
