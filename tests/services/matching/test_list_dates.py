"""How old the lists are on which a roster rests: the newest of each agency that was true by the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

import services.matching.app as matching_app
from services.matching.list_dates import ListsKnown, Told, list_dates, lists_known
from services.matching.roster import evidence_row
from services.matching.tables import LIST_DATES
from services.registry.events import ListSubmissionReceived, ListSubmissionWithdrawn
from shared.database.scopes import Scope
from tests.services.installation import DIVISION, Installation


@pytest.fixture
def installation(postgres: Any, tmp_path: Any) -> Iterator[Installation]:
    made = Installation(postgres, tmp_path)
    made.bare("registry")
    yield made
    made.close()


def received(name: str, agency: str) -> ListSubmissionReceived:
    counts: Any = dict.fromkeys(("rows", "added", "corrected", "unchanged", "removed", "rejected"), 0)
    return ListSubmissionReceived(
        agency=agency, list=name, mode="snapshot", division_code=DIVISION, received_by="clerk", **counts
    )


def withdrawn(agency: str) -> ListSubmissionWithdrawn:
    counts = dict.fromkeys(("rows", "left", "restored", "returned", "kept", "unaffected"), 0)
    return ListSubmissionWithdrawn(
        agency=agency,
        list="poverty",
        division_code=DIVISION,
        reason="wrong_file",
        withdrawn_by="clerk",
        **counts,
    )


def test_the_newest_list_by_the_day_counts_and_a_withdrawn_one_does_not(installation: Installation) -> None:
    service = installation.start(matching_app.build(installation.settings("matching")))
    autumn, winter = date(2026, 9, 1), date(2026, 12, 1)
    installation.append("registry", uuid4(), received("poverty", "poverty_office"), autumn)
    installation.append("registry", uuid4(), received("poverty", "another_office"), autumn)
    late = uuid4()
    installation.append("registry", late, received("poverty", "poverty_office"), winter)

    def dated(day: date) -> list[tuple[str, date]]:
        installation.pump()
        with service.database.reading(Scope(school="S1"), "roster") as connection:
            return [(each.agency, each.dated) for each in list_dates(connection, day)]

    assert dated(date(2026, 8, 31)) == []
    assert dated(date(2026, 11, 30)) == [("another_office", autumn), ("poverty_office", autumn)]
    assert dated(winter) == [("another_office", autumn), ("poverty_office", winter)]
    installation.append("registry", late, withdrawn("poverty_office"), date(2026, 12, 5))
    assert dated(winter) == [("another_office", autumn), ("poverty_office", autumn)]


def test_how_old_a_list_was_at_a_moment_is_by_what_was_recorded_up_to_then(installation: Installation) -> None:
    service = installation.start(matching_app.build(installation.settings("matching")))
    autumn, winter = date(2026, 9, 1), date(2026, 12, 1)
    first, second = uuid4(), uuid4()
    installation.append("registry", first, received("poverty", "poverty_office"), autumn)
    installation.append("registry", second, received("poverty", "poverty_office"), winter)
    installation.append("registry", second, withdrawn("poverty_office"), date(2026, 12, 5))
    installation.append("registry", uuid4(), received("poverty", "poverty_office"), date(2026, 8, 1))
    installation.pump()
    c = LIST_DATES.c
    with service.database.reading(Scope(school="S1"), "roster") as connection:
        told = {row.entity: row for row in connection.execute(select(*c))}
        known = lists_known(connection)
    tick = timedelta(microseconds=1)
    at = {"nothing": told[first].received_at - tick, "first": told[first].received_at}
    at |= {"second": told[second].received_at, "withdrawn": told[second].withdrawn_at}
    at["late and old"] = max(row.received_at for row in told.values())
    found = {when: known.newest("poverty", "poverty_office", moment) for when, moment in at.items()}
    assert found == {"nothing": None, "first": autumn, "second": winter, "withdrawn": autumn, "late and old": autumn}
    assert known.newest("civil", "poverty_office", at["second"]) is None


DECIDED = datetime(2026, 9, 20, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "stated_on", "dated", "days"),
    [
        (date(2026, 9, 1), date(2026, 8, 1), date(2026, 9, 1), 19),  # a newer list said nothing new of the row
        (date(2026, 9, 1), date(2026, 9, 15), date(2026, 9, 15), 5),  # decided on while its list came in
        (None, date(2026, 9, 15), date(2026, 9, 15), 5),
        (date(2026, 9, 1), None, date(2026, 9, 1), 19),  # covers a household: the row was stated some time before
        (None, None, date(2026, 9, 10), 10),
    ],
)
def test_evidence_tells_how_old_its_list_was_when_it_was_decided_on(
    known: date | None, stated_on: date | None, dated: date, days: int
) -> None:
    row = {"list": "civil", "agency": "a", "decided_at": DECIDED, "stated_on": stated_on}
    row |= {"first_day": date(2026, 9, 10), "entry_id": uuid4(), "event_id": uuid4(), "rule": "R1"}
    row |= {"starts_on": None, "ends_on": None}
    told = [] if known is None else [Told(known, DECIDED - timedelta(days=1), None)]
    shown = evidence_row(row, ListsKnown({("civil", "a"): told}))
    assert (shown.list_dated, shown.list_age_days) == (dated, days)
