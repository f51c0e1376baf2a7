"""Each question finds the case that auditors told of (domain.md §10), names its events, and leaves the others alone."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from services.audit.questions.asking import Finding
from services.audit.questions.catalogue import QUESTIONS
from services.registry.events import StudentPlaced
from tests.services.audit.questions.books import TODAY, Books
from tests.services.happenings import listed, someone

NUMBER = "469001201603010011"
TERMS = ("2024-autumn", "2025-spring", "2025-autumn", "2026-spring", "2026-autumn")
BEGIN = {"2024-autumn": date(2024, 9, 1), "2025-spring": date(2025, 2, 10), "2025-autumn": date(2025, 9, 1)}
BEGIN |= {"2026-spring": date(2026, 2, 10), "2026-autumn": date(2026, 9, 1)}


def about(finding: Finding, *students: UUID) -> list[dict[str, Any]]:
    """The rows about these students."""
    return [row for row in finding.rows if row["student_id"] in {str(each) for each in students}]


def evidence(row: dict[str, Any]) -> set[UUID]:
    return {UUID(event["event_id"]) for event in row["evidence"]}


def test_a_child_paid_fifteen_times_under_three_registrations_is_one_finding(books: Books) -> None:
    registrations = [books.student(number=NUMBER) for _ in range(3)]
    honest = books.student()
    books.pay(honest, "2026-autumn", date(2026, 10, 1))
    paid = set()
    for student in registrations:
        for term in TERMS:
            paid.add(books.pay(student, term, BEGIN[term] + timedelta(days=20), 170_000))
    (row,) = about(books.ask("paid_many_times", times=15, within="ever"), *registrations, honest)
    assert (row["times"], row["amount_fen"], row["registrations"]) == (15, 2_550_000, 3)
    assert row["student_id"] in {str(each) for each in registrations}
    assert row["name"] == "张*明"
    assert evidence(row) == paid
    by_term = about(books.ask("paid_many_times", times=3, within="term"), *registrations)
    assert {row["span"]: row["times"] for row in by_term} == dict.fromkeys(TERMS, 3)
    assert about(books.ask("paid_many_times", times=16, within="ever"), *registrations) == []


def test_a_grant_at_a_school_the_child_was_not_in_is_found_and_a_move_in_time_is_none(books: Books) -> None:
    never, moved, there = books.student("S2"), books.student("S1"), books.student("S1")
    placed = StudentPlaced(
        school_code="S2", division_code="469001", stage="primary", grade="5", class_name="1", boarder=True
    )
    books.installation.append("registry", moved, placed, date(2026, 9, 20))
    wrong = books.pay(never, "2026-autumn", date(2026, 10, 1), school="S1")
    for student in (moved, there):
        books.pay(student, "2026-autumn", date(2026, 10, 1), school="S1")
    late = books.pay(moved, "2026-spring", date(2026, 3, 1), school="S3")
    found = about(books.ask("not_in_that_school"), never, moved, there)
    assert {(row["student_id"], row["school_code"], tuple(row["was_in"])) for row in found} == {
        (str(never), "S1", ("S2",)),
        (str(moved), "S3", ("S1",)),
    }
    assert {wrong, late} <= {event for row in found for event in evidence(row)}


def test_interrupted_aid_is_found_and_a_last_term_still_to_come_is_not(books: Books) -> None:
    gap, withdrawn, steady, ended = (books.student() for _ in range(4))
    for term in TERMS:
        books.pay(steady, term, BEGIN[term] + timedelta(days=9))
        if term != "2025-autumn":
            books.pay(gap, term, BEGIN[term] + timedelta(days=9))
    for term in TERMS[:2]:
        books.pay(ended, term, BEGIN[term] + timedelta(days=9))
    books.pay(withdrawn, "2025-spring", date(2025, 3, 1))
    books.withdraw(books.grant(withdrawn, "2025-autumn"), withdrawn, "2025-autumn", date(2025, 10, 1))
    books.pay(withdrawn, "2026-spring", date(2026, 3, 1))
    rows = about(books.ask("interrupted"), gap, withdrawn, steady, ended)
    found = {(row["student_id"], row["term"], row["finding"]) for row in rows}
    assert found == {(str(gap), "2025-autumn", "not_granted"), (str(withdrawn), "2025-autumn", "withdrawn")}


def test_unaided_names_who_was_eligible_and_got_nothing_and_nobody_else(books: Books) -> None:
    forgotten, unpaid, paid, not_listed = (books.student() for _ in range(4))
    too_old = books.student(stage="senior")
    everyone = (forgotten, unpaid, paid, not_listed, too_old)
    for student in (forgotten, unpaid, paid, too_old):
        books.linked(student)
    books.grant(unpaid, "2026-autumn")
    books.pay(paid, "2026-autumn", date(2026, 10, 1))
    before = about(books.ask("unaided", term="2026-autumn", true_on=date(2026, 10, 15)), *everyone)
    assert {(row["student_id"], row["finding"]) for row in before} == {(str(forgotten), "not_granted")}
    found = about(books.ask("unaided", term="2026-autumn"), *everyone)
    assert {(row["student_id"], row["finding"], row["category"]) for row in found} == {
        (str(forgotten), "not_granted", "registered_poor"),
        (str(unpaid), "not_paid_in_time", "registered_poor"),
    }
    kinds = {event["type"] for row in found for event in row["evidence"]}
    assert {"matching.LinkConfirmed", "registry.StudentEnrolled", "disbursement.ProgrammeActivated"} <= {
        kind.removesuffix(".v1") for kind in kinds
    }


def test_late_counts_days_after_the_last_day_and_up_to_the_day_asked_for(books: Books) -> None:
    in_time, late, open_still = (books.student() for _ in range(3))
    books.pay(in_time, "2026-autumn", date(2026, 10, 31))
    books.pay(late, "2026-autumn", date(2026, 11, 11))
    books.grant(open_still, "2026-autumn")
    rows = about(books.ask("late"), in_time, late, open_still)
    found = {row["student_id"]: (row["pay_by"], row["days_late"]) for row in rows}
    assert found[str(late)] == ("2026-10-31", 11)
    assert found[str(open_still)] == ("2026-10-31", (TODAY - date(2026, 10, 31)).days)
    assert str(in_time) not in found
    later = about(books.ask("late", days=15), in_time, late, open_still)
    assert [row["student_id"] for row in later] == [str(open_still)]


def test_another_persons_card_is_found_and_a_proven_guardians_shared_by_siblings_is_not(books: Books) -> None:
    own, mate = "469001201603010038", "469001201603010046"
    pupil, classmate = books.student(number=own), books.student(number=mate)
    books.pay(pupil, "2026-autumn", date(2026, 10, 1), reference="R-1")
    books.pay(pupil, "2026-spring", date(2026, 3, 1), reference="R-2")
    books.pay(classmate, "2026-autumn", date(2026, 10, 1), reference="R-3")
    lines = [
        {"reference": "R-1", "card": "6217000012345678", "holder_number": mate, "holder_name": "李小红"},
        {
            "reference": "R-2",
            "card": "6217000099998888",
            "holder_number": "469001198001010019",
            "holder_name": "王老师",
        },
        {"reference": "R-3", "card": "6217000011112222", "holder_number": mate, "holder_name": "李小红"},
    ]
    answer = books.ask("anothers_card", bank_lines=lines, staff_numbers=["469001198001010019"])
    assert {(row["reference"], row["holder"], row["holder_name"], row["card"]) for row in answer.rows} == {
        ("R-1", "classmate", "李*红", "****5678"),
        ("R-2", "staff", "王*师", "****8888"),
    }
    assert answer.parameters["bank_lines"]["count"] == 3
    assert own not in str(answer) and "6217000012345678" not in str(answer.parameters)


def test_books_by_calendar_year_and_by_school_year_say_where_they_differ(books: Books) -> None:
    one, other = books.student("S7"), books.student("S8")
    books.pay(one, "2025-autumn", date(2025, 11, 1), school="S7")
    books.pay(other, "2025-autumn", date(2026, 1, 15), school="S8")
    found = [row for row in books.ask("two_kinds_of_years").rows if row["school_code"] in ("S7", "S8")]
    assert [(row["school_code"], row["calendar_year"], row["school_year"], row["apart"]) for row in found] == [
        ("S7", 2025, "2025/2026", False),
        ("S8", 2026, "2025/2026", True),
    ]


def test_a_sample_is_drawn_by_its_seed_alone(books: Books) -> None:
    for _ in range(10):
        books.pay(books.student(), "2026-autumn", date(2026, 10, 1))
    drawn = [row["id"] for row in books.ask("sample", seed="audit 7", size=5).rows]
    expected = sorted(
        (sha256(f"audit 7/{entitlement}".encode()).digest(), str(entitlement)) for entitlement in books.payments
    )
    assert drawn == [entitlement for _, entitlement in expected[:5]]
    again = books.ask("sample", seed="audit 7", size=5)
    assert [row["id"] for row in again.rows] == drawn
    assert again.parameters == {"seed": "audit 7", "size": 5, "population": "payments"}


def test_membership_is_what_was_known_then_and_masked(books: Books) -> None:
    entry, later = someone(), someone()
    books.installation.append("registry", entry, listed(entry), date(2026, 9, 1))
    known = books.ask("membership", true_on=date(2026, 9, 1)).known_at
    books.installation.append("registry", later, listed(later), date(2026, 8, 1))
    now = books.ask("membership", true_on=date(2026, 9, 1))
    then = books.ask("membership", true_on=date(2026, 9, 1), known_at=known)
    assert (len(then.rows), len(now.rows)) == (1, 2)
    assert {row["name"] for row in now.rows} == {"李*红"}
    assert books.ask("membership", true_on=date(2026, 8, 15)).rows[0]["list"] == "poverty"


@pytest.mark.parametrize("seed", range(2))
def test_random_books_are_counted_as_a_plain_program_counts_them(books: Books, seed: int) -> None:
    """Digits, splits and repetitions, against sums over the input itself."""
    rng = random.Random(seed)
    print(f"seed {seed}")
    paid: list[tuple[UUID, str, date, int]] = []
    for _ in range(8):
        student = books.student()
        for term in rng.sample(TERMS, rng.randint(1, 4)):
            on = BEGIN[term] + timedelta(days=rng.randint(0, 40))
            amount = rng.choice((10_000, 30_000, 62_500, 170_000))
            books.pay(student, term, on, amount, school=rng.choice(("S1", "S2")))
            paid.append((student, term, on, amount))
    by_year: dict[tuple[str, str], list[int]] = defaultdict(list)
    for student, _, on, amount in paid:
        by_year[str(student), str(on.year)].append(amount)
    mine = {student for student, *_ in paid}
    answer = about(books.ask("paid_many_times"), *mine)
    found = {(row["student_id"], row["span"]): (row["times"], row["amount_fen"]) for row in answer}
    assert found == {key: (len(each), sum(each)) for key, each in by_year.items() if len(each) > 1}
    limit, days = 100_000, 30
    split = set()
    for student, _, on, _ in paid:
        near = [
            amount
            for other, _, day, amount in paid
            if other == student and amount <= limit and timedelta(0) <= on - day < timedelta(days=days)
        ]
        if len(near) > 1 and sum(near) > limit and any(o == student and d == on and a <= limit for o, _, d, a in paid):
            split.add((str(student), on.isoformat(), len(near), sum(near)))
    answer = about(books.ask("split_amounts", limit_fen=limit, days=days), *mine)
    assert {(row["student_id"], row["until"], row["times"], row["amount_fen"]) for row in answer} == split
    digits = books.ask("first_digits").rows
    assert [row["digit"] for row in digits] == list(range(1, 10))
    assert sum(row["found"] for row in digits) == digits[0]["sums"]


def test_every_question_can_be_asked_of_a_time_before_anything_was_paid(books: Books) -> None:
    given: dict[str, dict[str, Any]] = {
        "anothers_card": {"bank_lines": []},
        "unaided": {"term": "2026-autumn"},
        "sample": {"seed": "1"},
        "split_amounts": {"limit_fen": 1},
    }
    for name, question in QUESTIONS.items():
        answer = books.ask(name, true_on=date(2020, 1, 1), **given.get(name, {}))
        assert all(row.get("found") == 0 for row in answer.rows), name
        assert len({column.key for column in question.columns}) == len(question.columns)
