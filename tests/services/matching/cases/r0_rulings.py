"""R0: what a clerk ruled stands before the ladder, as long as the evidence it was based on stands."""

from __future__ import annotations

from tests.services.matching.cases.form import (
    Case,
    Expected,
    Papers,
    civil,
    different,
    elsewhere,
    linked,
    nobody,
    not_in_register,
    out_of_age,
    poverty,
    pupil,
    rejected,
    review,
    same,
)
from tests.services.matching.cases.people import FATHER, GIRL, HONG, MING, UNKNOWN

ming, hong = pupil("王小明", MING), pupil("李小红", HONG)
renamed = poverty("王子涵", MING)  # a number of the register under another name: R3 without a ruling
SAME: Expected = linked("R0", "ruled_same")
NOBODY: Expected = not_in_register("ruled_nobody", "R0")
LOOK_AGAIN: Expected = review("R0", "ruling_outdated")
namesakes = [pupil("王小明", MING, 出生日期="2015-03-04"), pupil("王小明", "", 出生日期="2015-03-04")]
by_birth_date = poverty("王小明", 出生日期="2015-03-04")

SAME_PERSON = (
    Case("A clerk confirmed the student of another name", [ming], renamed, SAME, ruled=[same(1)]),
    Case(
        "A clerk confirmed a student whom the ladder would not find",
        [ming],
        poverty("赵强", UNKNOWN),
        SAME,
        ruled=[same(1)],
    ),
    Case(
        "A clerk chose one of two namesakes",
        namesakes,
        by_birth_date,
        linked("R0", "ruled_same", 2),
        ruled=[same(2)],
    ),
    Case("A clerk confirmed whom the ladder links anyhow", [ming], poverty("王小明", MING), SAME, ruled=[same(1)]),
    Case("A row with lost digits, confirmed by a clerk", [ming], poverty("王小明", 4.6908e17), SAME, ruled=[same(1)]),
    Case(
        "A new school year changes nothing of what the ruling rests on",
        [pupil("王小明", MING, 学校名称="南山中学", 年级="七年级")],
        renamed,
        SAME,
        ruled=[same(1)],
        saw=Papers([pupil("王小明", MING, 学校名称="望潮一小", 年级="六年级")], renamed),
    ),
    Case("Who was confirmed has left the register's schools", [ming, hong], renamed, SAME, ruled=[same(1)], gone=[1]),
)

NOT_THE_SAME = (
    Case(
        "A clerk ruled out the student of the number",
        [ming],
        renamed,
        not_in_register("ruled_different", "R0"),
        ruled=[different(1)],
    ),
    Case(
        "One of two namesakes ruled out leaves the other to the ladder",
        namesakes,
        by_birth_date,
        review("R6", "name_and_birth_date_agree", 2),
        ruled=[different(1)],
    ),
    Case(
        "Two students on one number: the one ruled out leaves the other, who has the name",
        [pupil("李小红", MING), ming],
        poverty("王小明", MING),
        linked("R1", "number_and_name_agree", 2),
        ruled=[different(1)],
    ),
    Case(
        "Who is ruled out was never a candidate: the ladder decides",
        [ming, hong],
        poverty("王小明", MING),
        linked("R1", "number_and_name_agree"),
        ruled=[different(2)],
    ),
    Case(
        "The father on the child's row ruled out, and the row is about a father",
        [pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号=FATHER)],
        poverty("王小明", FATHER),
        out_of_age(),
        ruled=[different(1)],
    ),
    Case(
        "Ruled out, and the row names a school outside the county",
        [pupil("王小明", MING, 学校名称="望潮一小")],
        poverty("王子涵", MING, 就读学校="远方市外国语实验学校"),
        elsewhere(),
        ruled=[different(1)],
    ),
)

NOBODY_HERE = (
    Case("A clerk ruled that the row is about nobody of the register", [ming], renamed, NOBODY, ruled=[nobody(1)]),
    Case("Nobody, and the row was rejected", [ming], poverty("王小明", "12345"), NOBODY, ruled=[nobody()]),
    Case("Nobody, and the ladder finds nobody either", [ming], poverty("赵强", UNKNOWN), NOBODY, ruled=[nobody()]),
    Case("Nobody, because he is an adult", [ming], poverty("赵强", FATHER), out_of_age(), ruled=[nobody()]),
    Case(
        "Nobody, and then a student came who fits",
        [ming, pupil("王子涵", "", 出生日期="2015-03-04", 学校名称="望潮一小")],
        renamed,
        review("R0", "ruling_outdated", 2),
        ruled=[nobody(1)],
        saw=Papers([ming], renamed),
    ),
)

SAW_SOMETHING_ELSE = (
    Case(
        "The office corrected the name since: a person looks again",
        [ming],
        renamed,
        LOOK_AGAIN,
        ruled=[same(1)],
        saw=Papers([ming], poverty("王子函", MING)),
    ),
    Case(
        "The register corrected the name since: a person looks again",
        [ming],
        renamed,
        LOOK_AGAIN,
        ruled=[same(1)],
        saw=Papers([pupil("王小民", MING)], renamed),
    ),
    Case(
        "The number on the row changed since, and nobody of the register has it: who was confirmed is shown",
        [ming],
        poverty("王子涵", UNKNOWN),
        LOOK_AGAIN,
        ruled=[same(1)],
        saw=Papers([ming], renamed),
    ),
    Case(
        "The guardian in the register changed since",
        [pupil("王小明", MING, 监护人姓名="王大")],
        renamed,
        LOOK_AGAIN,
        ruled=[same(1)],
        saw=Papers([pupil("王小明", MING, 监护人姓名="李梅")], renamed),
    ),
    Case(
        "The row was corrected to what was ruled: nobody is asked",
        [ming],
        poverty("王小明", MING),
        linked("R1", "number_and_name_agree"),
        ruled=[same(1)],
        saw=Papers([ming], renamed),
    ),
    Case(
        "The row was corrected to another student's number and name: both are shown",
        [ming, hong],
        poverty("李小红", HONG),
        review("R0", "ruling_outdated", 1, 2),
        ruled=[same(1)],
        saw=Papers([ming, hong], renamed),
    ),
    Case(
        "Who was ruled out has another name now and is shown again",
        [pupil("王子函", MING)],
        renamed,
        LOOK_AGAIN,
        ruled=[different(1)],
        saw=Papers([ming], renamed),
    ),
    Case(
        "Nobody was ruled of a row that has another name now",
        [ming],
        renamed,
        LOOK_AGAIN,
        ruled=[nobody(1)],
        saw=Papers([ming], poverty("王子函", MING)),
    ),
    Case(
        "Nobody was ruled of a row that was corrected since, and nobody is in the register",
        [ming],
        poverty("赵强", UNKNOWN),
        not_in_register(),
        ruled=[nobody()],
        saw=Papers([ming], poverty("赵强", "12345")),
    ),
    Case(
        "A rejected row that was ruled nobody, and corrected into another that is rejected",
        [ming],
        poverty("赵强", "12345"),
        rejected("number_length"),
        ruled=[nobody()],
        saw=Papers([ming], poverty("赵强", "1234")),
    ),
)

ONE_AFTER_THE_OTHER = (
    Case("Ruled out, then confirmed", [ming], renamed, SAME, ruled=[different(1), same(1)]),
    Case(
        "Confirmed, then ruled out",
        [ming],
        renamed,
        not_in_register("ruled_different", "R0"),
        ruled=[same(1), different(1)],
    ),
    Case("Confirmed as one student, then as another", namesakes, by_birth_date, SAME, ruled=[same(2), same(1)]),
    Case("Confirmed, then nobody", [ming], renamed, NOBODY, ruled=[same(1), nobody(1)]),
    Case("Nobody, then confirmed", [ming], renamed, SAME, ruled=[nobody(1), same(1)]),
    Case(
        "Confirmed, and another student ruled out: both stand",
        namesakes,
        by_birth_date,
        SAME,
        ruled=[same(1), different(2)],
    ),
    Case(
        "A ruling about a civil affairs row is like any other",
        [pupil("王小丽", GIRL)],
        civil("王美丽", GIRL, 城乡类别="农村"),
        SAME,
        ruled=[same(1)],
    ),
)

CASES = (*SAME_PERSON, *NOT_THE_SAME, *NOBODY_HERE, *SAW_SOMETHING_ELSE, *ONE_AFTER_THE_OTHER)
