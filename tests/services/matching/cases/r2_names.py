"""R2: the valid number is equal and the name differs by what a clerk's hand, ear, eye or keyboard does to a name.

Linked, and the reason flags what was assumed.
"""

from __future__ import annotations

from tests.services.matching.cases.form import Case, civil, linked, poverty, pupil
from tests.services.matching.cases.people import GIRL, HONG, MING

ming = pupil("王小明", MING)


def written(sentence: str, registered: str, listed: str, reason: str) -> Case:
    """The register has one name, the list the other; the number is equal."""
    return Case(sentence, [pupil(registered, HONG)], poverty(listed, HONG), linked("R2", reason))


VARIANT = "name_variant"
VARIANTS = (
    written("A list in traditional characters", "张伟", "張偉", VARIANT),
    written("A register in traditional characters", "劉曉東", "刘晓东", VARIANT),
    written("The peak with the mountain on top", "李峰", "李峯", VARIANT),
    written("The crowd written from top to bottom", "李群", "李羣", VARIANT),
    written("The hero as Taiwan writes him", "陈杰", "陈傑", VARIANT),
    written("The old shape of a surname", "黄小红", "黃小红", VARIANT),
    written("The Hong Kong shape of a character", "王卫", "王衞", VARIANT),
)

DOT = "name_middle_dot"
DOTS_LOST = (
    written("The middle dot is missing", "买买提·艾力", "买买提艾力", DOT),
    written("A blank stands for the middle dot", "买买提·艾力", "买买提 艾力", DOT),
    written("A hyphen stands for the middle dot", "买买提·艾力", "买买提-艾力", DOT),
    written("The register lost the middle dot", "阿依古丽吐尔逊", "阿依古丽·吐尔逊", DOT),
)

WILDCARD = "name_wildcard"
WILDCARDS = (
    written("A star stands for a character", "王小明", "王*明", WILDCARD),
    written("A full-width star stands for a character", "王小明", "王＊明", WILDCARD),
    written("A question mark stands for a character", "王小明", "王?明", WILDCARD),
    written("A full-width question mark stands for a character", "王小明", "王小？", WILDCARD),
    written("A box stands for a character", "王小明", "王□明", WILDCARD),
    written("The word 'some' stands for a character", "王小明", "王某明", WILDCARD),
    written("Two characters are hidden", "王小明", "王某某", WILDCARD),
    written("A character of private use stands for one that is not encoded", "王小\U00030edd", "王小\ue5e5", WILDCARD),
    written("A character of a private plane stands for one that is not encoded", "王小明", "王小\U000f0001", WILDCARD),
    written("The replacement character of a broken file", "王小明", "王小\ufffd", WILDCARD),
    written("The surname cannot be read", "王小明", "?小明", WILDCARD),
    written("The register could not show the character", "王?明", "王小明", WILDCARD),
    written("The same character is hidden on both sides", "王*明", "王*明", WILDCARD),
    written("A wildcard in a name of two characters", "王明", "王*", WILDCARD),
    written("A wildcard in a name with a middle dot", "买买提·艾力", "买*提·艾力", WILDCARD),
)

SOUND = "name_homophone"
SOUNDS = (
    written("One character of the same sound", "王晓明", "王小明", SOUND),
    written("One character of the same sound in another tone", "王佳怡", "王家怡", SOUND),
    written("The surname is another of the same sound", "张小红", "章小红", SOUND),
    written("A second reading of a character: music", "李乐", "李悦", SOUND),
    written("A second reading of a surname: the one that is mostly enmity", "仇英", "求英", SOUND),
    written("A second reading: to walk, to sail", "李行", "李航", SOUND),
    written("A syllable in Latin letters for a character that could not be typed", "王小明", "王xiao明", SOUND),
    written("A syllable with u umlaut typed as v", "吕小红", "lv小红", SOUND),
    written("One sound and one hidden character", "王晓明", "王小*", SOUND),
    written("One sound in a name with a middle dot", "阿依古丽·买买提", "阿衣古丽·买买提", SOUND),
)

SHAPE = "name_shape"
SHAPES = (
    written("A stroke longer: not yet, the end", "王未", "王末", SHAPE),
    written("A stroke open or closed: oneself, already", "李己", "李已", SHAPE),
    written("A part changed: clear sky, eye", "张晴", "张睛", SHAPE),
    written("A part changed: younger sister, pretty", "李妹", "李姝", SHAPE),
    written("A part changed: two kinds of jade", "王玫", "王玟", SHAPE),
)

SPELLING = "name_transliteration"
SPELLINGS = (
    written("One Uygur name in two spellings", "买买提·艾力", "麦麦提·艾力", SPELLING),
    written("Both parts in another spelling", "吐尔逊·买买提", "图尔荪·麦麦提", SPELLING),
    written("A long name in another spelling", "阿卜杜热合曼", "阿不都热合满", SPELLING),
    written("Another spelling, and the dot lost", "买买提·艾力", "麦麦提艾力", SPELLING),
    written("A single Tibetan name in another spelling", "多吉", "多杰", SPELLING),
    written("A single Tibetan name as another county writes it", "次仁", "才仁", SPELLING),
)

SHORT = "name_truncated"
SHORTENED = (
    written("Only the given part of a Uygur name", "阿不都热依木·买买提", "阿不都热依木", SHORT),
    written("A column that cut the name off", "阿卜杜热合曼·玉素甫江", "阿卜杜热合曼·玉素", SHORT),
    written("A Tibetan name of two words cut to the first", "扎西顿珠", "扎西", SHORT),
    written("The register cut the name off", "买买提", "买买提·艾力", SHORT),
    written("A remark behind the name", "王小明", "王小明(户主之孙)", SHORT),
)

FORMER = "name_former"
RENAMED = (
    Case(
        "The list still has the former name that the register knows",
        [pupil("王子涵", MING, 曾用名="王铁柱")],
        poverty("王铁柱", MING),
        linked("R2", FORMER),
    ),
    Case(
        "The list names as former name what the register still has",
        [pupil("王铁柱", MING)],
        poverty("王子涵", MING, 曾用名="王铁柱"),
        linked("R2", FORMER),
    ),
    Case(
        "The former name in traditional characters is the former name",
        [pupil("王子涵", MING, 曾用名="王铁柱")],
        poverty("王鐵柱", MING),
        linked("R2", FORMER),
    ),
)

NOT_DISTURBED = (
    Case(
        "Another office's slip in the same child's name does not hold up the link",
        [pupil("王晓明", MING)],
        poverty("王小明", MING),
        linked("R2", SOUND),
        above=[civil("王肖明", MING)],
    ),
    Case(
        "The right name on another list does not hold up the link",
        [pupil("王晓明", MING)],
        poverty("王小明", MING),
        linked("R2", SOUND),
        above=[civil("王晓明", MING)],
    ),
    Case(
        "A namesake elsewhere in the county does not hold up the link",
        [pupil("王晓明", MING, 学校名称="望潮一小"), pupil("王小明", GIRL, 学校名称="南山中学")],
        poverty("王小明", MING),
        linked("R2", SOUND),
    ),
    Case(
        "A sister of quite another name does not hold up the link",
        [pupil("王晓明", MING, 监护人姓名="王大"), pupil("王美丽", HONG, 监护人姓名="王大")],
        poverty("王小明", MING, 监护人姓名="王大"),
        linked("R2", SOUND),
    ),
    Case(
        "The right birth date and sex beside the number do not hold up the link",
        [pupil("王晓明", MING)],
        poverty("王小明", MING, 性别="男", 出生日期="2015-03-04"),
        linked("R2", SOUND),
    ),
    Case(
        "A birth date by month alone contradicts nothing",
        [pupil("王晓明", MING)],
        poverty("王小明", MING, 出生日期="2015.4"),
        linked("R2", SOUND),
    ),
)

CASES = (*(*VARIANTS, *DOTS_LOST, *WILDCARDS, *SOUNDS, *SHAPES, *SPELLINGS, *SHORTENED, *RENAMED, *NOT_DISTURBED),)
