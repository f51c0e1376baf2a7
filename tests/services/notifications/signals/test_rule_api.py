"""The alert rules over HTTP: versions, another one from a day on, and what cannot be a rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from services.notifications.signals.rules import AlertRules
from tests.services.installation import Installation
from tests.services.notifications.cases.desk import TODAY, Desk, open_desk
from tests.services.notifications.signals.test_documents import a_child, absent, open_kinds

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def desk(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    installation = Installation(postgres, tmp_path_factory.mktemp("rules"))
    with open_desk(installation) as made:
        yield made
    installation.close()


def versions(desk: Desk) -> list[dict[str, Any]]:
    answer = desk.ask("GET", "/alert-rules")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_other_thresholds_hold_for_everyone_from_their_day_on(desk: Desk) -> None:
    (first,) = versions(desk)
    assert first["content"]["absent_days_running"] == AlertRules().absent_days_running
    student = a_child(desk)
    desk.settle()
    absent(desk, student, [TODAY - 4 * DAY, TODAY - 3 * DAY])
    assert open_kinds(desk, student) == []
    answer = desk.ask("POST", "/alert-rules", json={"absent_days_running": 2})
    assert answer.status_code == 201, answer.text
    assert open_kinds(desk, student) == ["absent_running"]
    last, before = versions(desk)
    assert (last["version"], last["effective_on"], last["activated_by"]) == (2, TODAY.isoformat(), "clerk")
    assert (last["content"]["absent_days_running"], last["content"]["return_days"]) == (2, AlertRules().return_days)
    assert before == first
    (alert,) = desk.alerts(params={"student": str(student)})
    assert desk.ask("GET", f"/alerts/{alert['alert_id']}").json()["alert"]["kind"] == "absent_running"


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"absent_days_running": 0}, {}),
        ({"absent_share": 1.5}, {}),
        ({"share_least": 21}, {}),
        ({"unheard_of": 1}, {}),
        ({"variations": [{"absent_days_running": 2}]}, {}),
        ({}, {"as_of": (TODAY - DAY).isoformat()}),
    ],
)
def test_what_cannot_be_a_rule_is_refused(desk: Desk, body: dict[str, Any], asked: dict[str, str]) -> None:
    before = versions(desk)
    answer = desk.ask("POST", "/alert-rules", json=body, params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_rules")
    assert versions(desk) == before


def test_a_school_reads_the_rules_and_changes_none(desk: Desk) -> None:
    assert desk.ask("GET", "/alert-rules", place={"school": "S1"}).status_code == 200
    assert desk.ask("POST", "/alert-rules", json={}, place={"school": "S1"}).status_code == 403
