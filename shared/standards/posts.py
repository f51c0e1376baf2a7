"""The posts of education aid: 13 kinds, what each is called, and the shape of the scope it is held in.

A post, not a person, holds rights (rights.py). ``service`` stands beside them for machines and is nobody's post.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.standards.division import scope


class Kind(StrEnum):
    """A kind of post; ``SERVICE`` is a machine's."""

    AID_CLERK = "aid_clerk"
    REVIEWER = "reviewer"
    CASHIER = "cashier"
    APPROVER = "approver"
    REGISTRAR = "registrar"
    CLASS_TEACHER = "class_teacher"
    HELPER_TEACHER = "helper_teacher"
    PRINCIPAL = "principal"
    TOWNSHIP_CADRE = "township_cadre"
    CITY_OFFICER = "city_officer"
    AGENCY_PUBLISHER = "agency_publisher"
    AUDITOR = "auditor"
    ACCOUNT_ADMINISTRATOR = "account_administrator"
    SERVICE = "service"


class Shape(StrEnum):
    """What a post's scope is made of: the claims of its tokens.

    ``DIVISION``: ``division``, a prefix of 2, 4, 6, 9 or 12 digits · ``SCHOOL``: ``school`` · ``CLASS``: ``school`` and
    ``class`` (stage/grade/class as the register writes them; an empty stage is any) · ``AGENCY``: ``agency`` ·
    ``DIVISION_OR_SCHOOL``: ``division``, or else ``school``.
    """

    DIVISION = "division"
    SCHOOL = "school"
    CLASS = "class"
    AGENCY = "agency"
    DIVISION_OR_SCHOOL = "division_or_school"


@dataclass(frozen=True)
class PostKind:
    """``digits``: the longest and shortest division prefix such a post is given, both included."""

    zh: str
    en: str
    shape: Shape
    digits: tuple[int, int] | None = None

    def fits(self, division: str) -> bool:
        """Whether a division is no wider than such a post: 469001000 is all of the county 469001, and no township's
        cadre answers for that. Raises DivisionCodeError."""
        return self.digits is not None and len(scope(division)) >= self.digits[0]


_WIDE, _ANY = (2, 6), (2, 12)

POSTS: Mapping[Kind, PostKind] = {
    Kind.AID_CLERK: PostKind("资助中心经办", "Aid clerk", Shape.DIVISION, _WIDE),
    Kind.REVIEWER: PostKind("资助中心核对员", "Reviewer", Shape.DIVISION, _WIDE),
    Kind.CASHIER: PostKind("资助中心出纳", "Cashier", Shape.DIVISION, _WIDE),
    Kind.APPROVER: PostKind("资助中心审批人", "Approver", Shape.DIVISION, _WIDE),
    Kind.REGISTRAR: PostKind("学校学籍管理员", "School registrar", Shape.SCHOOL),
    Kind.CLASS_TEACHER: PostKind("班主任", "Class teacher", Shape.CLASS),
    Kind.HELPER_TEACHER: PostKind("帮扶教师", "Helper teacher", Shape.CLASS),
    Kind.PRINCIPAL: PostKind("校长", "Principal", Shape.SCHOOL),
    Kind.TOWNSHIP_CADRE: PostKind("乡镇干部", "Township cadre", Shape.DIVISION, (9, 12)),
    Kind.CITY_OFFICER: PostKind("市级主管", "City officer", Shape.DIVISION, (2, 4)),
    Kind.AGENCY_PUBLISHER: PostKind("部门报送员", "Agency publisher", Shape.AGENCY),
    Kind.AUDITOR: PostKind("审计", "Auditor", Shape.DIVISION, _ANY),
    Kind.ACCOUNT_ADMINISTRATOR: PostKind("账号管理员", "Account administrator", Shape.DIVISION_OR_SCHOOL, _ANY),
    Kind.SERVICE: PostKind("服务", "Service", Shape.DIVISION, _ANY),
}
# What a person can be given: every kind but the machine's.
KINDS: tuple[Kind, ...] = tuple(kind for kind in Kind if kind is not Kind.SERVICE)
