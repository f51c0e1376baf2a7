"""What may be reported of a class, and what a second report means; asked of the rules alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.registry.life_errors import DayInFuture, DayTooLongAgo, ListIncomplete, NamedTwice, NotInClass
from services.registry.life_events import ClassAttendanceReported
from services.registry.students.attendance import (
    Absent,
    ClassOnDay,
    Report,
    check_day,
    check_named,
    remarkable,
    report_class,
    stated,
)

A, B, C, STRANGER = (UUID(int=number) for number in (1, 2, 3, 9))
DAY = date(2026, 9, 10)
CLASS = ClassOnDay("S1", "469001", "primary", "三年级", "1班", frozenset({A, B, C}))


def report(**fields: Any) -> Report:
    return replace(Report("S1", "三年级", "1班", DAY), **fields)


def fact(**fields: Any) -> ClassAttendanceReported:
    return stated(report(**fields), CLASS, None, "teacher")


def test_the_days_that_may_be_told() -> None:
    for day in (date(2026, 11, 27), date(2024, 11, 27)):
        check_day(day, date(2026, 11, 27))
    check_day(date(2026, 2, 28), date(2028, 2, 29))
    with pytest.raises(DayInFuture):
        check_day(date(2026, 11, 28), date(2026, 11, 27))
    with pytest.raises(DayTooLongAgo):
        check_day(date(2024, 11, 26), date(2026, 11, 27))


@pytest.mark.parametrize(
    "fields",
    [
        {"absent": (Absent(A, "sick"), Absent(A, "leave"))},
        {"absent": (Absent(A, "sick"),), "present": (A,)},
        {"absent": (Absent(A, "sick"),), "late": (A,)},
        {"late": (B, B)},
        {"present": (B, B)},
    ],
)
def test_no_child_is_named_twice(fields: dict[str, Any]) -> None:
    with pytest.raises(NamedTwice):
        check_named(report(**fields), CLASS.members)


def test_only_children_of_the_class_are_named() -> None:
    check_named(report(absent=(Absent(A, "sick"),), late=(B,)), CLASS.members)
    for fields in ({"absent": (Absent(STRANGER, "sick"),)}, {"late": (STRANGER,)}, {"present": (STRANGER,)}):
        with pytest.raises(NotInClass):
            check_named(report(**fields), CLASS.members)


def test_a_full_list_names_every_child_and_late_ones_came() -> None:
    check_named(report(full=True, absent=(Absent(A, "sick"),), present=(B, C), late=(B,)), CLASS.members)
    with pytest.raises(ListIncomplete) as refused:
        check_named(report(full=True, absent=(Absent(A, "sick"),), present=(B,)), CLASS.members)
    assert refused.value.facts["student_ids"] == [str(C)]


def test_a_report_is_the_same_fact_in_whatever_order_it_names_children() -> None:
    one = fact(absent=(Absent(B, "sick", True), Absent(A, "leave"), Absent(C, "sick")))
    two = fact(absent=(Absent(C, "sick"), Absent(A, "leave"), Absent(B, "sick", True)))
    assert one == two
    assert one.absences == {"leave": (A,), "sick": (B, C)} and one.half_day == (B,)
    assert (one.members, one.cleared) == (3, ())


def test_a_second_report_corrects_the_first_and_says_whom_it_clears() -> None:
    first = fact(absent=(Absent(A, "sick"),), late=(B,))
    assert report_class(None, first) == first
    assert report_class(first, fact(absent=(Absent(A, "sick"),), late=(B,))) is None
    second = report_class(first, fact(absent=(Absent(A, "leave"), Absent(C, "other"))))
    assert second is not None and second.cleared == (B,)
    third = report_class(second, fact())
    assert third is not None and third.cleared == (A, C) and remarkable(third) == set()
