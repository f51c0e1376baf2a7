"""Emergency access in the inbox of who reviews it: at once, every day while it is late, and of nobody else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.access.events import EmergencyAccessEnded, EmergencyAccessReviewed, EmergencyAccessTaken
from services.notifications import app
from services.notifications.delivery import inbox
from services.notifications.delivery.desk import VIEW
from services.notifications.delivery.inbox import Reader
from services.notifications.delivery.places import place_of
from services.notifications.delivery.topics import topics_of
from shared.database.scopes import Scope
from shared.hosting.service import Service
from shared.standards.posts import Kind
from shared.standards.rights import held_by
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation

PERSON, TODAY = UUID(int=5), date(2026, 11, 24)
BEGAN = datetime(2026, 11, 24, 1, tzinfo=UTC)


@pytest.fixture
def notifications(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("notifications")))
    for name in ("access", "registry", "matching"):
        installation.bare(name)
    return service


def take(installation: Installation, school: str | None = None, kind: str = "class_teacher") -> UUID:
    stream = uuid4()
    fact = EmergencyAccessTaken(
        emergency_id=stream,
        account_id=PERSON,
        session_id=uuid4(),
        post_id=uuid4(),
        kind=kind,
        division_code=DIVISION,
        school_code=school,
        until=BEGAN + timedelta(hours=2),
        reason="班主任住院,考勤须当天补报",
    )
    installation.append("access", stream, fact, TODAY)
    return stream


def told(service: Service, kind: Kind, scope: Scope) -> list[tuple[str, int, str]]:
    place = place_of(scope, DIVISION)
    assert place is not None
    reader = Reader(place, f"{kind}:a", topics_of(held_by(kind)))
    with service.database.reading(scope, VIEW) as connection:
        rows = inbox.inbox(connection, reader, PageTurn(None, 50), "zh")
        assert inbox.unread_count(connection, reader) == len(rows)
    return sorted((row.topic, row.total, "·".join(row.parts)) for row in rows)


def test_who_reviews_it_is_told_at_once_and_who_does_not_is_not(
    installation: Installation, notifications: Service
) -> None:
    take(installation, "S1")
    take(installation, kind="reviewer")
    installation.pump()
    county, school = Scope(division=DIVISION), Scope(school="S1")
    assert told(notifications, Kind.APPROVER, county) == [("emergencies_taken", 2, "班主任:1·资助中心核对员:1")]
    assert told(notifications, Kind.PRINCIPAL, school) == [("emergencies_taken", 1, "班主任:1")]
    assert told(notifications, Kind.AID_CLERK, county) == told(notifications, Kind.REGISTRAR, school) == []
    assert told(notifications, Kind.PRINCIPAL, Scope(school="S2")) == []


def test_what_is_late_is_told_every_day_until_it_is_reviewed(
    installation: Installation, notifications: Service
) -> None:
    late, early = take(installation, "S1"), take(installation)
    over = EmergencyAccessEnded(emergency_id=early, account_id=PERSON, session_id=uuid4(), division_code=DIVISION)
    installation.append("access", early, over, TODAY)  # recorded now, long after BEGAN: not late on the days below
    installation.pump()
    school = Scope(school="S1")
    for day, overdue in ((27, 0), (28, 1), (29, 2)):
        installation.open_day(notifications, date(2026, 11, day))
        installation.pump()
        counted = [total for topic, total, _ in told(notifications, Kind.PRINCIPAL, school) if "overdue" in topic]
        assert sum(counted) == overdue
    review = EmergencyAccessReviewed(emergency_id=late, account_id=PERSON, justified=True, note="属实", by="p")
    installation.append("access", late, review, TODAY)
    installation.pump()
    installation.open_day(notifications, date(2026, 11, 30))
    installation.pump()
    assert sum(n for topic, n, _ in told(notifications, Kind.PRINCIPAL, school) if "overdue" in topic) == 2
