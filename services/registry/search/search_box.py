"""One box for every way to look for a student: what was typed, recognised, as ranges of search keys.

张小明 · zhangxiaoming · zxm · 469001201401 · 0014 · 4690**********0014 · G469001… · 第一小学 三年级2班 张
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from services.registry.search.search_keys import (
    ENDS,
    INITIALS,
    NAME,
    NUMBER,
    NUMBER_ENDS,
    PINYIN,
    STUDENT_NUMBER,
    STUDENT_NUMBER_ENDS,
    ends_of,
    plain_name,
)
from shared.kernel.refusals import Malformed

Kind = Literal["name", "pinyin", "id_number", "id_ends", "student_number", "school", "class"]
TYPED_CHARACTERS = 60
_LAST = "\U0010ffff"  # beyond every character that can follow a beginning
_MASKED = re.compile(r"([0-9A-Z]{4})\*+([0-9X]{4})")
_LAST_FOUR = re.compile(r"\d{3}[\dX]")
_NUMBER = re.compile(r"\d{5,18}|\d{17}X")
_STUDENT_NUMBER = re.compile(r"[GJL]\d{3,18}X?")
_LETTERS = re.compile(r"[A-ZÜ]+")
_SCHOOL = re.compile("小学|中学|学校|幼儿园|学院|高中|初中|附中|附小|中心校|职校|教学点")
_CLASS = re.compile(r"(?:(\d{1,2}|[一二三四五六七八九十]{1,2})年级)?(?:\(?(\d{1,3}|[一二三四五六七八九十]{1,3})\)?班)?")
_NUMBERS = re.compile(r"(\d{1,9}|[一二三四五六七八九十]{1,3})")
_ONES = ("", *"一二三四五六七八九")
_WORDS = {
    str(10 * tens + ones): ("" if tens == 0 else "十" if tens == 1 else _ONES[tens] + "十") + _ONES[ones]
    for tens in range(10)
    for ones in range(10)
    if tens or ones
}
_FIGURES = {words: figures for figures, words in _WORDS.items()}


@dataclass(frozen=True)
class KeyRange:
    """Keys from ``low`` up to and without ``high``, compared byte by byte."""

    low: str
    high: str

    def holds(self, key: str) -> bool:
        """Whether the key lies in it."""
        return self.low <= key < self.high


@dataclass(frozen=True)
class Sought:
    """What was typed. A student found by one range is not found again by a later one. ``schools``: each is a part
    of a school's name; ``grades`` and ``classes``: how registers write the one that is meant, empty for any."""

    ranges: tuple[KeyRange, ...]
    recognised: tuple[tuple[str, Kind], ...]
    schools: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def recognise(typed: str) -> Sought:
    """Raises Malformed for what is no way to look for a student."""
    words = unicodedata.normalize("NFKC", typed).upper().replace("'", "").split()
    told: list[tuple[str, Kind]] = []
    schools, grades, classes = [], (), ()  # type: list[str], tuple[str, ...], tuple[str, ...]
    for word in words:
        kind = _kind_of(word)
        if kind == "school":
            schools.append(word)
        elif kind == "class":
            grade, class_ = _class_of(word)
            grades, classes = grade or grades, class_ or classes
        elif told and told[-1][1] == kind and kind in ("name", "pinyin"):
            told[-1] = (told[-1][0] + word, kind)  # 张 小明, zhang xiaoming
            continue
        told.append((word, kind))
    people = [(word, kind) for word, kind in told if kind not in ("school", "class")]
    if len(people) > 1:
        raise Malformed("一次请只按姓名、拼音或一个号码查找", "Look by one name, pinyin or number at a time")
    if not told:
        raise Malformed("请输入姓名、拼音、号码、学校或班级", "Type a name, pinyin, a number, a school or a class")
    ranges = _ranges(*people[0]) if people else (_beginning(NAME),)
    return Sought(ranges, tuple(told), tuple(schools), grades, classes)


def _kind_of(word: str) -> Kind:
    if _MASKED.fullmatch(word) or _LAST_FOUR.fullmatch(word):
        return "id_ends"
    if _NUMBER.fullmatch(word):
        return "id_number"
    if _STUDENT_NUMBER.fullmatch(word):
        return "student_number"
    if _LETTERS.fullmatch(word):
        return "pinyin"
    if _CLASS.fullmatch(word):
        return "class"
    if word[0].isdigit() or "*" in word:
        raise Malformed(
            "看不出要查什么:号码请输入开头5位以上,或末4位",
            "What to look for is not clear: of a number, type the first five or more, or the last four",
        )
    return "school" if _SCHOOL.search(word) else "name"


def _ranges(word: str, kind: Kind) -> tuple[KeyRange, ...]:
    match kind:
        case "name":
            return (_beginning(NAME + plain_name(word)),)
        case "pinyin":
            # lü is typed lv, and lyu in passports; n before yu may end a syllable.
            plain = word.lower().replace("ü", "v").replace("lyu", "lv")
            return _beginning(PINYIN + plain), _beginning(INITIALS + plain), _beginning(NAME + plain_name(word))
        case "id_number":
            return (_beginning(NUMBER + word),)
        case "student_number":
            repeated = (_beginning(NUMBER + word[1:]),) if word[0] == "G" else ()
            return (_beginning(STUDENT_NUMBER + word), *repeated)
        case _:
            return _ends(word)


def _ends(word: str) -> tuple[KeyRange, ...]:
    first, last = word[:ENDS] if "*" in word else "", word[-ENDS:]
    ranges = (_beginning(NUMBER_ENDS + ends_of(first, last)), _beginning(STUDENT_NUMBER_ENDS + ends_of(first, last)))
    # A G number repeats the identity number behind its letter, so its first four are three of that.
    return (*ranges, _beginning(NUMBER_ENDS + ends_of(first[1:], last))) if first.startswith("G") else ranges


def _beginning(key: str) -> KeyRange:
    return KeyRange(key, key + _LAST)


def _class_of(word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """三年级2班 → how a register may write its grade, and its class."""
    matched = _CLASS.fullmatch(word)
    assert matched is not None
    grade, class_ = (_both(part) if part else () for part in matched.groups())
    grades = tuple(form for each in grade for form in (each, f"{each}年级"))
    return grades, tuple(form for each in class_ for form in (each, f"{each}班", f"({each})班", f"({each})班"))


def in_figures(name: str) -> tuple[tuple[int, str], ...]:
    """The name of a grade or a class as it sorts: 二年级 before 十年级, 2班 before 10班."""
    parts = [part for part in _NUMBERS.split(name) if part]
    figures = [_FIGURES.get(part, part) for part in parts]
    return tuple((int(each), "") if each.isdecimal() else (0, each) for each in figures)


def _both(number: str) -> tuple[str, ...]:
    """A number in both ways to write it: 3 and 三, 12 and 十二."""
    figures = _FIGURES.get(number, number)
    return tuple(dict.fromkeys((figures, _WORDS.get(figures, figures))))
