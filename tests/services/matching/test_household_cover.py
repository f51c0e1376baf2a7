"""Whom a row covers on which days: an oracle that asks every day by itself, and what the differences come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given

from services.matching.domain import settle_covers
from services.matching.events import MemberCovered, MemberCoverWithdrawn
from services.matching.household_cover import (
    GUARDIAN,
    REGISTERED,
    Cover,
    Proof,
    RowPeriod,
    Span,
    Support,
    covers,
)
from shared.eventsourcing.open_dates import FOREVER

START = date(2026, 9, 1)
DAYS = 24
KEYS = UUID(int=71), UUID(int=72)
NUMBERS = "440524188001010014", "11010519491231002X"
CHILDREN = UUID(int=1), UUID(int=2)
RURAL = Support("civil", "civil_affairs", support_type="subsistence_allowance", area_type="rural", coverage="household")
URBAN = Support("civil", "civil_affairs", support_type="subsistence_allowance", area_type="urban", coverage="household")


def day(number: int) -> date:
    return FOREVER if number >= DAYS else START + timedelta(days=number)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    since = draw(st.integers(0, DAYS - 2))
    return Span(day(since), day(draw(st.integers(since + 1, DAYS))))


@st.composite
def rows(draw: st.DrawFn) -> list[RowPeriod]:
    """Periods of one row that follow each other without a gap; the last one is open."""
    cuts = sorted(draw(st.sets(st.integers(1, DAYS - 2), max_size=4)))
    edges = [draw(st.integers(0, 1)) if not cuts or cuts[0] > 1 else 0, *cuts, DAYS]
    return [
        RowPeriod(
            days=Span(day(since), day(until)),
            stands=draw(st.booleans()),
            void=draw(st.sampled_from([False, False, False, True])),
            name=draw(st.sampled_from(["王大", "王大", "李四"])),
            number=draw(st.sampled_from(NUMBERS)),
            household_key=draw(st.sampled_from([*KEYS, None])),
            support=draw(st.sampled_from([RURAL, URBAN])),
        )
        for since, until in pairwise(edges)
    ]


PROOFS = st.builds(
    Proof,
    number=st.sampled_from(NUMBERS),
    name=st.sampled_from(["王大", "王大", "张三"]),
    student_id=st.sampled_from(CHILDREN),
    days=spans(),
    household_id=st.sampled_from([None, *KEYS]),
)
BESIDE = st.lists(st.tuples(st.sampled_from(KEYS), spans()), max_size=3)


def covered_on(
    when: date, periods: Sequence[RowPeriod], beside: Sequence[tuple[UUID, Span]], proofs: Sequence[Proof]
) -> dict[UUID, Support]:
    """The oracle: who is covered on one day, and by which support, asked of that day alone."""
    period = next((p for p in periods if p.days.since <= when < p.days.until), None)
    if period is None or not period.stands or any(p.void for p in periods if p.days.since >= period.days.since):
        return {}
    if any(key == period.household_key and s.since <= when < s.until for key, s in beside):
        return {}
    found = (p for p in proofs if p.days.since <= when < p.days.until)
    return {p.student_id: period.support for p in found if (p.number, p.name) == (period.number, period.name)}


def on_day(found: Sequence[Cover], when: date) -> dict[UUID, Support]:
    held = [each for each in found if each.days.since <= when < each.days.until]
    assert len({each.student_id for each in held}) == len(held), "two covers of one student on one day"
    return {each.student_id: each.support for each in held}


@given(rows(), BESIDE, st.lists(PROOFS, max_size=5), st.randoms())
def test_every_day_covers_whom_that_day_alone_says(
    periods: list[RowPeriod], beside: list[tuple[UUID, Span]], proofs: list[Proof], chance: object
) -> None:
    found = covers(periods, beside, proofs, ())
    for number in range(-1, DAYS + 3):
        when = START + timedelta(days=number)
        assert on_day(found, when) == covered_on(when, periods, beside, proofs), when
    chance.shuffle(proofs)  # type: ignore[attr-defined]
    chance.shuffle(beside)  # type: ignore[attr-defined]
    assert covers(periods, beside, proofs, ()) == found
    assert covers(periods, beside, proofs, CHILDREN) == []
    for one, other in pairwise(found):
        joined = one.student_id == other.student_id and one.days.until == other.days.since
        assert not (joined and one.support == other.support), "spans that touch and say the same are one"


def row(since: int = 0, **changed: object) -> RowPeriod:
    given_fields: dict[str, object] = {"stands": True, "void": False, "name": "王大", "number": NUMBERS[0]}
    given_fields |= {"household_key": None, "support": RURAL} | changed
    return RowPeriod(days=Span(day(since), FOREVER), **given_fields)  # type: ignore[arg-type]


def test_a_member_who_leaves_ends_the_cover_on_that_day() -> None:
    left = Proof(NUMBERS[0], "王大", CHILDREN[0], Span(day(0), day(9)), KEYS[0])
    assert covers([row()], [], [left], ()) == [Cover(CHILDREN[0], Span(day(0), day(9)), REGISTERED, KEYS[0], RURAL)]


def test_who_moves_with_the_head_stays_covered_without_a_break() -> None:
    before = Proof(NUMBERS[0], "王大", CHILDREN[0], Span(day(0), day(9)), KEYS[1])
    after = Proof(NUMBERS[0], "王大", CHILDREN[0], Span(day(9), FOREVER), KEYS[0])
    (found,) = covers([row()], [], [after, before], ())
    assert found.days == Span(day(0), FOREVER)


def test_a_guardian_is_a_proof_of_its_own_and_a_registered_household_is_named_first() -> None:
    guardian = Proof(NUMBERS[0], "王大", CHILDREN[0], Span(day(0), FOREVER))
    (found,) = covers([row()], [], [guardian], ())
    assert (found.reason, found.household_id) == (GUARDIAN, None)
    (found,) = covers([row()], [], [guardian, guardian._replace(days=Span(day(5), day(6)), household_id=KEYS[0])], ())
    assert (found.reason, found.household_id, found.days.since) == (REGISTERED, KEYS[0], day(0))


def stated(child: UUID, since: int, until: int | None = None, area: str = "rural") -> MemberCovered:
    return MemberCovered(
        entry_id=UUID(int=9), student_id=child, list="civil", agency="civil_affairs", rule="R7", reason=REGISTERED,
        covered_from=day(since), covered_to=None if until is None else day(until), area_type=area,
    )  # fmt: skip


STATED = st.builds(stated, st.sampled_from(CHILDREN), st.integers(0, 3), st.sampled_from([None, 5, 6]))


@given(st.lists(st.lists(STATED, max_size=4), max_size=5))
def test_the_differences_add_up_to_what_is_wanted_and_nothing_is_said_twice(wanted: list[list[MemberCovered]]) -> None:
    standing: dict[tuple[UUID, date], MemberCovered] = {}
    for each in wanted:
        unique = list({(cover.student_id, cover.covered_from): cover for cover in each}.values())
        for fact in settle_covers(standing.values(), unique):
            key = fact.student_id, fact.covered_from
            if isinstance(fact, MemberCoverWithdrawn):
                del standing[key]
            else:
                assert standing.get(key) != fact
                standing[key] = fact
        assert sorted(standing.items(), key=str) == sorted(
            (((c.student_id, c.covered_from), c) for c in unique), key=str
        )
        assert settle_covers(standing.values(), unique) == []
