"""Which school a text means: found by code, by name, by the short name that clerks write where only one school has it,
or else the three nearest names to offer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process

NEAREST_OFFERED = 3
CLOSE_SCORE = 85.0  # of 100: 城关小学 and 城关小学校; below it two schools of one county are often told apart
NO_SCHOOL = frozenset(
    ("", "无", "没有", "未上学", "未入学", "未就学", "失学", "辍学", "不在校", "非在校生", "-", "--", "/", "—")
)

# As schools are called, beside how they are registered; the longer words first.
_CALLED = (
    ("职业高级中学", "职高"),
    ("职业技术学校", "职校"),
    ("初级中学", "初中"),
    ("高级中学", "高中"),
    ("完全小学", "完小"),
)
_NUMBERED = re.compile(r"第([一二三四五六七八九十百]+)(小|中)学")
_KIND = re.compile(
    r"([一二三四五六七八九十百\d]|第|中心|实验|附属|希望|民族|特殊教育|九年一贯制|九年制|完全)*"
    r"(小学|初中|高中|中学|学校|职高|职校|完小|小|中|校)$"
)
_PLACE_LENGTH = 2  # 上桥镇初中 names a place; 第三小学 may be any town's
_LEFT_OFF_MOST = 9  # characters of province, city and county before it

_KINDERGARTEN_WORDS = ("幼儿园", "学前班", "托儿所")
_NOISE = re.compile(r"[\s()·,,.。-]+")


def school_key(name: str) -> str:
    """The name without blanks, brackets and dots, half-width."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name))


def called(name: str) -> str:
    """A normalised name as it is called: 第一小学 and 一小 are one, 初级中学 and 初中 too."""
    for registered, short in _CALLED:
        name = name.replace(registered, short)
    return _NUMBERED.sub(r"\1\2", name)


def _names_a_place(short: str) -> bool:
    return len(_KIND.sub("", short)) >= _PLACE_LENGTH


@dataclass(frozen=True, slots=True)
class SchoolFound:
    """`key` is the directory's key of the school, or None with the `nearest` names, best first, and the best score.
    `placed`: the name says where the school lies."""

    key: str | None
    nearest: tuple[str, ...] = ()
    score: float = 0.0
    kindergarten: bool = False
    placed: bool = True

    @property
    def elsewhere(self) -> bool:
        """The name is not close to any of ours: a school outside the division.

        A kindergarten is not: few registers hold them, so an unknown one says nothing. Nor does 中心小学 alone.
        """
        return self.key is None and self.score < CLOSE_SCORE and self.placed and not self.kindergarten


@dataclass(slots=True)
class SchoolDirectory:
    """The division's schools. A school's key is its code, or its normalised name where the register has no codes."""

    _by_code: dict[str, str] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)
    _called: list[tuple[str, str]] = field(default_factory=list)
    _shown: dict[str, str] = field(default_factory=dict)
    _answers: dict[tuple[str, str], SchoolFound | None] = field(default_factory=dict)

    @classmethod
    def of(cls, schools: Iterable[tuple[str, str]]) -> SchoolDirectory:
        """From (code, name) pairs; either may be empty."""
        directory = cls()
        for code, name in schools:
            directory.add(code, name)
        return directory

    def __len__(self) -> int:
        return len(self._by_name)

    def add(self, code: str, name: str, means: str = "") -> str:
        """Note a school and return its key; ``means`` is another one's, whose it is now."""
        key = means or code or school_key(name)
        if code:
            self._by_code[code] = key
        plain = school_key(name)
        if plain and plain not in self._by_name:
            self._by_name[plain] = key
            self._called.append((called(plain), key))
            self._shown[plain] = name
            self._answers.clear()
        return key

    def find(self, name: str, code: str = "") -> SchoolFound | None:
        """The school a row names; None when it names none or the directory is empty."""
        asked = (name, code)
        if asked not in self._answers:
            self._answers[asked] = self._find(name, code)
        return self._answers[asked]

    def _find(self, name: str, code: str) -> SchoolFound | None:
        plain = school_key(name)
        if not self._by_name or (plain in NO_SCHOOL and not code):
            return None
        key = self._by_code.get(code) or self._by_name.get(plain)
        if key is not None:
            return SchoolFound(key)
        if (key := self._by_short_name(plain)) is not None:
            return SchoolFound(key)
        if plain in NO_SCHOOL:
            return None  # an unknown code alone says nothing about where the school is
        near = process.extract(plain, list(self._shown), scorer=fuzz.ratio, limit=NEAREST_OFFERED)
        names = tuple(self._shown[found] for found, _, _ in near)
        kindergarten = any(word in plain for word in _KINDERGARTEN_WORDS)
        return SchoolFound(None, names, near[0][1], kindergarten, _names_a_place(called(plain)))

    def _by_short_name(self, plain: str) -> str | None:
        """The one school of ours whose name ends so; what is left off in front may only be where it lies. None for a
        name without a place, which a school elsewhere may have as well."""
        short = called(plain)
        if not _names_a_place(short):
            return None
        keys = {
            key for whole, key in self._called if whole.endswith(short) and len(whole) - len(short) <= _LEFT_OFF_MOST
        }
        return keys.pop() if len(keys) == 1 else None
