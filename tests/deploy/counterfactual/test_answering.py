"""Who would have been paid what: each answer beside one worked out by hand from the terms and rates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from services.audit.counterfactuals.changes import LeaveOutList, MoveList
from tests.deploy.counterfactual.town import FIRST_DAY, TERM_FEN, Fen, Town

AUTUMN, SPRING, NEXT_AUTUMN = "2025-autumn", "2026-spring", "2026-autumn"
LATE = date(2026, 9, 20)


@pytest.fixture(scope="module")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Children 1 to 5. On the first day the list names 1 to 4, and 4 is paid for the autumn; on 20 September of the
    year after, an increment names 5, who was poor all the time."""
    made = Town(postgres, tmp_path_factory.mktemp("town"))
    made.open(FIRST_DAY)
    made.enrol(1, 2, 3, 5)
    made.enrol(4, boarder=False, school=1)
    made.list(1, 2, 3, 4)
    made.pay(4, AUTUMN)
    for day in (date(2025, 9, 5), date(2025, 9, 6), date(2026, 2, 10)):
        made.open(day)
    made.open(LATE)
    made.list(5, mode="increment")
    yield made
    made.installation.close()


def test_a_late_list_would_have_brought_the_terms_before_it(town: Town) -> None:
    answer = town.ask(MoveList(submission=town.sent[1], to=date(2025, 9, 5)))
    assert answer.clean, answer.deviations
    boarder = TERM_FEN["boarder"]
    assert town.fen(answer) == {Fen(5, AUTUMN, 0, boarder), Fen(5, SPRING, 0, boarder)}


def test_without_a_list_nobody_on_it_is_due_anything(town: Town) -> None:
    answer = town.ask(LeaveOutList(submission=town.sent[0]))
    assert answer.clean, answer.deviations
    due = {(child, term) for child in (1, 2, 3, 4) for term in (AUTUMN, SPRING, NEXT_AUTUMN)}
    fen = {child: TERM_FEN["day" if child == 4 else "boarder"] for child in (1, 2, 3, 4)}
    assert town.fen(answer) == {Fen(child, term, fen[child], 0) for child, term in due}
