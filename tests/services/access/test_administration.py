"""Whom an administrator reaches: all of a division, of a school its teachers, nobody himself."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.access.administration import (
    TEACHERS,
    Administrator,
    Managed,
    check_account,
    check_holder,
    check_kind,
    check_other,
    reaches,
)
from services.access.errors import NotYours, Oneself, UnknownAccount
from shared.standards.posts import Kind

COUNTY = Administrator("a", division="469001")
SCHOOL = Administrator("p", school="S1")
NOWHERE = Administrator("n")
HERE, IN_SCHOOL = Managed("469001100", None), Managed("469001100", "S1")
ELSEWHERE, OTHER_SCHOOL = Managed("469002100", None), Managed("469001100", "S2")
SOMEBODY = UUID(int=5)


@pytest.mark.parametrize(
    ("who", "place", "reached"),
    [
        (COUNTY, HERE, True),
        (COUNTY, Managed("469001", None), True),
        (COUNTY, IN_SCHOOL, True),
        (COUNTY, ELSEWHERE, False),
        (COUNTY, Managed("4690", None), False),
        (COUNTY, Managed("", "S1"), False),
        (SCHOOL, IN_SCHOOL, True),
        (SCHOOL, Managed("110101", "S1"), True),
        (SCHOOL, OTHER_SCHOOL, False),
        (SCHOOL, HERE, False),
        (NOWHERE, HERE, False),
        (NOWHERE, Managed("", None), False),
        (Administrator("b", division="469001", school="S2"), IN_SCHOOL, False),  # the narrower place counts
    ],
)
def test_a_place_is_reached_or_unknown(who: Administrator, place: Managed, reached: bool) -> None:
    assert reaches(who, place) is reached


@pytest.mark.parametrize("kind", list(Kind))
def test_a_division_gives_every_post_and_a_school_its_teachers(kind: Kind) -> None:
    check_kind(COUNTY, kind, HERE)
    if kind in (Kind.CLASS_TEACHER, Kind.HELPER_TEACHER):
        check_kind(SCHOOL, kind, IN_SCHOOL)
    else:
        with pytest.raises(NotYours):
            check_kind(SCHOOL, kind, IN_SCHOOL)
    for who, away in ((COUNTY, ELSEWHERE), (SCHOOL, OTHER_SCHOOL), (NOWHERE, HERE)):
        with pytest.raises(NotYours):
            check_kind(who, kind, away)


@pytest.mark.parametrize(
    ("who", "place", "kinds", "permitted"),
    [
        (COUNTY, HERE, {"principal", "class_teacher"}, True),
        (COUNTY, ELSEWHERE, {"class_teacher"}, False),
        (SCHOOL, IN_SCHOOL, set(), True),
        (SCHOOL, IN_SCHOOL, {"class_teacher"}, True),
        (SCHOOL, IN_SCHOOL, {"class_teacher", "helper_teacher"}, True),
        (SCHOOL, IN_SCHOOL, {"class_teacher", "principal"}, False),
        (SCHOOL, IN_SCHOOL, {"registrar"}, False),
        (SCHOOL, OTHER_SCHOOL, {"class_teacher"}, False),
        (NOWHERE, HERE, set(), False),
    ],
)
def test_an_account_is_reset_by_who_administers_all_of_its_posts(
    who: Administrator, place: Managed, kinds: set[str], permitted: bool
) -> None:
    if permitted:
        check_account(who, SOMEBODY, place, frozenset(kinds))
        return
    with pytest.raises(NotYours):
        check_account(who, SOMEBODY, place, frozenset(kinds))


def test_nobody_administers_himself() -> None:
    himself = Administrator(str(SOMEBODY), division="469001")
    for place in (HERE, ELSEWHERE):
        with pytest.raises(Oneself):
            check_account(himself, SOMEBODY, place, frozenset())
    with pytest.raises(Oneself):
        check_other(himself, SOMEBODY)
    check_other(himself, UUID(int=6))
    assert {"class_teacher", "helper_teacher"} == TEACHERS


@pytest.mark.parametrize(
    ("who", "place", "known"),
    [
        (COUNTY, HERE, True),
        (COUNTY, IN_SCHOOL, True),
        (COUNTY, ELSEWHERE, False),
        (COUNTY, None, False),
        (SCHOOL, IN_SCHOOL, True),
        (SCHOOL, OTHER_SCHOOL, False),
        (SCHOOL, HERE, False),
    ],
)
def test_a_post_is_given_to_who_is_known_within_reach(who: Administrator, place: Managed | None, known: bool) -> None:
    if known:
        check_holder(who, SOMEBODY, place)
        return
    with pytest.raises(UnknownAccount):
        check_holder(who, SOMEBODY, place)


def test_nobody_is_given_a_post_by_himself_wherever_he_is_managed() -> None:
    for place in (HERE, ELSEWHERE, None):
        with pytest.raises(Oneself):
            check_holder(Administrator(str(SOMEBODY), division="469001"), SOMEBODY, place)
