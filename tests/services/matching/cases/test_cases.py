"""Every case of this folder: what must come of a row, in a sentence."""

from __future__ import annotations

import pytest

from tests.services.matching.cases.every import CASES
from tests.services.matching.cases.form import Case
from tests.services.matching.cases.running import decided


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_case(case: Case) -> None:
    found = decided(case)
    assert (found.state, found.rule, found.reason, found.student, found.candidates) == (
        *(case.expected.state, case.expected.rule, case.expected.reason),
        *(case.expected.single, case.expected.students),
    )
    assert found.zh and found.en, "every outcome explains itself"
