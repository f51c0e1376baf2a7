"""Facts of mass changes of the register: proposed by one person, approved by another, applied and undone as a whole.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared.kernel.facts import Fact, fact

ChangeKind = Literal["fields", "sheet", "classes", "schools_merged", "division_changed"]
BY_STUDENT: tuple[ChangeKind, ...] = ("sheet", "classes")  # each student has values of her own


@fact("registry")
class ChangeSetProposed(Fact, frozen=True, kw_only=True):
    """Somebody proposes a change of many students from ``day`` on. ``division_code`` (a prefix) and ``school_code`` are
    what the proposer answers for.

    ``fields``: students of ``where`` (field → value) get ``values``; ``sheet``: what an edited export says, row by row;
    ``classes`` (分班): each student gets a class; ``schools_merged`` (撤点并校): the students of ``sources`` are
    ``into``'s; ``division_changed``: ``former_code`` is ``code``, for schools and students."""

    kind: ChangeKind
    day: date
    division_code: str
    school_code: str | None = None
    sources: tuple[str, ...] = ()
    into: str | None = None
    former_code: str | None = None
    code: str | None = None
    where: dict[str, str]
    values: dict[str, str]
    rows: int | None = None
    reason: str
    proposed_by: str


@fact("registry")
class ChangeSetApproved(Fact, frozen=True, kw_only=True):
    """A second person approved it. ``preview_hash`` (keyed) names what was shown: every student with what is before and
    after, ``students`` of them."""

    preview_hash: str
    students: int
    proposed_by: str
    approved_by: str


@fact("registry")
class ChangeSetRefused(Fact, frozen=True, kw_only=True):
    """It will not be done: another person refused it, or who proposed it took it back."""

    refused_by: str
    reason: str


@fact("registry")
class ChangeSetApplied(Fact, frozen=True, kw_only=True):
    """Done; the counts balance: ``previewed`` = ``changed`` + ``changed_since``, who were left alone because something
    else happened to them after the preview."""

    previewed: int
    changed: int
    changed_since: int


@fact("registry")
class ChangeSetUndoStarted(Fact, frozen=True, kw_only=True):
    """What a mass change did is being put back."""

    undone_by: str


@fact("registry")
class ChangeSetUndone(Fact, frozen=True, kw_only=True):
    """``restored`` students stand as before it; ``changed_since`` had something happen to them after it and were left
    alone, as were ``schools_kept``, schools stated anew since."""

    looked_at: int
    restored: int
    changed_since: int
    schools_kept: tuple[str, ...] = ()
