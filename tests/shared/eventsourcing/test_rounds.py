"""Rounds keep the order of every subject and part nothing that need not be parted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.eventsourcing.rounds import Everything, Touched, rounds

SUBJECTS = st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=3)
TOUCHED = st.lists(st.one_of(SUBJECTS, st.just(Everything()), st.just(Everything("word"))), max_size=20)


def test_what_shares_nobody_is_one_round_and_what_does_follows_in_order() -> None:
    assert rounds([("a",), ("b",), ("a", "c"), ("c",), ("d",)]) == [[0, 1, 4], [2], [3]]


def test_what_concerns_everybody_parts_what_is_before_from_what_is_after() -> None:
    day, calendar = Everything(), Everything("calendar")
    assert rounds([("a",), day, day, ("a",), calendar, calendar, ("b",)]) == [[0], [1], [2], [3], [4, 5], [6]]


def meet(one: Touched, other: Touched) -> bool:
    if isinstance(one, Everything) or isinstance(other, Everything):
        return True
    return not set(one).isdisjoint(other)


@given(TOUCHED)
def test_every_event_once_and_two_that_meet_never_together_nor_the_later_first(touched: list[Touched]) -> None:
    found = rounds(touched)
    round_of = {place: number for number, places in enumerate(found) for place in places}
    assert sorted(round_of) == list(range(len(touched))) and all(found)
    assert all(places == sorted(places) for places in found)
    for later in range(len(touched)):
        for earlier in range(later):
            if meet(touched[earlier], touched[later]):
                same = isinstance(touched[later], Everything) and len({*touched[earlier : later + 1]}) == 1
                together = same and touched[later] == Everything("word")
                assert round_of[earlier] < round_of[later] or (together and round_of[earlier] == round_of[later])


@given(TOUCHED)
def test_no_event_waits_without_need(touched: list[Touched]) -> None:
    found = rounds(touched)
    for number, places in enumerate(found[1:], 1):
        for place in places:
            if not isinstance(touched[place], Everything):
                before = [each for each in found[number - 1] if each < place]
                assert any(meet(touched[each], touched[place]) for each in before)
