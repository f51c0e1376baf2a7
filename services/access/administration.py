"""Who manages whom: a division its own, a school its teachers, nobody himself. Pure."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from services.access.errors import NotYours, Oneself, UnknownAccount
from shared.standards.posts import Kind

TEACHERS: frozenset[str] = frozenset({Kind.CLASS_TEACHER, Kind.HELPER_TEACHER})


class Administrator(NamedTuple):
    """Who administers: by which post, over which division (a prefix) or which school. ``by`` is the account."""

    by: str
    division: str | None = None
    school: str | None = None


class Managed(NamedTuple):
    """Where an account or a post is managed."""

    division_code: str
    school_code: str | None


def reaches(administrator: Administrator, place: Managed) -> bool:
    """Whether a place is one of the administrator's at all: what is not is unknown to him."""
    if administrator.school is not None:
        return place.school_code == administrator.school
    return administrator.division is not None and place.division_code.startswith(administrator.division)


def check_kind(administrator: Administrator, kind: str, place: Managed) -> None:
    """A post of this kind at this place is the administrator's to give. Raises NotYours."""
    if not reaches(administrator, place) or (administrator.school is not None and kind not in TEACHERS):
        raise NotYours


def check_account(administrator: Administrator, account_id: UUID, place: Managed, kinds: frozenset[str]) -> None:
    """An account is the administrator's to reset or close. ``kinds``: of all posts it acts in. Raises NotYours,
    Oneself."""
    check_other(administrator, account_id)
    if not reaches(administrator, place) or (administrator.school is not None and not kinds <= TEACHERS):
        raise NotYours


def check_holder(administrator: Administrator, account_id: UUID, place: Managed | None) -> None:
    """Somebody is the administrator's to give a post to. ``place`` None: there is no such account. Raises Oneself,
    UnknownAccount, also for what lies beyond."""
    check_other(administrator, account_id)
    if place is None or not reaches(administrator, place):
        raise UnknownAccount


def check_other(administrator: Administrator, account_id: UUID) -> None:
    """Raises Oneself."""
    if administrator.by == str(account_id):
        raise Oneself
