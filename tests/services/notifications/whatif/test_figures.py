"""The published figures of the rules, on a real database: per version and kind, within the viewer's scope."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notifications import app
from services.notifications.case_events import AttemptLogged
from services.notifications.events import AlertClosed, AlertKind, AlertRaised, AlertWithdrawn
from services.notifications.whatif.figures import RuleFigure, figures
from services.registry.events import StudentLeft
from shared.database.scopes import Scope
from shared.hosting.service import Service
from tests.services.happenings import enrolled, link, someone
from tests.services.installation import DIVISION, Installation

RAISED, TODAY = date(2026, 3, 10), date(2026, 6, 1)
COUNTY = Scope(division=DIVISION[:4])


@pytest.fixture
def service(installation: Installation) -> Service:
    return installation.start(app.build(installation.settings("notifications")))


def raised(installation: Installation, student: UUID, kind: AlertKind = "absent_running", **fields: Any) -> UUID:
    """The alert's stream."""
    alert = someone()
    given: dict[str, Any] = {"division_code": "469001", "school_code": "S1", "rules_hash": "r1"} | fields
    fact = AlertRaised(
        kind=kind,
        student_id=student,
        entry_id=None,
        since=RAISED,
        evidence=(someone(),),
        explanation_code="",
        facts={},
        **given,
    )
    installation.append("notifications", alert, fact, RAISED)
    return alert


def told(installation: Installation, service: Service, scope: Scope = COUNTY) -> list[RuleFigure]:
    installation.pump()
    with service.database.reading(scope, "rule_figures") as connection:
        return figures(connection, TODAY)


def test_each_version_of_the_rules_has_its_own_figures(installation: Installation, service: Service) -> None:
    helped, dropped, wrong, other = someone(), someone(), someone(), someone()
    for student in (helped, dropped):
        installation.append("registry", student, enrolled(student), date(2025, 9, 1))
    alert = raised(installation, helped)
    attempt = AttemptLogged(day=RAISED + timedelta(days=1), way="phone", by=("teacher",), outcome="will_return")
    installation.append("notifications", alert, attempt, RAISED + timedelta(days=1))
    closed = AlertClosed(reason="attending_again", evidence="")
    installation.append("notifications", alert, closed, RAISED + timedelta(days=6))
    installation.append("matching", someone(), link(someone(), helped), RAISED)
    raised(installation, dropped)
    left = StudentLeft(school_code="S1", division_code="469001", reason="dropped_out")
    installation.append("registry", dropped, left, RAISED + timedelta(days=20))
    mistaken = raised(installation, wrong)
    withdrawn = AlertWithdrawn(reason="attendance_corrected", evidence=())
    installation.append("notifications", mistaken, withdrawn, RAISED)
    raised(installation, other, rules_hash="r2", school_code="S2")
    first, second = told(installation, service)
    assert (first.rules_hash, first.kind, first.raised, first.right, first.wrong) == ("r1", "absent_running", 3, 2, 1)
    assert (first.precision, first.lead_days, first.helped, first.on_aid_list) == (0.667, 13.0, 1, 1)
    assert (second.rules_hash, second.raised) == ("r2", 1)
    (school,) = told(installation, service, Scope(school="S2"))
    assert (school.rules_hash, school.raised) == ("r2", 1)


def test_an_alert_raised_again_counts_twice(installation: Installation, service: Service) -> None:
    student = someone()
    alert = raised(installation, student)
    installation.append("notifications", alert, AlertWithdrawn(reason="found_in_register", evidence=()), RAISED)
    fact = AlertRaised(
        kind="absent_running",
        student_id=student,
        entry_id=None,
        division_code="469001",
        school_code="S1",
        since=RAISED,
        evidence=(),
        rules_hash="r1",
        explanation_code="",
        facts={},
    )
    installation.append("notifications", alert, fact, RAISED + timedelta(days=9))
    (figure,) = told(installation, service)
    assert (figure.raised, figure.wrong, figure.right) == (2, 1, 1)
