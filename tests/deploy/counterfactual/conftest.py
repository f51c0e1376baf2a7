"""One town for all tests here; none of them changes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.deploy.counterfactual.town import AUTUMN, FIRST_DAY, Town


@pytest.fixture(scope="package")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Children 1 to 7, of whom 4 is no boarder and learns in the second school. On the first day the list names all but
    5, and 6 under another name, so that a clerk says on 6 September that it is 6; 4 is paid for the autumn; 7 leaves in
    December. In spring a snapshot names 1 to 4 and 6 once more, of whom 3 under another kind. On 20 September of the
    year after an increment names 5, who was poor all the time; and a list of wrong rows comes and is withdrawn."""
    made = Town(postgres, tmp_path_factory.mktemp("town"))
    made.open(FIRST_DAY)
    made.enrol(1, 2, 3, 5, 6, 7)
    made.enrol(4, boarder=False, school=1)
    renamed = made.row(6, name="王小六")
    made.send(1, 2, 3, 4, 7, rows=[renamed])
    made.pay(4, AUTUMN)
    for day in (date(2025, 9, 5), date(2025, 9, 6)):
        made.open(day)
    made.rule(6)
    made.open(date(2025, 12, 1))
    made.leave(7)
    made.open(date(2026, 2, 10))
    made.send(1, 2, 4, rows=[made.row(3, kind="边缘易致贫户"), renamed])
    made.open(date(2026, 9, 20))
    made.send(5, mode="increment")
    made.withdraw(made.send(8, 9, mode="increment"))
    made.archived()
    yield made
    made.close()
