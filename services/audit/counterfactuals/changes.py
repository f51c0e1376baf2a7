"""What is put otherwise than it was: lists that came at another time, with another date or content, or not at all, and
another version of a programme's rules. Plain data, as a person writes it in TOML and as it travels in JSON."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from services.audit.counterfactuals.counterfactual_errors import ChangesRefused

CHANGES_MOST = 20
ListName = Literal["poverty", "civil", "disability"]
Mode = Literal["snapshot", "increment"]


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="what"):
    """One thing that is otherwise."""


class MoveList(Change, frozen=True, kw_only=True, tag="move"):
    """The submission came on the day ``to``. ``dated``: the day it is true on; default its own date, but no later than
    the day it came."""

    submission: UUID
    to: date
    dated: date | None = None


class RedateList(Change, frozen=True, kw_only=True, tag="redate"):
    """The submission came when it did, but is true on the day ``dated``."""

    submission: UUID
    dated: date


class LeaveOutList(Change, frozen=True, kw_only=True, tag="leave_out"):
    """The submission never came."""

    submission: UUID


class ReplaceList(Change, frozen=True, kw_only=True, tag="replace"):
    """The submission held the rows of ``file`` instead of its own."""

    submission: UUID
    file: str


class BringList(Change, frozen=True, kw_only=True, tag="bring"):
    """A list that never came came on the day ``on``, true on ``dated`` (default that day)."""

    agency: str
    list: ListName
    on: date
    file: str
    mode: Mode = "snapshot"
    dated: date | None = None


class OtherRules(Change, frozen=True, kw_only=True, tag="rules"):
    """From ``since`` on (default: ever since the programme's first version) the programme followed this version and no
    other: ``version`` names one that was in force once, by the beginning of its hash; or ``content`` is one that never
    was, as canonical JSON."""

    programme: str
    version: str | None = None
    content: str | None = None
    since: date | None = None


AnyChange = MoveList | RedateList | LeaveOutList | ReplaceList | BringList | OtherRules
ListChange = MoveList | RedateList | LeaveOutList | ReplaceList


def parse(told: Any) -> list[AnyChange]:
    """Changes from plain data, a list of objects. Raises ChangesRefused with what is wrong with each of them."""
    if not isinstance(told, list) or not 0 < len(told) <= CHANGES_MOST:
        raise ChangesRefused([f"give 1 to {CHANGES_MOST} changes"])
    found: list[AnyChange] = []
    wrong = []
    for number, each in enumerate(told, 1):
        try:
            found.append(msgspec.convert(each, AnyChange))
        except msgspec.ValidationError as error:
            wrong.append(f"change {number}: {error}")
    wrong += contradictions(found) if not wrong else []
    if wrong:
        raise ChangesRefused(wrong)
    return found


def contradictions(changes: list[AnyChange]) -> list[str]:
    """What two of the changes say about the same thing, and what one says about itself."""
    wrong = []
    seen: set[UUID | str] = set()
    for number, change in enumerate(changes, 1):
        about: UUID | str | None = None
        if isinstance(change, ListChange):
            about = change.submission
        elif isinstance(change, OtherRules):
            about = change.programme
            if (change.version is None) == (change.content is None):
                wrong.append(f"change {number}: give either version or content")
        if about is not None and about in seen:
            wrong.append(f"change {number}: another change is about {about} already")
        if about is not None:
            seen.add(about)
        dated, came = getattr(change, "dated", None), getattr(change, "to", None) or getattr(change, "on", None)
        if dated is not None and came is not None and dated > came:
            wrong.append(f"change {number}: a list is not dated after the day it comes")
    return wrong


def files_named(changes: list[AnyChange]) -> list[str]:
    """The files that changes name, in order."""
    return [each.file for each in changes if isinstance(each, ReplaceList | BringList)]
