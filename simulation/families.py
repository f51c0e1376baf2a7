"""Makes the families of a district until its schools have the number of students asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from shared.standards.age import age_on, compulsory_period, school_year
from simulation import names, support
from simulation.households import Household, NumberOffice, Person, Student
from simulation.schools import DIVISION, OTHER_DIVISIONS, OTHER_SCHOOLS, WITHDRAWN_DIVISION, District

GRADES_ZH = (
    "",
    *("一年级", "二年级", "三年级", "四年级", "五年级", "六年级"),
    *("七年级", "八年级", "九年级", "高一", "高二", "高三"),
)
LAST_GRADE = 12
LAST_COMPULSORY_GRADE = 9
OLDEST_CHILD_YEARS = 21
TWINS_SHARE = 0.02  # of households with two children or more
MINORITY_SHARE = 0.03
GUEST_SHARE = 0.05  # families from another county whose children study here
ELSEWHERE_SHARE = 0.04
NOWHERE_SHARE = 0.006  # children of compulsory age in no school
WITHOUT_NUMBER_SHARE = 0.008  # students with a temporary student number and no identity number yet


@dataclass(slots=True)
class FamilyMaker:
    """Makes households one after another; the same random stream gives the same families."""

    rng: Random
    district: District
    offices: NumberOffice
    as_of: date
    next_number: int = 1
    listed: float = 1.0  # multiplies the shares of households with support

    def households(self) -> Iterator[Household]:
        """Households until the district has exactly its number of students; the last ones study elsewhere."""
        enrolled = 0
        while enrolled < self.district.students:
            household = self._household()
            for child in household.children:
                if child.student is None:
                    continue
                if enrolled == self.district.students:
                    child.student, child.standing, child.elsewhere = None, "elsewhere", OTHER_SCHOOLS[0]
                else:
                    enrolled += 1
            yield household

    def _household(self) -> Household:
        rng = self.rng
        township = rng.choice(self.district.townships)
        urban = rng.random() < (0.6 if township.seat else 0.05)
        guest = rng.choice(OTHER_DIVISIONS) if rng.random() < GUEST_SHARE else ""
        minority = rng.random() < MINORITY_SHARE
        surname = names.minority_father(rng) if minority else names.surname(rng)
        births = self._births()
        division = guest or (WITHDRAWN_DIVISION if rng.random() < 0.03 else DIVISION)
        adults, relation = self._adults(births[0][0], surname, minority, division)
        number = self.next_number
        self.next_number += 1
        household = Household(
            number=number,
            township=township,
            village=rng.choice(township.villages),
            urban=urban,
            guest_division=guest,
            door=rng.randint(1, 280),
            phone=f"12{rng.randrange(10**9):09}",  # 12 opens no public mobile number
            left_behind=rng.choices(("非留守儿童", "单亲留守儿童", "双亲留守儿童"), (86, 8, 6))[0],
            members=adults,
            guardian=adults[0],
        )
        if household.left_behind != "双亲留守儿童" and len(adults) > 2:
            household.guardian = adults[2]
        household.members += self._children(household, births, surname, minority, division, relation)
        self._support(household)
        return household

    def _births(self) -> list[tuple[date, bool]]:
        """(birth date, twin of the one before), eldest first."""
        rng = self.rng
        count = rng.choices((1, 2, 3), (42, 44, 14))[0]
        age_days = rng.randint(int(2.2 * 365), int(OLDEST_CHILD_YEARS * 365.25))
        births = [(self.as_of - timedelta(days=age_days), False)]
        while len(births) < count:
            if len(births) == 1 and rng.random() < TWINS_SHARE:
                births.append((births[0][0], True))
                continue
            age_days -= rng.randint(400, 1800)
            if age_days < 100:
                break
            births.append((self.as_of - timedelta(days=age_days), False))
        return births

    def _adults(
        self, eldest: date, surname: str, minority: bool, division: str
    ) -> tuple[list[Person], tuple[str, str]]:
        """Adults, head first, and how the children relate to the head (sons, daughters)."""
        rng = self.rng
        father_birth = eldest - timedelta(days=rng.randint(21 * 365, 38 * 365))
        mother_birth = eldest - timedelta(days=rng.randint(20 * 365, 35 * 365))
        three_generations = rng.random() < 0.3
        people: list[Person] = []
        if three_generations:
            grand_birth = father_birth - timedelta(days=rng.randint(21 * 365, 32 * 365))
            people.append(self._adult(grand_birth, "male", surname, minority, division, "户主"))
            wife = grand_birth + timedelta(days=rng.randint(-900, 1800))
            people.append(self._adult(wife, "female", names.surname(rng), False, division, "配偶"))
        kind = rng.random()
        if kind < 0.92:
            relation = "之子" if three_generations else "户主"
            people.append(self._adult(father_birth, "male", surname, minority, division, relation))
        if kind < 0.84 or (kind >= 0.92 and not three_generations):
            alone = not three_generations and kind >= 0.92
            relation = "户主" if alone else ("之儿媳" if three_generations else "配偶")
            people.append(self._adult(mother_birth, "female", names.surname(rng), False, division, relation))
        return people, ("之孙子", "之孙女") if three_generations else ("之子", "之女")

    def _adult(self, birth: date, sex: str, surname: str, minority: bool, division: str, relation: str) -> Person:
        rng = self.rng
        name = names.minority_name(rng, sex, surname) if minority else surname + names.given_name(rng, sex)
        # Only those who never exchanged their first-generation card still show fifteen digits.
        old = birth.year < self.as_of.year - 66 and rng.random() < 0.45
        if old:
            number = self.offices.issue_fifteen(rng, birth, sex)
        else:
            number = self.offices.issue(rng, self._birthplace(division), birth, sex)
        person = Person(name, sex, birth, number, relation, "adult")
        if rng.random() < support.ADULT_DISABILITY_SHARE and not old:
            person.disability = support.disability(rng, birth, self.as_of)
        return person

    def _birthplace(self, division: str) -> str:
        return self.rng.choice(OTHER_DIVISIONS) if self.rng.random() < 0.08 else division

    def _children(
        self,
        household: Household,
        births: list[tuple[date, bool]],
        surname: str,
        minority: bool,
        division: str,
        relation: tuple[str, str],
    ) -> list[Person]:
        rng = self.rng
        shared = names.generation_character(rng, "male") if rng.random() < 0.3 else ""
        children: list[Person] = []
        for birth, twin in births:
            sex = "male" if rng.random() < 0.53 else "female"
            near: int | None = None
            place = self._birthplace(division)
            if twin:
                shared = shared or children[-1].name[len(surname) : len(surname) + 1]
                near, place = int(children[-1].number[14:17]), children[-1].number[:6]
            name = self._child_name(surname, sex, minority, shared, {child.name for child in children})
            number = self.offices.issue(rng, place, birth, sex, near)
            child = Person(name, sex, birth, number, relation[sex == "female"], "infant")
            if age_on(birth, self.as_of) >= 3 and rng.random() < support.CHILD_DISABILITY_SHARE:
                child.disability = support.disability(rng, birth, self.as_of)
            self._place(household, child)
            children.append(child)
        return children

    def _child_name(self, surname: str, sex: str, minority: bool, shared: str, taken: set[str]) -> str:
        for _ in range(20):
            if minority:
                name = names.minority_name(self.rng, sex, surname)
            else:
                name = surname + names.given_name(self.rng, sex, shared)
            if name not in taken:
                break
        return name

    def _place(self, household: Household, child: Person) -> None:
        """Decide where the child is: too young, enrolled here, elsewhere, nowhere, or finished."""
        rng = self.rng
        grade = school_year(self.as_of) - compulsory_period(child.birth)[0].year + 1
        if grade < 1:
            child.standing = "preschool" if age_on(child.birth, self.as_of) >= 3 else "infant"
            return
        if grade > LAST_GRADE or (grade > LAST_COMPULSORY_GRADE and rng.random() < 0.14):
            child.standing = "left_school"
            return
        draw = rng.random()
        if grade <= LAST_COMPULSORY_GRADE and draw < NOWHERE_SHARE:
            child.standing = "enrolled_nowhere"
        elif not household.guest_division and draw < NOWHERE_SHARE + ELSEWHERE_SHARE:
            child.standing, child.elsewhere = "elsewhere", rng.choice(OTHER_SCHOOLS)
        else:
            self._enrol(household, child, grade - (grade > 1 and grade != 7 and rng.random() < 0.015))

    def _enrol(self, household: Household, child: Person, grade: int) -> None:
        rng = self.rng
        stage = "小学" if grade <= 6 else "初中" if grade <= LAST_COMPULSORY_GRADE else "高中"
        if stage == "高中" and rng.random() < 0.35 and self.district.schools_for(household.township, "中职"):
            stage = "中职"
        school = rng.choice(self.district.schools_for(household.township, stage))
        id_kept = rng.random() >= WITHOUT_NUMBER_SHARE
        child.standing = "student"
        child.student = Student(
            person=child,
            household=household,
            school=school,
            stage=stage,
            grade=grade,
            student_number="G" + child.number if id_kept else self.offices.temporary(),
            id_kept=id_kept,
            boarder=rng.random() < (0.08 if grade <= 6 else 0.55),
            placement=self._placement(child),
            former_name=names.given_name(rng, child.sex) if rng.random() < 0.01 else "",
        )

    def _placement(self, child: Person) -> str:
        if child.disability is None:
            return "普通"
        if child.disability.grade == 1:
            return self.rng.choice(("送教上门", "随班就读"))
        return self.rng.choice(("随班就读", "随班就读", "普通"))

    def _support(self, household: Household) -> None:
        """Support is decided for families of this county only; guests are on the lists of their own county."""
        rng, as_of = self.rng, self.as_of
        if household.guest_division:
            return
        number = 30_000_000 + household.number
        members = household.members
        if not household.urban and rng.random() < support.POVERTY_SHARE * self.listed:
            household.poverty = support.poverty_registration(rng, number, as_of)
        poor = household.poverty is not None
        share = support.URBAN_ALLOWANCE_SHARE if household.urban else support.RURAL_ALLOWANCE_SHARE
        if rng.random() < share * self.listed * (4 if poor else 1):
            # Another household's digits: 户编号 and 低保证号 are separate name spaces that overlap.
            household.subsistence = support.subsistence(rng, number + 3, len(members), household.urban, as_of)
        elif rng.random() < support.EXTREME_HARDSHIP_SHARE * self.listed:
            covered = tuple(i for i, member in enumerate(members) if member.standing != "adult")
            household.hardship = support.extreme_hardship(rng, covered, household.urban, as_of)


def give_namesakes(rng: Random, students: list[Student], share: float = 0.01) -> int:
    """Give some students the name of another of the same sex and grade. Returns how many names were changed."""
    by_group: dict[tuple[int, str], list[Student]] = {}
    for student in students:
        by_group.setdefault((student.grade, student.person.sex), []).append(student)
    changed = 0
    for group in by_group.values():
        for _ in range(round(len(group) * share)):
            one, other = rng.choice(group), rng.choice(group)
            if one.household is not other.household:
                one.person.name = other.person.name
                changed += 1
    return changed


def sort_into_classes(rng: Random, students: list[Student], first_row: int, class_size: int = 45) -> None:
    """Order by school, stage, grade and class, number the classes, and number the register rows from `first_row`."""
    rng.shuffle(students)
    students.sort(key=lambda student: (student.school.code, student.stage, student.grade))
    counts: dict[tuple[str, str, int], int] = {}
    for student in students:
        key = (student.school.code, student.stage, student.grade)
        counts[key] = counts.get(key, 0) + 1
    seen: dict[tuple[str, str, int], int] = {}
    for row, student in enumerate(students, first_row):
        key = (student.school.code, student.stage, student.grade)
        place = seen[key] = seen.get(key, 0) + 1
        classes = -(-counts[key] // class_size)
        student.class_number = (place - 1) * classes // counts[key] + 1
        student.row = row
        student.school.size += 1


def grade_zh(stage: str, grade: int) -> str:
    """The grade as the register writes it."""
    return f"中职{'一二三'[grade - LAST_COMPULSORY_GRADE - 1]}年级" if stage == "中职" else GRADES_ZH[grade]
