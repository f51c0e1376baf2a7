"""One town for all tests here; none of them changes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.deploy.counterfactual.town import AUTUMN, FIRST_DAY, Town


@pytest.fixture(scope="package")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Children 1 to 5, of whom 4 is no boarder and learns in the second school. On the first day the list names 1 to 4,
    and 4 is paid for the autumn. In spring a snapshot names 1 to 4 once more, of whom 3 under another kind. On 20
    September of the year after an increment names 5, who was poor all the time."""
    made = Town(postgres, tmp_path_factory.mktemp("town"))
    made.open(FIRST_DAY)
    made.enrol(1, 2, 3, 5)
    made.enrol(4, boarder=False, school=1)
    made.send(1, 2, 3, 4)
    made.pay(4, AUTUMN)
    for day in (date(2025, 9, 5), date(2025, 9, 6), date(2026, 2, 10)):
        made.open(day)
    made.send(1, 2, 4, rows=[made.row(3, kind="边缘易致贫户")])
    made.open(date(2026, 9, 20))
    made.send(5, mode="increment")
    made.archived()
    yield made
    made.close()
