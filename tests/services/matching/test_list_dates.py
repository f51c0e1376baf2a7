"""How old the lists are on which a roster rests: the newest of each agency that was true by the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

import services.matching.app as matching_app
from services.matching.list_dates import list_dates
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
