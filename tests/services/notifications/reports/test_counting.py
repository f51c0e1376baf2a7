"""The pure parts of reports: periods that leave no day out, ledgers that balance whatever was told, levels that sum."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.reports.compiling import compile_level, differences, places_of
from services.notifications.reports.ledger_counts import Counts, Step, Unit, balance, count_ledger
from services.notifications.reports.lives import ClassRolls, standings
from services.notifications.reports.reading import ClassDay, Said, Schools
from services.notifications.reports.report_periods import LEVELS, Period, ended_before, period_around
from services.notifications.reports.tallying import Tally
from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span

APRIL = Period("month", "2026-04", date(2026, 4, 1), date(2026, 4, 30))
ONE_DAY = timedelta(days=1)
AUTUMN = Span(date(2025, 9, 1), date(2026, 1, 20), "2025-autumn")
SPRING = Span(date(2026, 2, 25), date(2026, 7, 5), "2026-spring")
NEXT = Span(date(2026, 8, 31), date(2027, 1, 22), "2026-autumn")
CALENDAR = SchoolCalendar((CalendarYear((AUTUMN, SPRING)), CalendarYear((NEXT,))))
UNITS = [
    Unit("469001001", "S1"),
    Unit("469001002", "S2"),
    Unit("469002001", "S3"),
    Unit("469000", "C1"),  # the city's own school
    Unit("469001", ""),  # children of no school
]


@given(st.dates(date(2025, 9, 1), date(2027, 8, 31)), st.sampled_from(sorted(set(LEVELS.values()))))
def test_every_day_is_in_exactly_one_period_and_they_follow_each_other(day: date, kind: str) -> None:
    period = period_around(kind, day, CALENDAR)  # type: ignore[arg-type]
    assert period is not None
    assert period.first <= day <= period.last
    assert period_around(kind, period.first, CALENDAR) == period == period_around(kind, period.last, CALENDAR)  # type: ignore[arg-type]
    before = ended_before(kind, day, CALENDAR)  # type: ignore[arg-type]
    assert before is None or before.last == period.first - ONE_DAY
    following = ended_before(kind, period.last + ONE_DAY, CALENDAR)  # type: ignore[arg-type]
    assert following == period


def test_terms_make_the_school_year_and_a_vacation_is_nobodys_gap() -> None:
    year = period_around("year", date(2026, 8, 1), CALENDAR)
    terms = [period_around("term", day, CALENDAR) for day in (date(2026, 2, 1), date(2026, 8, 1))]
    assert year is not None
    assert [term and (term.first, term.last) for term in terms] == [
        (year.first, SPRING.first - ONE_DAY), (SPRING.first, year.last),
    ]  # fmt: skip
    assert year.last == NEXT.first - ONE_DAY
    last = period_around("year", date(2027, 8, 31), CALENDAR)
    assert last is not None and last.last == date(2027, 8, 31), "told no further, a school year ends in August"


steps = st.lists(
    st.tuples(st.dates(date(2026, 3, 1), APRIL.last), st.sampled_from([None, *UNITS[:3]])),
    max_size=8,
    unique_by=lambda step: step[0],
).map(lambda told: [Step(on, place, "told") for on, place in sorted(told, key=lambda each: each[0])])


def naive(told: Sequence[Step]) -> dict[Unit, Counter[str]]:
    """Day by day: where is she this evening, where was she the evening before."""
    found: dict[Unit, Counter[str]] = defaultdict(Counter)

    def evening(day: date) -> Unit | None:
        return next((step.place for step in reversed(told) if step.on <= day), None)

    day, before = APRIL.first, evening(APRIL.first - ONE_DAY)
    if before:
        found[before]["l.begin"] += 1
    while day <= APRIL.last:
        now = evening(day)
        if now != before:
            way = "moved" if now and before else "told"
            if before:
                found[before][f"l.ended.{way}"] += 1
            if now:
                found[now][f"l.new.{way}"] += 1
        day, before = day + ONE_DAY, now
    if before:
        found[before]["l.end"] += 1
    return found


@given(st.lists(steps, max_size=5))
def test_a_ledger_is_what_somebody_counts_evening_by_evening(children: list[list[Step]]) -> None:
    counts: Counts = defaultdict(Counter)
    wanted: dict[Unit, Counter[str]] = defaultdict(Counter)
    for child in children:
        count_ledger("l", child, APRIL, counts)
        for unit, figures in naive(child).items():
            wanted[unit].update(figures)
    assert counts == wanted
    assert all(balance(figures, "l") == 0 for figures in counts.values())


def test_a_class_is_due_while_it_has_students_and_heard_only_on_days_it_is_due() -> None:
    rolls = ClassRolls(APRIL)
    here = [Said(date(2025, 9, 1), "enrolled", "469001001", "S1", "primary", "5", "1", False)]
    gone = [*here, Said(date(2026, 4, 14), "transferred_out", None, None, None, None, None, None)]
    for told in (gone, [*gone, Said(date(2026, 4, 28), "enrolled", "469001001", "S1", "primary", "5", "1", False)]):
        rolls.add(list(standings(told)))
    fridays = [date(2026, 4, 3), date(2026, 4, 10), date(2026, 4, 17)]
    heard = [date(2026, 4, 3), date(2026, 4, 4), date(2026, 4, 17), date(2026, 4, 30)]
    days = [ClassDay("S1", "primary", "5", "1", day) for day in heard]
    assert list(rolls.coverage(days, lambda school: fridays)) == [("S1", 2, 1)]


def tallied(numbers: Sequence[int]) -> Tally:
    schools = Schools(
        {unit.school: unit.division for unit in UNITS if unit.school}, frozenset({"S1", "S2", "S3", "C1"})
    )
    counts = {unit: Counter({"attempts.refused": number}) for unit, number in zip(UNITS, numbers, strict=True)}
    return Tally(APRIL, counts, schools)


@given(st.lists(st.integers(0, 9), min_size=len(UNITS), max_size=len(UNITS)))
def test_each_level_sums_the_level_below(numbers: list[int]) -> None:
    tally = tallied(numbers)
    told = {
        level: {each.place.key: json.loads(each.content) for each in compile_level(level, tally, "469000")}
        for level in LEVELS
    }
    count = {
        level: {key: each["figures"].get("attempts.refused", 0) for key, each in those.items()}
        for level, those in told.items()
    }
    s1, s2, s3, own, nowhere = numbers
    assert count["school"] == {"S1": s1, "S2": s2, "S3": s3, "C1": own}
    assert count["county"] == {"469001": s1 + s2 + nowhere, "469002": s3}
    assert count["city"] == count["province"] == {"469000": sum(numbers)}
    rows = {row[0]: sum(row[1:]) for row in told["city"]["469000"]["rows"]}
    assert rows == {"469001": s1 + s2 + nowhere, "469002": s3, "469000": own}, "the city's own school has a row"


def test_an_installation_of_one_county_reports_for_itself_at_each_level() -> None:
    schools = Schools({"S1": "441723001"}, frozenset({"S1"}))
    found = {level: [place.key for place in places_of(level, schools, "441723")] for level in LEVELS}
    assert found == {"school": ["S1"], "county": ["441723"], "city": ["441723"], "province": ["441723"]}


def test_differences_name_each_number_that_changed() -> None:
    before = compile_level("city", tallied([1, 0, 0, 0, 0]), "469000")[0].content
    after = compile_level("city", tallied([1, 2, 0, 0, 0]), "469000")[0].content
    assert differences(before, before) == {}
    assert differences(before, after) == {"attempts.refused": (1, 3), "469001/attempts.refused": (1, 3)}
