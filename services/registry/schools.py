"""Which school a text means: found by code or name, or else the three nearest names to offer."""

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

_KINDERGARTEN_WORDS = ("幼儿园", "学前班", "托儿所")
_NOISE = re.compile(r"[\s()·,,.。-]+")


def school_key(name: str) -> str:
    """The name without blanks, brackets and dots, half-width."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name))


@dataclass(frozen=True, slots=True)
class SchoolFound:
    """`key` is the directory's key of the school, or None with the `nearest` names, best first, and the best score."""

    key: str | None
    nearest: tuple[str, ...] = ()
    score: float = 0.0
    kindergarten: bool = False

    @property
    def elsewhere(self) -> bool:
        """The name is not close to any of ours: a school outside the division.

        A kindergarten is not: few registers hold them, so an unknown one says nothing.
        """
        return self.key is None and self.score < CLOSE_SCORE and not self.kindergarten


@dataclass(slots=True)
class SchoolDirectory:
    """The division's schools. A school's key is its code, or its normalised name where the register has no codes."""

    _by_code: dict[str, str] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)
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

    def add(self, code: str, name: str) -> str:
        """Note a school and return its key."""
        key = code or school_key(name)
        if code:
            self._by_code[code] = key
        plain = school_key(name)
        if plain and plain not in self._by_name:
            self._by_name[plain] = key
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
        if plain in NO_SCHOOL:
            return None  # an unknown code alone says nothing about where the school is
        near = process.extract(plain, list(self._shown), scorer=fuzz.ratio, limit=NEAREST_OFFERED)
        names = tuple(self._shown[found] for found, _, _ in near)
        return SchoolFound(None, names, near[0][1], any(word in plain for word in _KINDERGARTEN_WORDS))
