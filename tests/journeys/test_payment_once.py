"""Story: every child who is due aid is paid once, however often the button is pressed and by however many."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.district import District
from tests.support.oracle import TERM_FEN
from tests.support.people import Child


def entitled(district: District) -> tuple[Child, dict[str, Any]]:
    """A child with aid due, and its entitlement as the clerk sees it."""
    child = district.newcomer()
    district.office.list_rows([district.people.row("poverty", "exact", child)], district.today)
    district.system.settle()
    (row,) = due(district, child)
    return child, row


def due(district: District, child: Child) -> list[dict[str, Any]]:
    student = district.office.student_id(child)
    return district.office.clerk.pages("disbursement", "/entitlements", student=student)


def payment(district: District, reference: str = "PAY-1") -> dict[str, str]:
    return {"paid_on": district.today.isoformat(), "reference": reference}


def test_a_child_on_a_list_is_due_the_rate_of_its_stage_and_boarding_once(district: District) -> None:
    child, row = entitled(district)
    assert child.school is not None
    assert row["amount_fen"] == TERM_FEN[child.school.stage, child.boarder]
    assert row["state"] == "granted"


def test_a_child_on_three_lists_is_due_once(district: District) -> None:
    child = district.newcomer()
    rows = [district.people.row(name, "exact", child) for name in ("poverty", "civil", "disability")]
    for row in rows:
        district.office.list_rows([row], district.today)
    district.system.settle()
    assert len(due(district, child)) == 1
    district.compare()


def test_the_same_payment_sent_again_is_the_same_payment(district: District) -> None:
    child, row = entitled(district)
    key, path = uuid.uuid4(), f"/entitlements/{row['entitlement_id']}/disburse"
    answers = [district.office.cashier.post("disbursement", path, payment(district), key=key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    district.oracle.disbursed(child, "PAY-1")
    district.system.settle()
    district.compare()


def test_a_second_payment_of_the_same_entitlement_is_refused(district: District) -> None:
    child, row = entitled(district)
    path = f"/entitlements/{row['entitlement_id']}/disburse"
    assert district.office.cashier.post("disbursement", path, payment(district)).is_success
    again = district.office.cashier.post("disbursement", path, payment(district, "PAY-2"))
    assert again.status_code == 409
    district.oracle.disbursed(child, "PAY-1")
    district.system.settle()
    district.compare()


def test_of_eight_cashiers_who_pay_at_the_same_moment_one_succeeds(district: District) -> None:
    child, row = entitled(district)
    path = f"/entitlements/{row['entitlement_id']}/disburse"
    cashiers = [district.system.callers.of("cashier") for _ in range(8)]

    def pay(number: int) -> int:
        return cashiers[number].post("disbursement", path, payment(district, f"PAY-{number}")).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(pay, range(8)))
    assert sorted(statuses) == [200, *[409] * 7]
    district.oracle.disbursed(child, f"PAY-{statuses.index(200)}")
    district.system.settle()
    district.compare()


def test_leaving_the_list_after_the_term_began_takes_no_aid_away(district: District) -> None:
    child, row = entitled(district)
    listed = next(each for each in district.oracle.rows.values() if each.number == child.number)
    district.office.remove(listed, district.today)
    district.system.settle()
    assert [each["state"] for each in due(district, child)] == ["granted"]
    district.office.disburse(child, row["entitlement_id"], district.today)
    district.system.settle()
    district.compare()


def test_a_school_cannot_pay_and_does_not_see_another_schools_aid(district: District) -> None:
    child, row = entitled(district)
    assert child.school is not None
    other = next(school for school in district.schools if school is not child.school)
    own, foreign = (district.system.callers.school(code) for code in (child.school.code, other.code))
    path = f"/entitlements/{row['entitlement_id']}/disburse"
    assert own.post("disbursement", path, payment(district)).status_code == 403
    seen = {each["entitlement_id"] for each in foreign.pages("disbursement", "/entitlements")}
    assert row["entitlement_id"] not in seen
    assert row["entitlement_id"] in {each["entitlement_id"] for each in own.pages("disbursement", "/entitlements")}
