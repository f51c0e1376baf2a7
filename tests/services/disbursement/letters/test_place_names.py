"""Places by code or name, and what a school's name begins with, on an invented table of divisions."""

from __future__ import annotations

from datetime import date

import pytest

from services.disbursement.letter_errors import AmbiguousPlace, NoDivisionsKnown, NoSuchPlace, PlaceWithdrawn
from services.disbursement.letters.place_names import PlaceNames
from shared.kernel.refusals import Refusal
from shared.standards.division_history import CodeEra, DivisionHistory

LONG_AGO, CHANGED, TODAY = date(1988, 5, 1), date(2015, 12, 1), date(2026, 11, 28)
OWN = "469080"


def era(code: str, name: str, begins: date = LONG_AGO) -> CodeEra:
    return CodeEra(code, begins, date.max, name, True)


HISTORY = DivisionHistory(
    [
        *(era("460000", "海南省"), era("43", "湖南省"), era("469000", "省直辖县级行政区划"), era("430900", "石港市")),
        *(era(OWN, "望潮县"), era("469080100", "平水镇"), era("469081", "南屏县"), era("469083", "临江市", CHANGED)),
        *(era("460080", "东岸区"), era("430980", "东岸区"), era("430981", "石港县")),
        CodeEra("469082", LONG_AGO, CHANGED, "临江县", True),
        CodeEra("469082", CHANGED, date.max, "临江县", False, ("469083",)),
        CodeEra("469085", LONG_AGO, CHANGED, "无主县", True),
        CodeEra("469085", CHANGED, date.max, "无主县", False),
    ]
)
NAMES = PlaceNames(HISTORY, OWN, TODAY)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *(("469081", "469081"), ("469081000000", "469081"), (" 469081 ", "469081"), ("南屏县", "469081")),
        *(("南 屏 县", "469081"), ("海南省南屏县", "469081"), ("海南省东岸区", "460080"), ("石港市东岸区", "430980")),
        *(("湖南省东岸区", "430980"), ("湖南省石港市东岸区", "430980"), ("430980", "430980"), ("石港市", "430900")),
    ],
)
def test_a_place_is_told_by_its_code_or_by_its_name_in_full(typed: str, code: str) -> None:
    assert NAMES.told(typed).code == code


@pytest.mark.parametrize(
    ("typed", "refused", "said"),
    [
        ("东岸区", AmbiguousPlace, ["430980(湖南省石港市东岸区)", "460080(海南省东岸区)"]),
        ("临江县", PlaceWithdrawn, ["469083(海南省临江市)"]),
        ("469082", PlaceWithdrawn, ["469083(海南省临江市)"]),
        *((each, NoSuchPlace, []) for each in ("469085", "无主县", "469099", "12345", "南屏", "省直辖县级行政区划")),
        *((each, NoSuchPlace, []) for each in (OWN, "望潮县", "平水镇", "469080100", "海南省", "460000", "469000")),
    ],
)
def test_what_is_no_place_to_write_to_is_refused_with_those_it_may_be(
    typed: str, refused: type[Refusal], said: list[str]
) -> None:
    with pytest.raises(refused) as found:
        NAMES.told(typed)
    assert sorted(found.value.facts.get("candidates", [])) == said
    assert all(each in found.value.zh and each in found.value.en for each in said)


def test_a_refusal_repeats_a_code_and_nothing_else_that_was_typed() -> None:
    for typed in ("469099", "陈小梅"):
        with pytest.raises(NoSuchPlace) as found:
            NAMES.told(typed)
        assert (typed in found.value.zh, found.value.facts["place"]) == (typed.isdecimal(), typed * typed.isdecimal())


def test_without_a_table_nothing_can_be_right_and_the_refusal_says_where_one_goes() -> None:
    for history in (DivisionHistory([]), DivisionHistory([era(OWN, "望潮县"), era("469080100", "平水镇")])):
        names = PlaceNames(history, OWN, TODAY)
        assert not names.known and names.suggested("南屏县中心小学") == []
        with pytest.raises(NoDivisionsKnown, match="Divisions") as found:
            names.told("469081")
        assert "基础资料 → 行政区划" in found.value.zh
    assert NAMES.known


@pytest.mark.parametrize(
    ("school", "codes"),
    [
        *(("南屏县中心小学", ["469081"]), ("临江市第三小学", ["469083"]), ("海南省东岸区育才学校", ["460080"])),
        *(
            ("石港市东岸区第一小学", ["430980"]),
            ("石港市第一小学", ["430900"]),
            ("东岸区育才学校", ["430980", "460080"]),
        ),
        *(("外省务工地学校", []), ("中心小学", []), ("望潮县中心小学", []), ("临江县中心小学", []), ("", [])),
        *(("南屏县", []), ("原南屏县中心小学", [])),
    ],
)
def test_a_school_suggests_the_division_its_name_begins_with_and_no_other(school: str, codes: list[str]) -> None:
    assert sorted(place.code for place in NAMES.suggested(school)) == codes
