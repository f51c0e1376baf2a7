"""What really happens to a child in a term, and what the school and the offices say of it.

A story is the truth; the reports of classes are made from it, late, silent and sometimes wrong. Days are given by
their place among the school days simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal, NamedTuple

Reason = Literal["sick", "leave", "unexplained", "suspended", "other"]
Told = Literal["dropped_out", "suspended", "transferred_out", "accepted", "enrolled", "documented"]


class Spell(NamedTuple):
    """Away from the first to the last of these school days, both included; ``reason`` is what the class names."""

    first: int
    last: int
    reason: Reason
    half_day: bool = False


class Life(NamedTuple):
    """One word of an office about a child, said on ``told_on`` and true from ``on`` on. ``until``: the day a suspended
    child is due back, or the last day of a document; ``kind``: of the document."""

    told_on: date
    what: Told
    child: int
    on: date
    until: date | None = None
    kind: str = ""


class Mistake(NamedTuple):
    """The class named the child absent on these days and took it back, or gave another reason, on day ``mended``."""

    first: int
    last: int
    reason: Reason
    mended: int


@dataclass(frozen=True, slots=True)
class Story:
    """``out_from`` to ``out_until``: the days on which the child really was out of school (until None = it still is).
    An illness, a document and a mistake leave both None."""

    child: int
    kind: str
    spells: tuple[Spell, ...] = ()
    lives: tuple[Life, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    out_from: date | None = None
    out_until: date | None = None


# Of a thousand children in a term.
RATES: dict[str, float] = {
    "stopped": 1.6,
    "stopped_unsaid": 0.8,
    "returned": 2.0,
    "relapsed": 0.6,
    "back_for_a_day": 0.5,
    "late_back": 1.5,
    "excused_late_back": 1.0,
    "never_back": 0.8,
    "truant": 1.5,
    "ill": 30.0,
    "ill_long": 2.0,
    "half_days": 1.0,
    "documented": 4.0,
    "overstayed": 0.6,
    "suspended_back": 0.8,
    "suspended_over": 0.6,
    "left_accepted": 4.0,
    "left_accepted_late": 1.0,
    "left_lost": 0.5,
    "mistaken": 0.8,
    "explained_later": 0.8,
}
OLDER = frozenset({"stopped", "stopped_unsaid", "never_back", "overstayed", "relapsed"})
OLDER_FACTOR = 3  # grades 8 and 9
DOCUMENTS = ("sick", "delayed_entry", "home_teaching", "sports_school", "abroad")
WAVE_SHARE = 0.2  # of the children of a class in which an illness goes round
SHORTEST_DAYS = 30  # a simulation of fewer school days has illnesses only


@dataclass(frozen=True, slots=True)
class Term:
    """``days``: all school days simulated; this term's are [first, end) among them."""

    days: Sequence[date]
    first: int
    end: int

    def day(self, place: int) -> date:
        return self.days[min(place, len(self.days) - 1)]

    def until(self, place: int) -> date | None:
        """The day of a return, None when it lies beyond what is simulated."""
        return self.days[place] if place < len(self.days) else None


def stories_of(chance: Random, term: Term, children: Sequence[int], older: bool, trouble: float = 1.0) -> list[Story]:
    """The stories of a class in one term; most children have none. ``trouble`` multiplies the rates."""
    found = []
    total = sum(RATES.values()) + (OLDER_FACTOR - 1) * sum(RATES[kind] for kind in OLDER) * older
    kinds = list(RATES)
    weights = [RATES[kind] * (OLDER_FACTOR if older and kind in OLDER else 1) for kind in kinds]
    for child in children:
        if chance.random() * 1_000 >= total * trouble:
            continue
        (kind,) = chance.choices(kinds, weights)
        if kind == "ill" or term.end - term.first >= SHORTEST_DAYS:
            found.append(MAKERS[kind](chance, term, child))
    return found


def sick_wave(chance: Random, term: Term, children: Sequence[int]) -> list[Story]:
    """Some days in which a part of the class is ill, one after the other."""
    begin = _begin(chance, term, 8)
    ill = [child for child in children if chance.random() < WAVE_SHARE]
    stories = []
    for child in ill:
        first = begin + chance.randint(0, 3)
        stories.append(Story(child, "wave", (Spell(first, first + chance.randint(1, 3), "sick"),)))
    return stories


def _begin(chance: Random, term: Term, room: int) -> int:
    """Some day of the term with ``room`` school days left after it, as far as there are any; never the first."""
    return chance.randrange(term.first + 1, max(term.first + 2, term.end - room))


def _stopped(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 12)
    said = min(begin + chance.randint(6, 30), len(term.days) - 1)
    day = term.days[said]
    lives = (Life(day, "dropped_out", child, day),)
    return Story(child, "stopped", (Spell(begin, said - 1, "unexplained"),), lives, out_from=term.day(begin))


def _stopped_unsaid(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 5)
    spell = Spell(begin, len(term.days) - 1, "unexplained")
    return Story(child, "stopped_unsaid", (spell,), out_from=term.day(begin))


def _returned(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 20)
    last = begin + chance.randint(3, 14)
    spell = Spell(begin, last, "unexplained")
    return Story(child, "returned", (spell,), out_from=term.day(begin), out_until=term.until(last + 1))


def _relapsed(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 25)
    last = begin + chance.randint(3, 6)
    again = last + 1 + chance.randint(4, 7)  # long enough back that the first alert is closed
    spells = (Spell(begin, last, "unexplained"), Spell(again, len(term.days) - 1, "unexplained"))
    return Story(child, "relapsed", spells, out_from=term.day(begin))


def _back_for_a_day(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 20)
    last = begin + chance.randint(3, 6)
    again = last + 1 + chance.randint(1, 2)  # not long enough
    spells = (Spell(begin, last, "unexplained"), Spell(again, again + 8, "unexplained"))
    return Story(child, "back_for_a_day", spells, out_from=term.day(begin), out_until=term.until(again + 9))


def _late_back(chance: Random, term: Term, child: int) -> Story:
    last = term.first + chance.randint(1, 9)
    spell = Spell(term.first, last, "unexplained")
    return Story(child, "late_back", (spell,), out_from=term.day(term.first), out_until=term.until(last + 1))


def _excused_late_back(chance: Random, term: Term, child: int) -> Story:
    last = term.first + chance.randint(0, 5)
    return Story(child, "excused_late_back", (Spell(term.first, last, "leave"),))


def _never_back(chance: Random, term: Term, child: int) -> Story:
    spell = Spell(term.first, len(term.days) - 1, "unexplained")
    return Story(child, "never_back", (spell,), out_from=term.day(term.first))


def _truant(chance: Random, term: Term, child: int) -> Story:
    """Every second or third day for some weeks, and never two days running."""
    place, spells = _begin(chance, term, 40), []
    end = place + 30
    while place < min(end, term.end):
        spells.append(Spell(place, place, "unexplained"))
        place += chance.choice((2, 2, 3))
    return Story(child, "truant", tuple(spells), out_from=term.day(spells[0].first), out_until=term.until(place))


def _ill(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 8)
    reason: Reason = chance.choice(("sick", "sick", "leave"))
    return Story(child, "ill", (Spell(begin, begin + chance.randint(1, 6), reason),))


def _ill_long(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 25)
    return Story(child, "ill_long", (Spell(begin, begin + chance.randint(9, 18), "sick"),))


def _half_days(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 8)
    return Story(child, "half_days", (Spell(begin, begin + chance.randint(3, 5), "unexplained", half_day=True),))


def _documented(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 30)
    last = begin + chance.randint(5, 20)
    return Story(child, "documented", (Spell(begin, last, "sick"),), (_paper(chance, term, child, begin, last),))


def _overstayed(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 30)
    last = begin + chance.randint(5, 15)
    spells = (Spell(begin, last, "leave"), Spell(last + 1, len(term.days) - 1, "unexplained"))
    paper = _paper(chance, term, child, begin, last)
    return Story(child, "overstayed", spells, (paper,), out_from=term.day(last + 1))


def _paper(chance: Random, term: Term, child: int, begin: int, last: int) -> Life:
    """A document is handed in on its first day or, now and then, a day or two later."""
    told = term.day(begin + chance.choice((0, 0, 0, 1, 2)))
    return Life(told, "documented", child, term.day(begin), term.day(last), chance.choice(DOCUMENTS))


def _suspended_back(chance: Random, term: Term, child: int) -> Story:
    begin = _begin(chance, term, 30)
    due = term.day(begin + chance.randint(8, 25))
    return Story(child, "suspended_back", (), (_suspended(term, child, begin, due), Life(due, "enrolled", child, due)))


def _suspended_over(chance: Random, term: Term, child: int) -> Story:
    """Half of them come back some days late, half do not."""
    begin = _begin(chance, term, 35)
    after = begin + chance.randint(8, 20)
    due = term.day(after)
    lives = [_suspended(term, child, begin, due)]
    back = None
    if chance.random() < 0.5:
        back = term.day(after + chance.randint(3, 9))
        lives.append(Life(back, "enrolled", child, back))
    return Story(child, "suspended_over", (), tuple(lives), out_from=due, out_until=back)


def _suspended(term: Term, child: int, begin: int, due: date) -> Life:
    return Life(term.day(begin), "suspended", child, term.day(begin), due)


def _left_accepted(chance: Random, term: Term, child: int) -> Story:
    return _left(chance, term, child, "left_accepted", chance.randint(2, 13))


def _left_accepted_late(chance: Random, term: Term, child: int) -> Story:
    return _left(chance, term, child, "left_accepted_late", chance.randint(17, 30))


def _left_lost(chance: Random, term: Term, child: int) -> Story:
    return _left(chance, term, child, "left_lost", None)


def _left(chance: Random, term: Term, child: int, kind: str, after_days: int | None) -> Story:
    day = term.day(_begin(chance, term, 30))
    lives = [Life(day, "transferred_out", child, day)]
    back = None
    if after_days is not None:
        back = day + timedelta(days=after_days)
        lives.append(Life(back, "accepted", child, back))
    lost = kind != "left_accepted"
    return Story(child, kind, (), tuple(lives), out_from=day if lost else None, out_until=back if lost else None)


def _mistaken(chance: Random, term: Term, child: int) -> Story:
    """The teacher crossed out the wrong child for days."""
    begin = _begin(chance, term, 12)
    last = begin + chance.randint(2, 4)
    return Story(child, "mistaken", mistakes=(Mistake(begin, last, "unexplained", last + chance.randint(1, 3)),))


def _explained_later(chance: Random, term: Term, child: int) -> Story:
    """Really ill, and the class heard of it only afterwards."""
    begin = _begin(chance, term, 12)
    last = begin + chance.randint(2, 4)
    mistake = Mistake(begin, last, "unexplained", last + chance.randint(1, 2))
    return Story(child, "explained_later", (Spell(begin, last, "sick"),), mistakes=(mistake,))


MAKERS: dict[str, Callable[[Random, Term, int], Story]] = {
    "stopped": _stopped,
    "stopped_unsaid": _stopped_unsaid,
    "returned": _returned,
    "relapsed": _relapsed,
    "back_for_a_day": _back_for_a_day,
    "late_back": _late_back,
    "excused_late_back": _excused_late_back,
    "never_back": _never_back,
    "truant": _truant,
    "ill": _ill,
    "ill_long": _ill_long,
    "half_days": _half_days,
    "documented": _documented,
    "overstayed": _overstayed,
    "suspended_back": _suspended_back,
    "suspended_over": _suspended_over,
    "left_accepted": _left_accepted,
    "left_accepted_late": _left_accepted_late,
    "left_lost": _left_lost,
    "mistaken": _mistaken,
    "explained_later": _explained_later,
}
