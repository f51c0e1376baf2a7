"""Categories 学生困难类别 (domain.md §5): the first class that some evidence in force supports; all evidence is kept.

Precedence serves reporting only; entitlement reads the whole set. The classes, their order and what they accept are
configuration with a version: CONTENT below is the content a CategoryRulesActivated event starts with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.standards.disability import GRADES_ZH, KINDS_ZH

REGISTERED_KINDS = ["脱贫户", "脱贫不稳定户", "一般贫困户", "低保贫困户", "五保贫困户"]
MONITORED_KINDS = ["边缘易致贫户", "突发严重困难户"]  # not on the register of old; counted unless a county says no

# For each class, `accepts` names the values of an evidence field that support it; `missing_accepted` the fields on
# which a silent list does not stand in the way: one child too many can be seen and struck off, one left out cannot.
CONTENT: dict[str, Any] = {
    "version": "2021-1",
    "classes": [
        {
            "category": "registered_poor",
            "accepts": {"list": ["poverty"], "household_type": REGISTERED_KINDS + MONITORED_KINDS},
            "missing_accepted": ["household_type"],
        },
        {"category": "disabled", "accepts": {"list": ["disability"]}, "missing_accepted": []},
        {
            "category": "subsistence_rural",
            "accepts": {"list": ["civil"], "support_type": ["subsistence_allowance"], "area_type": ["rural"]},
            "missing_accepted": ["area_type"],
        },
        {
            "category": "extreme_hardship",
            "accepts": {"list": ["civil"], "support_type": ["extreme_hardship"], "area_type": ["rural"]},
            "missing_accepted": ["area_type"],
        },
    ],
}

CATEGORIES_ZH: Mapping[str, str] = {
    "registered_poor": "建档立卡",
    "disabled": "非建档立卡残疾学生",
    "subsistence_rural": "农村低保家庭学生",
    "extreme_hardship": "特困救助供养学生",
    "": "",
}

_SUPPORT_ZH = {"subsistence_allowance": "低保", "extreme_hardship": "特困"}
_AREA_ZH = {"rural": "农村", "urban": "城市"}
_FIELDS = ("list", "household_type", "support_type", "area_type", "coverage", "disability_kind", "disability_grade")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One linked list row: what it says and when it holds, [valid_from, valid_to), None = open.

    `source` names the row (for example poverty:12). `lifted_on` is kept for the reader: it never ends validity.
    """

    list: str
    source: str = ""
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    disability_kind: int | None = None
    disability_grade: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    lifted_on: date | None = None

    def in_force(self, day: date) -> bool:
        """valid_from ≤ day < valid_to."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    @property
    def kind(self) -> str:
        """The kind in the field's own words: 脱贫不稳定户, 肢体二级, 农村低保; empty when the list does not say."""
        if self.list == "poverty":
            return self.household_type or ""
        if self.list == "disability":
            return KINDS_ZH.get(self.disability_kind or 0, "") + GRADES_ZH.get(self.disability_grade or 0, "")
        return _AREA_ZH.get(self.area_type or "", "") + _SUPPORT_ZH.get(self.support_type or "", "")


@dataclass(frozen=True, slots=True)
class CategoryClass:
    """One class: values accepted by field, and fields that may be missing."""

    category: str
    accepts: Mapping[str, frozenset[Any]]
    missing_accepted: frozenset[str]

    def supported_by(self, evidence: Evidence) -> bool:
        for field, accepted in self.accepts.items():
            value = getattr(evidence, field)
            if value is None and field in self.missing_accepted:
                continue
            if value not in accepted:
                return False
        return True


@dataclass(frozen=True, slots=True)
class CategoryRules:
    """Classes in order of precedence. `content_hash` is SHA-256 of the canonical JSON, in hex."""

    version: str
    classes: tuple[CategoryClass, ...]
    content_hash: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> CategoryRules:
        """From the content of an activation. Raises ValueError when it names an unknown field or repeats a class."""
        classes = tuple(
            CategoryClass(
                known["category"],
                {field: frozenset(values) for field, values in known["accepts"].items()},
                frozenset(known["missing_accepted"]),
            )
            for known in content["classes"]
        )
        names = [known.category for known in classes]
        fields = {field for known in classes for field in (*known.accepts, *known.missing_accepted)}
        if len(set(names)) != len(names) or not fields <= set(_FIELDS):
            raise ValueError("category rules repeat a class or name an unknown field")
        digest = hashlib.sha256(canonical_json(content).encode()).hexdigest()
        return cls(content["version"], classes, digest)


def canonical_json(content: Mapping[str, Any]) -> str:
    """The text that an activation carries and hashes: sorted keys, no blanks, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


DEFAULT_CATEGORY_RULES = CategoryRules.of(CONTENT)


@dataclass(frozen=True, slots=True)
class Category:
    """`category` is empty when no class holds; `kind` is that of the deciding (or else first) evidence in force."""

    category: str
    kind: str
    evidence: tuple[Evidence, ...]

    @property
    def zh(self) -> str:
        return CATEGORIES_ZH.get(self.category, self.category)


def categorise(evidence: Iterable[Evidence], rules: CategoryRules, as_of: date) -> Category:
    """The reported category of one student on a day; `evidence` of the result is everything in force, in order."""
    in_force: Sequence[Evidence] = tuple(found for found in evidence if found.in_force(as_of))
    for known in rules.classes:
        for found in in_force:
            if known.supported_by(found):
                return Category(known.category, found.kind, tuple(in_force))
    return Category("", in_force[0].kind if in_force else "", tuple(in_force))
