"""Facts of a student's school life beyond enrolment: promotion of a year, suspension, care, attendance.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, Personal, fact

AbsenceReason = Literal["sick", "leave", "unexplained", "suspended", "other"]
ParentsWhereabouts = Literal["both_away", "father_away", "mother_away", "at_home", "other", "unknown"]


class CarePersonal(Personal, frozen=True, kw_only=True):
    """Who cares for a child whose parents may be away (留守儿童档案); sealed under the child's own key.
    ``last_contact_on``: when the parents were last in touch with the child."""

    carer_name: str
    carer_relation: str
    carer_phone: str | None = None
    parents_whereabouts: ParentsWhereabouts = "unknown"
    last_contact_on: date | None = None


class CounsellingPersonal(Personal, frozen=True, kw_only=True):
    """A note of whoever counselled the child; sealed under the child's own key."""

    note: str


@fact("registry")
class PromotionStarted(Fact, frozen=True, kw_only=True):
    """Every student of the scope moves up from ``day`` on (升级). ``ladder``: ``stage:grade`` → the next one, or
    ``graduates``, or ``handed_over`` (the child waits for another school to accept it). The scope is one school, or
    every school of divisions that begin with ``division_code``; and one ``stage``, or all. ``repeaters`` stay where
    they are (留级). ``expected`` is how many the register's view showed at the start."""

    day: date
    division_code: str
    school_code: str | None = None
    stage: str | None = None
    ladder: dict[str, str]
    repeaters: tuple[UUID, ...] = ()
    expected: int
    started_by: str


@fact("registry")
class PromotionFinished(Fact, frozen=True, kw_only=True):
    """Every student of the scope was looked at; the counts balance: ``looked_at`` = all the others together.
    ``skipped`` is by reason."""

    looked_at: int
    promoted: int
    graduated: int
    handed_over: int
    held_back: int
    skipped: dict[str, int]


@fact("registry")
class PromotionUndoStarted(Fact, frozen=True, kw_only=True):
    """What a promotion changed is being put back."""

    undone_by: str


@fact("registry")
class PromotionUndoFinished(Fact, frozen=True, kw_only=True):
    """``restored`` students stand as before the promotion; ``changed_since`` had something happen to them after it and
    were left alone."""

    looked_at: int
    restored: int
    changed_since: int


@fact("registry")
class StudentSuspensionExtended(Fact, frozen=True, kw_only=True):
    """A suspended student is due back on another day than was said before."""

    school_code: str
    division_code: str
    due_back: date


@fact("registry")
class GuardianshipChanged(Fact, frozen=True, kw_only=True):
    """Who cares for a child from ``effective_on`` on. Its stream is the child's care record, never the student's own:
    no list, count or export tells what it says. That it was looked after, and on which day, may be told: this is how a
    school is reminded of a child nobody heard of."""

    student_id: UUID
    division_code: str
    school_code: str
    personal: CarePersonal | None = None


@fact("registry")
class CounsellingNoted(Fact, frozen=True, kw_only=True):
    """The child was counselled on ``effective_on``. Stands in the care record, too."""

    student_id: UUID
    division_code: str
    school_code: str
    noted_by: str
    personal: CounsellingPersonal | None = None


@fact("registry")
class ClassAttendanceReported(Fact, frozen=True, kw_only=True):
    """Who of a class was absent on a day; one stream per class and day, and each further event corrects the one before
    (the last counts). ``members`` children were in the class. ``absences``: reason → children; ``half_day`` of them
    missed half the day; ``late`` came late. ``full``: every child was named, then ``present`` holds the others.
    ``cleared``: named by the report before and not by this one. ``school_day`` None: no calendar said."""

    school_code: str
    division_code: str
    stage: str | None = None
    grade: str
    class_name: str
    members: int
    full: bool = False
    absences: dict[str, tuple[UUID, ...]]
    half_day: tuple[UUID, ...] = ()
    late: tuple[UUID, ...] = ()
    present: tuple[UUID, ...] = ()
    cleared: tuple[UUID, ...] = ()
    school_day: bool | None = None
    reported_by: str
