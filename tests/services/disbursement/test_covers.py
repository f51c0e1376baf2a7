"""A student whom a listed head's row covers is due what a row of her own would bring, on the days of the cover."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.disbursement import app
from services.matching.events import MemberCovered, MemberCoverWithdrawn
from shared.hosting.service import Service
from tests.services.disbursement.test_entitling import TODAY, entitlements
from tests.services.happenings import enrolled, someone
from tests.services.installation import Installation


@pytest.fixture
def disbursement(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("disbursement")))
    installation.bare("registry")
    installation.bare("matching")
    return service


def covered(entry: UUID, student: UUID, since: date, until: date | None = None, **fields: Any) -> MemberCovered:
    given: dict[str, Any] = {"list": "civil", "agency": "civil_affairs", "support_type": "subsistence_allowance"}
    return MemberCovered(
        entry_id=entry, student_id=student, rule="R7", reason="household_registered", area_type="rural",
        covered_from=since, covered_to=until, division_code="469001", school_code="S1", **given | fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("since", "until", "valid_to", "due"),
    [
        (date(2026, 3, 1), None, None, True),
        (date(2026, 3, 1), date(2026, 10, 1), None, True),  # left the household during the term: takes nothing away
        (date(2026, 3, 1), date(2026, 9, 1), None, False),
        (date(2026, 3, 1), None, date(2026, 8, 31), False),
        (date(2026, 12, 1), None, None, False),  # only from a day to come
    ],
)
def test_a_student_covered_by_her_household_is_due_what_her_own_row_would_bring(
    installation: Installation,
    disbursement: Service,
    since: date,
    until: date | None,
    valid_to: date | None,
    due: bool,
) -> None:
    student = someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", someone(), covered(someone(), student, since, until, valid_to=valid_to), since)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    granted = [(row.student_id, row.amount_fen) for row in entitlements(disbursement) if row.state == "granted"]
    assert granted == ([(student, 62_500)] if due else [])


def test_a_cover_stated_anew_shortens_and_one_withdrawn_was_never_true(
    installation: Installation, disbursement: Service
) -> None:
    student, entry, stream = someone(), someone(), someone()
    since = date(2026, 3, 1)
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", stream, covered(entry, student, since), since)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    installation.append("matching", stream, covered(entry, student, since, date(2026, 10, 5)), since)
    installation.pump()
    assert [row.state for row in entitlements(disbursement)] == ["granted"]
    gone = MemberCoverWithdrawn(entry_id=entry, student_id=student, list="civil", covered_from=since)
    installation.append("matching", stream, gone, since)
    installation.pump()
    assert [row.state for row in entitlements(disbursement)] == ["withdrawn"]
