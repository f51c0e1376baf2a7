"""What a promotion means for one student, and how it is put back; asked of the rules alone."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from services.registry.events import (
    Stage,
    StudentEnrolled,
    StudentLeft,
    StudentPersonal,
    StudentPlaced,
    StudentTransferredOut,
)
from services.registry.jobs.formerly import former
from services.registry.jobs.on_a_day import Dated, in_order, place_on
from services.registry.promotion.promotion import DEFAULT_LADDER, Looked, Promotion, ladder_problem, promote, term
from services.registry.promotion.promotion_undo import made_by_promotion, put_back
from shared.kernel.facts import Fact

DAY = date(2026, 9, 1)
BEFORE, AFTER = date(2026, 8, 20), date(2026, 9, 5)
STUDENT, PROMOTION, OTHER = uuid4(), uuid4(), uuid4()
MADE_BY = partial(made_by_promotion, PROMOTION)
WHERE: dict[str, Any] = {"school_code": "S1", "division_code": "469001"}


def enrolled(grade: str | None = "三年级", stage: Stage = "primary", **fields: Any) -> StudentEnrolled:
    personal = StudentPersonal(person_id=STUDENT, name="张小明")
    return StudentEnrolled(
        **WHERE | {"stage": stage, "grade": grade, "class_name": "1班", "personal": personal} | fields
    )


def placed(grade: str = "三年级", **fields: Any) -> StudentPlaced:
    return StudentPlaced(**WHERE | {"stage": "primary", "grade": grade, "class_name": "1班"} | fields)


def left(**fields: Any) -> StudentLeft:
    return StudentLeft(**WHERE | {"reason": "abroad"} | fields)


CAME = Dated(enrolled(), date(2024, 9, 1))


def promotion(**fields: Any) -> Promotion:
    given: dict[str, Any] = {"school_code": None, "stage": None, "ladder": DEFAULT_LADDER} | fields
    return Promotion(PROMOTION, DAY, "4690", **given)


def looked(*history: Dated, **fields: Any) -> Looked | None:
    return promote(promotion(**fields), STUDENT, history)


def reason(*history: Dated, **fields: Any) -> str | None:
    found = looked(*history, **fields)
    assert found is not None and found.outcome == "skipped" and not found.happened
    return found.reason


def after(*history: Dated) -> list[Dated]:
    """The history with what the promotion adds."""
    found = looked(*history)
    assert found is not None
    return [*history, *(Dated(fact, on) for fact, on in found.happened)]


def grade_on(history: list[Dated], day: date) -> tuple[str | None, str | None]:
    place = place_on(in_order(history), day)
    assert place is not None
    return place.grade, place.class_name


def test_a_student_moves_up_one_grade_from_the_day_on_and_keeps_all_else() -> None:
    history = after(Dated(enrolled(boarder=True, placement="随班就读"), CAME.on))
    added = history[-1].fact
    assert isinstance(added, StudentPlaced) and added.promotion_id == PROMOTION
    assert (added.stage, added.grade, added.class_name) == ("primary", "四年级", "1班")
    assert (added.boarder, added.placement) == (True, "随班就读")
    assert grade_on(history, date(2026, 8, 31))[0] == "三年级" and grade_on(history, DAY)[0] == "四年级"


@pytest.mark.parametrize(
    ("stage", "grade", "outcome"),
    [("junior", "九年级", "graduated"), ("senior", "高三", "graduated"), ("primary", "六年级", "handed_over")],
)
def test_the_last_grade_of_a_stage_does_not_move_up(stage: Stage, grade: str, outcome: str) -> None:
    found = looked(Dated(enrolled(grade, stage), CAME.on))
    assert found is not None and found.outcome == outcome
    (happened,) = found.happened
    kinds: dict[str, type[Fact]] = {"graduated": StudentLeft, "handed_over": StudentTransferredOut}
    assert isinstance(happened.fact, kinds[outcome]) and happened.on == DAY


def test_a_school_of_nine_years_may_hand_its_sixth_grade_to_itself() -> None:
    found = looked(Dated(enrolled("六年级"), CAME.on), ladder={"primary:六年级": "junior:七年级"})
    assert found is not None and found.outcome == "promoted"
    fact = found.happened[0].fact
    assert isinstance(fact, StudentPlaced) and (fact.stage, fact.grade) == ("junior", "七年级")


def test_a_repeater_stays() -> None:
    found = looked(CAME, repeaters=frozenset({STUDENT}))
    assert found == Looked("S1", "held_back")


def test_who_is_skipped_and_why() -> None:
    assert reason(CAME, Dated(left(), BEFORE)) == "not_enrolled"
    assert reason(Dated(enrolled(), AFTER)) == "enrolled_later"
    assert reason(Dated(enrolled("一年级"), DAY)) == "came_that_day"
    assert reason(CAME, Dated(placed("四年级"), DAY)) == "placed_that_day"
    assert reason(CAME, Dated(placed("四年级"), AFTER)) == "changed_since"
    assert reason(Dated(enrolled("复式班"), CAME.on)) == "not_on_ladder"
    assert reason(Dated(enrolled(None), CAME.on)) == "not_on_ladder"
    assert reason(Dated(enrolled("六年级"), CAME.on), Dated(left(), AFTER)) == "changed_since"
    assert reason(CAME, Dated(placed("四年级", promotion_id=OTHER), date(2026, 8, 25))) == "already_promoted"
    moved = StudentTransferredOut(**WHERE, destination_kind="in_division")
    arrived = Dated(enrolled(school_code="S2"), DAY)
    assert reason(CAME, Dated(moved, DAY), arrived) == "came_that_day"


def test_who_was_promoted_the_year_before_or_whose_promotion_was_undone_is_promoted() -> None:
    last_year = Dated(placed(promotion_id=OTHER), date(2025, 9, 1))
    undone = (Dated(placed("四年级", promotion_id=OTHER), DAY), Dated(placed(undone_promotion_id=OTHER), DAY))
    for history in ([CAME, last_year], [CAME, *undone]):
        found = looked(*history)
        assert found is not None and found.outcome == "promoted"


def test_a_class_given_on_the_day_is_kept() -> None:
    assert grade_on(after(CAME, Dated(placed(class_name="5班"), DAY)), DAY) == ("四年级", "5班")


def test_what_was_told_of_later_days_moves_along() -> None:
    history = after(CAME, Dated(placed(class_name="2班"), AFTER))
    assert grade_on(history, DAY) == ("四年级", "1班")
    assert grade_on(history, AFTER) == ("四年级", "2班")
    gone = after(CAME, Dated(left(), AFTER))
    place = place_on(in_order(gone), AFTER)
    assert place is not None and (place.grade, place.enrolled) == ("四年级", False)


def test_a_fact_told_late_counts_from_its_own_day() -> None:
    late = [CAME, Dated(left(), DAY), Dated(placed(class_name="3班"), BEFORE)]
    assert grade_on(late, BEFORE) == ("三年级", "3班")
    place = place_on(in_order(late), DAY)
    assert place is not None and not place.enrolled


def test_the_scope_is_a_school_or_a_prefix_and_a_stage() -> None:
    assert looked(CAME, school_code="S2") is None and looked(CAME, stage="junior") is None
    assert looked(Dated(enrolled(division_code="460100"), CAME.on)) is None
    former_code = Dated(enrolled(division_code="460031"), CAME.on)  # the school's division was renamed since
    assert looked(former_code, school_code="S1") is not None


def test_the_ladder_has_no_circle_and_no_step_to_nowhere() -> None:
    stages = get_args(Stage)
    assert ladder_problem(DEFAULT_LADDER, stages) is None
    assert ladder_problem({"primary:1": "primary:2", "primary:2": "primary:1"}, stages) == "primary:1"
    assert ladder_problem({"primary:1": "primary:1"}, stages) == "primary:1"
    assert ladder_problem({"primary:1": "leaves"}, stages) == "primary:1"
    assert ladder_problem({"elementary:1": "graduates"}, stages) == "elementary:1"
    assert ladder_problem({"primary:1": "primary:"}, stages) == "primary:1"


def test_terms_end_with_january_and_july() -> None:
    assert term(date(2026, 9, 1)) == term(date(2027, 1, 31)) != term(date(2027, 2, 1))
    assert term(date(2027, 2, 1)) == term(date(2027, 7, 31)) != term(date(2027, 8, 1))


def restored(history: list[Dated]) -> list[Dated]:
    was = former(MADE_BY, history)
    assert was
    first = history[0].fact
    assert isinstance(first, StudentEnrolled)
    return [*history, *(Dated(*put_back(PROMOTION, each, first, first.fingerprint)) for each in was)]


@pytest.mark.parametrize("grade", ["三年级", "六年级"])
def test_an_undone_promotion_leaves_every_day_as_it_was(grade: str) -> None:
    before = [Dated(enrolled(grade), CAME.on)]
    if grade == "三年级":
        before.append(Dated(placed(class_name="2班"), AFTER))
    back = restored(after(*before))
    for day in (BEFORE, DAY, date(2026, 9, 3), AFTER, date(2027, 1, 1)):
        assert place_on(in_order(back), day) == place_on(in_order(before), day), day
    assert {
        each.fact.undone_promotion_id for each in back[-1:] if isinstance(each.fact, StudentEnrolled | StudentPlaced)
    }


def test_whoever_changed_since_is_left_alone_and_whoever_was_not_promoted_is_not_touched() -> None:
    assert former(MADE_BY, [*after(CAME), Dated(placed("四年级", class_name="9班"), AFTER)]) is None
    assert former(MADE_BY, [*after(CAME), Dated(left(), AFTER)]) is None
    assert former(MADE_BY, [CAME]) == []
    assert former(partial(made_by_promotion, UUID(int=1)), after(CAME)) == []
