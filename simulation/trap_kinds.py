"""The kinds of traps, each a story of two people who are easily taken for one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from simulation import confusions, names
from simulation.households import Household, Person
from simulation.office_sheets import WideRow
from simulation.schools import OTHER_SCHOOLS, School
from simulation.traps import Alter, TrapMaker, as_is, bare, hidden_sequence, no_number, number_of, towards

# household and person of the row, how the row departs from the truth, the perfect state, other states that are no fault
Planned = tuple[Household, Person, Alter, str, tuple[str, ...]]
Kind = Callable[[TrapMaker], Iterator[Planned]]

NOT_HERE = "not_in_register"
OPEN = ("review",)
OPEN_OR_REJECTED = ("review", "rejected", "not_in_register")


def _twins(make: TrapMaker, alike: bool, second_enrolled: bool) -> tuple[Household, Person, Person]:
    sex, birth = make.sex(), make.birth()
    surname = names.surname(make.rng)
    home = make.household(surname=surname)
    one, other = make.sounding_alike(sex) if alike else (make.given(sex), make.given(sex))
    if not alike:
        other = one[0] + other[1] if other[1] != one[1] else one[0] + names.given_name(make.rng, sex)[:1]
    if one == other:
        other = one[::-1] if one != one[::-1] else one + one[0]
    first = make.child(home, surname + one, sex, birth)
    second = make.child(home, surname + other, sex, birth, first.number, _school(first), second_enrolled)
    return home, first, second


def _school(person: Person) -> School | None:
    return person.student.school if person.student else None


def twin_elsewhere(make: TrapMaker) -> Iterator[Planned]:
    """One twin is registered, the row is about the other, whose number is the next."""
    home, _, second = _twins(make, make.rng.random() < 0.5, False)
    yield home, second, as_is, NOT_HERE, OPEN


def twin_elsewhere_slip(make: TrapMaker) -> Iterator[Planned]:
    """The same, and a slip brings the number next to that of the registered twin."""
    home, first, second = _twins(make, make.rng.random() < 0.5, False)
    yield home, second, towards(first.number), NOT_HERE, OPEN


def twin_elsewhere_without_number(make: TrapMaker) -> Iterator[Planned]:
    """Surname, birth date, head and village are those of the registered twin."""
    home, _, second = _twins(make, make.rng.random() < 0.5, False)
    yield home, second, no_number, NOT_HERE, OPEN


def twin_elsewhere_hidden_number(make: TrapMaker) -> Iterator[Planned]:
    home, _, second = _twins(make, make.rng.random() < 0.5, False)
    yield home, second, hidden_sequence, NOT_HERE, OPEN


def twin_with_the_others_number(make: TrapMaker) -> Iterator[Planned]:
    """Both are registered and sound alike; the second's row carries the first's number."""
    home, first, second = _twins(make, True, True)
    yield home, second, number_of(first), "linked", OPEN


def twins_on_one_number(make: TrapMaker) -> Iterator[Planned]:
    """Filled down with the mouse: both rows carry the first's number; the second twin is in no register."""
    home, first, second = _twins(make, True, False)
    yield home, first, as_is, "linked", OPEN
    yield home, second, number_of(first), NOT_HERE, OPEN


def twins_without_numbers(make: TrapMaker) -> Iterator[Planned]:
    """Both are registered; only the exact name tells them apart."""
    home, first, second = _twins(make, True, True)
    yield home, first, no_number, "linked", OPEN
    yield home, second, hidden_sequence, "linked", OPEN


def twins_unreadable(make: TrapMaker) -> Iterator[Planned]:
    """The character in which twins differ cannot be read, and the number is hidden."""
    home, first, second = _twins(make, True, True)
    at = next(i for i, (a, b) in enumerate(zip(first.name, second.name, strict=True)) if a != b)

    def alter(row: WideRow) -> None:
        hidden_sequence(row)
        row.cells["name"] = second.name[:at] + make.rng.choice(confusions.UNREADABLE) + second.name[at + 1 :]

    yield home, second, alter, "review", ("linked",)


def namesake_elsewhere(make: TrapMaker) -> Iterator[Planned]:
    """A student has the same name, the row's child is in no register and was born on another day of the year."""
    yield from _namesake(make, 40, no_number)


def namesake_elsewhere_same_birthday(make: TrapMaker) -> Iterator[Planned]:
    """The same with the same birth date, but a valid number of her own."""
    yield from _namesake(make, 0, as_is)


def namesake_elsewhere_other_school(make: TrapMaker) -> Iterator[Planned]:
    """Same name, same birth date, no number; the row names a school outside the county."""

    def alter(row: WideRow) -> None:
        no_number(row)
        row.cells["school"] = make.rng.choice(OTHER_SCHOOLS)

    yield from _namesake(make, 0, alter, "registered_elsewhere")


def namesake_elsewhere_other_head(make: TrapMaker) -> Iterator[Planned]:
    """Same name, same birth date, no number; only the head of the household is another."""
    yield from _namesake(make, 0, no_number)


def namesake_elsewhere_bare(make: TrapMaker) -> Iterator[Planned]:
    """Name and sex are all there is, and they fit one student."""
    yield from _namesake(make, 40, bare)


def namesake_elsewhere_slip(make: TrapMaker) -> Iterator[Planned]:
    """Same name and sex, born a day later: the mistyped number fits neither well."""
    home, student, child = _two_of_one_name(make, 1, False, near=True)
    yield home, child, towards(student.number), NOT_HERE, OPEN


def namesakes_in_one_school(make: TrapMaker) -> Iterator[Planned]:
    """Both are registered in one school; the row has no number, but a birth date."""
    home, _, child = _two_of_one_name(make, 40, True)
    yield home, child, no_number, "linked", OPEN


def namesakes_in_one_school_bare(make: TrapMaker) -> Iterator[Planned]:
    """The row has name, sex and head alone."""
    home, _, child = _two_of_one_name(make, 40, True)
    yield home, child, bare, "linked", OPEN_OR_REJECTED


def namesakes_on_one_birthday(make: TrapMaker) -> Iterator[Planned]:
    """One name, one school, one birth date, one sex; the number is hidden where they differ."""
    home, _, child = _two_of_one_name(make, 0, True)
    yield home, child, hidden_sequence, "linked", OPEN


def _two_of_one_name(
    make: TrapMaker, days: int, enrolled: bool, near: bool = False
) -> tuple[Household, Person, Person]:
    sex, birth = make.sex(), make.birth()
    surname = names.surname(make.rng)
    name = surname + names.given_name(make.rng, sex)
    student = make.child(make.household(surname=surname), name, sex, birth)
    home = make.household(surname=surname)
    number = student.number if near else ""
    school = _school(student)
    child = make.child(home, name, sex, birth + timedelta(days=days), number, school, enrolled)
    return home, student, child


def _namesake(make: TrapMaker, days: int, alter: Alter, state: str = NOT_HERE) -> Iterator[Planned]:
    home, _, child = _two_of_one_name(make, days, False)
    others = OPEN_OR_REJECTED if alter is bare else ("review", NOT_HERE)
    yield home, child, alter, state, others


def sibling_with_the_students_number(make: TrapMaker) -> Iterator[Planned]:
    """The small brother is listed with the number of his sister at school."""
    surname, birth = names.surname(make.rng), make.birth()
    home = make.household(surname=surname)
    elder = make.child(home, surname + make.given("female"), "female", birth)
    younger = make.child(home, surname + make.given("male"), "male", birth + timedelta(days=900), enrolled=False)
    yield home, younger, number_of(elder), NOT_HERE, OPEN


def siblings_swapped(make: TrapMaker) -> Iterator[Planned]:
    """Two at school, each listed with the other's number."""
    surname, birth = names.surname(make.rng), make.birth()
    home = make.household(surname=surname)
    elder = make.child(home, surname + make.given("female"), "female", birth)
    younger = make.child(home, surname + make.given("male"), "male", birth + timedelta(days=700))
    yield home, elder, number_of(younger), "linked", OPEN
    yield home, younger, number_of(elder), "linked", OPEN


def guardian_on_the_childs_row(make: TrapMaker) -> Iterator[Planned]:
    """The child's row carries the number of her guardian, whose own row is right."""
    surname = names.surname(make.rng)
    home = make.household(surname=surname)
    sex = make.sex()
    child = make.child(home, surname + make.given(sex), sex, make.birth())
    yield home, child, number_of(home.guardian), "linked", ("review", "out_of_age")
    yield home, home.guardian, as_is, "out_of_age", OPEN


def guardian_of_the_childs_name(make: TrapMaker) -> Iterator[Planned]:
    """Father and son have one name; the father is listed for himself, once without a number."""
    surname = names.surname(make.rng)
    name = surname + make.given("male")
    home = make.household(make.adult(surname, name))
    make.child(home, name, "male", make.birth())
    yield home, home.guardian, make.rng.choice((as_is, no_number, _fifteen)), "out_of_age", OPEN_OR_REJECTED


def guardian_with_the_childs_number(make: TrapMaker) -> Iterator[Planned]:
    """The child's card was at hand when the father's row was written."""
    surname = names.surname(make.rng)
    home = make.household(surname=surname)
    child = make.child(home, surname + make.given("male"), "male", make.birth())
    yield home, home.guardian, number_of(child), "out_of_age", (*OPEN, NOT_HERE)


def _fifteen(row: WideRow) -> None:
    row.write_number(row.number[:6] + row.number[8:17])


def renamed(make: TrapMaker) -> Iterator[Planned]:
    """A student has taken a new name; another of the school now has her old one; the list still says the old."""
    sex, birth = make.sex(), make.birth()
    surname = names.surname(make.rng)
    home = make.household(surname=surname)
    old, new = make.given(sex), make.given(sex)
    child = make.child(home, surname + new, sex, birth)
    assert child.student is not None
    child.student.former_name = old
    other = make.child(
        make.household(surname=surname), surname + old, sex, birth + timedelta(days=60), "", child.student.school
    )

    def old_name(row: WideRow) -> None:
        row.cells["name"] = surname + old

    def old_name_alone(row: WideRow) -> None:
        old_name(row)
        bare(row)

    yield home, child, old_name, "linked", OPEN
    yield home, child, old_name_alone, "linked", OPEN_OR_REJECTED
    assert other.student is not None
    yield other.student.household, other, as_is, "linked", OPEN


def two_students_on_one_number(make: TrapMaker) -> Iterator[Planned]:
    """The register itself gave one number to two students; their names sound alike in half of the cases."""
    sex, birth = make.sex(), make.birth()
    surname = names.surname(make.rng)
    one, other = make.sounding_alike(sex) if make.rng.random() < 0.5 else (make.given(sex), make.given(sex))
    home = make.household(surname=surname)
    first = make.child(home, surname + one, sex, birth)
    second_home = make.household(surname=surname)
    second = make.child(second_home, surname + other, sex, birth, enrolled=False)
    second.number = first.number
    make.enrol(second_home, second)
    yield home, first, as_is, "linked", OPEN
    yield second_home, second, as_is, "linked", OPEN


def cousins(make: TrapMaker) -> Iterator[Planned]:
    """The same grandfather signs for both; names share a generation's character, birthdays are days apart."""
    sex, birth = make.sex(), make.birth()
    surname = names.surname(make.rng)
    grandfather = make.adult(surname)
    one, other = make.sounding_alike(sex)
    student = make.child(make.household(grandfather), surname + one, sex, birth)
    home = make.household(grandfather)
    school = _school(student)
    cousin = make.child(home, surname + other, sex, birth + timedelta(days=3), student.number, school, False)
    yield home, cousin, make.rng.choice((no_number, as_is, hidden_sequence, towards(student.number))), NOT_HERE, OPEN


def first_name_alone(make: TrapMaker) -> Iterator[Planned]:
    """Of a name in two parts the list keeps the first, which a student of the same birthday also has."""
    rng, sex, birth = make.rng, make.sex(), make.birth()
    fathers = [names.minority_father(rng), names.minority_father(rng)]
    own = names.minority_name(rng, sex, fathers[0])
    first = own.split(names.MIDDLE_DOT)[0]
    make.child(make.household(surname=fathers[0]), own, sex, birth)
    home = make.household(surname=fathers[1])
    child = make.child(home, first + names.MIDDLE_DOT + fathers[1], sex, birth, enrolled=False)

    def alter(row: WideRow) -> None:
        no_number(row)
        row.cells["name"] = first

    yield home, child, alter, NOT_HERE, OPEN


def another_spelling(make: TrapMaker) -> Iterator[Planned]:
    """买买提 and 麦麦提 are one name for two boys born on one day, of whom one is registered."""
    rng, sex, birth = make.rng, make.sex(), make.birth()
    father = rng.choice(list(confusions.SPELLINGS))
    own = names.minority_name(rng, sex, father)
    make.child(make.household(surname=father), own, sex, birth)
    home = make.household(surname=father)
    other = own.split(names.MIDDLE_DOT)[0] + names.MIDDLE_DOT + confusions.SPELLINGS[father]
    child = make.child(home, other, sex, birth, enrolled=False)
    yield home, child, rng.choice((no_number, as_is)), NOT_HERE, OPEN


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        *(twin_elsewhere, twin_elsewhere_slip, twin_elsewhere_without_number, twin_elsewhere_hidden_number),
        *(twin_with_the_others_number, twins_on_one_number, twins_without_numbers, twins_unreadable),
        *(namesake_elsewhere, namesake_elsewhere_same_birthday, namesake_elsewhere_other_school),
        *(namesake_elsewhere_other_head, namesake_elsewhere_bare, namesake_elsewhere_slip),
        *(namesakes_in_one_school, namesakes_in_one_school_bare, namesakes_on_one_birthday),
        *(sibling_with_the_students_number, siblings_swapped, guardian_on_the_childs_row),
        *(guardian_of_the_childs_name, guardian_with_the_childs_number, renamed, two_students_on_one_number),
        *(cousins, first_name_alone, another_spelling),
    )
}
