"""The kinds of posts: named in both languages, each held in one shape of place. The table is kept by hand."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from shared.standards.posts import KINDS, POSTS, Kind, PostKind, Shape

# name of the constant, what tokens and events call it, Chinese, English, shape, shortest and longest division code
TABLE = """
AID_CLERK             aid_clerk              资助中心经办     Aid_clerk              division            2  6
REVIEWER              reviewer               资助中心核对员   Reviewer               division            2  6
CASHIER               cashier                资助中心出纳     Cashier                division            2  6
APPROVER              approver               资助中心审批人   Approver               division            2  6
REGISTRAR             registrar              学校学籍管理员   School_registrar       school              -  -
CLASS_TEACHER         class_teacher          班主任           Class_teacher          class               -  -
HELPER_TEACHER        helper_teacher         帮扶教师         Helper_teacher         class               -  -
PRINCIPAL             principal              校长             Principal              school              -  -
TOWNSHIP_CADRE        township_cadre         乡镇干部         Township_cadre         division            9 12
CITY_OFFICER          city_officer           市级主管         City_officer           division            2  4
AGENCY_PUBLISHER      agency_publisher       部门报送员       Agency_publisher       agency              -  -
AUDITOR               auditor                审计             Auditor                division            2 12
ACCOUNT_ADMINISTRATOR account_administrator  账号管理员       Account_administrator  division_or_school  2 12
SERVICE               service                服务             Service                division            2 12
""".strip().splitlines()


def test_every_kind_has_its_names_and_its_shape() -> None:
    told = []
    for kind, post in POSTS.items():
        digits = post.digits or ("-", "-")
        told.append((kind.name, kind.value, post.zh, post.en.replace(" ", "_"), post.shape.value, *map(str, digits)))
    assert told == [tuple(line.split()) for line in TABLE]


def test_a_division_fits_a_post_that_is_held_at_least_so_wide() -> None:
    cadre, officer, auditor = POSTS[Kind.TOWNSHIP_CADRE], POSTS[Kind.CITY_OFFICER], POSTS[Kind.AUDITOR]
    assert cadre.fits("469001100") and cadre.fits("469001100001")
    assert not cadre.fits("469001") and not cadre.fits("469001000") and not cadre.fits("469001000000")
    assert officer.fits("46") and officer.fits("460000") and auditor.fits("46") and auditor.fits("469001100001")
    assert not POSTS[Kind.REGISTRAR].fits("469001")


def test_the_shapes_are_called_as_the_claims_of_a_token() -> None:
    assert {shape.name: shape.value for shape in Shape} == {shape.name: shape.name.lower() for shape in Shape}
    assert len(Shape) == 5


def test_a_person_is_given_any_post_but_a_machines() -> None:
    assert tuple(kind for kind in Kind if kind.value != "service") == KINDS and len(KINDS) == 13


def test_what_a_post_is_cannot_be_changed_in_passing() -> None:
    with pytest.raises(FrozenInstanceError):
        POSTS[Kind.CASHIER].shape = Shape.SCHOOL  # type: ignore[misc]  # that is what is tried
    assert PostKind("a", "b", Shape.SCHOOL).digits is None
