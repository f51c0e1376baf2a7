from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.standards import disability, division, student_number
from shared.standards.disability import DisabilityCertificateError
from shared.standards.division import DivisionCodeError
from shared.standards.student_number import StudentNumberError

ID = "34052419800101001X"


def test_a_g_number_carries_the_identity_number() -> None:
    number = student_number.parse(" g" + ID.lower())
    assert (number.kind, number.text) == ("G", "G" + ID)
    assert number.identity_number is not None and number.identity_number.text == ID


@pytest.mark.parametrize("kind", ["J", "L"])
def test_a_temporary_number_is_never_read_as_an_identity_number(kind: str) -> None:
    number = student_number.parse(kind + ID)
    assert number.kind == kind
    assert number.identity_number is None


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "empty"),
        ("", "empty"),
        (4.4e17, "numeric_cell"),
        ("4.4E+17", "numeric_cell"),
        (ID, "length"),
        ("K" + ID, "kind"),
        ("L12345678901234567Y", "characters"),
        ("G440524188001010015", "identity_number"),
    ],
)
def test_a_bad_student_number_says_what_is_wrong(raw: object, code: str) -> None:
    with pytest.raises(StudentNumberError) as caught:
        student_number.parse(raw)
    assert caught.value.code == code


def test_a_certificate_is_read_in_its_parts() -> None:
    certificate = disability.parse(ID.lower() + "43b1")
    assert certificate.number == ID + "43B1"
    assert certificate.identity_number.text == ID
    assert (certificate.kind, certificate.kind_zh, certificate.grade, certificate.grade_zh) == (4, "肢体", 3, "三级")
    assert certificate.suffix == "B1"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty"),
        (1.0, "numeric_cell"),
        ("4.4E+19", "numeric_cell"),
        (ID, "length"),
        (ID + "4", "length"),
        (ID + "43B12", "length"),
        ("44052418800101001543", "identity_number"),
        (ID + "83", "kind"),
        (ID + "45", "grade"),
        (ID + "43-", "suffix"),
    ],
)
def test_a_bad_certificate_says_what_is_wrong(raw: object, code: str) -> None:
    with pytest.raises(DisabilityCertificateError) as caught:
        disability.parse(raw)
    assert caught.value.code == code


def test_kinds_and_grades_are_read_as_offices_write_them() -> None:
    assert [disability.kind_of(t) for t in ("视力残疾", "多重", "6", 4, "", "其他", None)] == [
        1,
        7,
        6,
        4,
        None,
        None,
        None,
    ]
    assert [disability.grade_of(t) for t in ("一级", "2级", "叁", 4, "", "1一", "五级")] == [
        1,
        2,
        3,
        4,
        None,
        None,
        None,
    ]


def test_trailing_zeros_of_a_division_code_widen_the_scope() -> None:
    assert division.scope("460000") == "46"
    assert division.scope(469000) == "4690"
    assert division.scope("469080000000") == "469080"
    assert division.scope("469080100000") == "469080100"
    assert division.scope("469080100201") == "469080100201"
    assert division.scope(469080.0) == "469080"


def test_levels_and_containment_follow_the_prefix() -> None:
    assert [division.level(c) for c in ("46", "4690", "469080", "469080100", "469080100201")] == [
        "province",
        "city",
        "county",
        "township",
        "village",
    ]
    assert division.within("469080100201", "469080")
    assert not division.within("469080", "469080100")
    assert division.parents("469080100201") == ("46", "4690", "469080", "469080100")
    assert [division.area(place) for place in ("469000", "460000", "469080", "", "46908")] == [
        "4690",
        "46",
        "469080",
        "",
        "46908",
    ]


@given(st.one_of(st.text(max_size=14), st.integers(), st.floats(), st.none()))
def test_any_cell_is_a_scope_or_refused(raw: object) -> None:
    try:
        own = division.scope(raw)
    except DivisionCodeError:
        return
    assert len(own) in division.LEVEL_LENGTHS.values() and own.isdigit()
    assert division.scope(own) == own
