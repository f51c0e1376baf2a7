"""Facts of a case: what people and the calendar do about an alert. They stand in the alert's own stream.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, Personal, fact

Level = Literal["school", "township", "county", "city"]
LateReason = Literal["not_acknowledged", "no_team", "no_attempt", "not_returned_in_time"]
Way = Literal["home_visit", "phone", "meeting"]
TeamRole = Literal["lead", "teacher", "cadre", "family"]
Outcome = Literal[
    "will_return", "hesitating", "refused", "nobody_home", "not_reached", "moved_away", "in_another_school", "ill"
]
NextStep = Literal["home_visit", "phone", "meeting", "ask_agency", "await_return"]
ReferredTo = Literal["school_counsellor", "county_counselling", "hospital", "social_worker"]
Agency = Literal[
    "education", "township", "police", "civil_affairs", "disabled_federation", "labour", "justice", "health", "women"
]
AgencyAction = Literal[
    "visited_home", "ordered_return", "searched", "stopped_child_labour", "gave_aid", "took_to_court", "other"
]


class TeamPersonal(Personal, frozen=True, kw_only=True):
    """Who helps one child (三帮一) and has no account here; sealed under the child's own key."""

    lead_name: str | None = None
    lead_phone: str | None = None
    teacher_name: str | None = None
    teacher_phone: str | None = None
    cadre_name: str | None = None
    cadre_phone: str | None = None
    family_name: str | None = None
    family_phone: str | None = None


class CaseNotePersonal(Personal, frozen=True, kw_only=True):
    """What somebody wrote of an attempt, a referral or an action; sealed under the child's own key. Read by the child's
    school and by who wrote it, for a purpose; in no list, export or message."""

    note: str


@fact("notifications")
class CasePlanActivated(Fact, frozen=True, kw_only=True):
    """Days for each step at each level, and what makes a case urgent, from now on. ``content`` is canonical JSON,
    ``content_hash`` its SHA-256 in hex."""

    content: str
    content_hash: str


@fact("notifications")
class TeamFormed(Fact, frozen=True, kw_only=True):
    """Teacher, village cadre and family help one child, the township leads (三帮一). Another team is formed by the same
    fact again. ``principals``: role → the account of a member who has one; the others stand in ``personal``."""

    principals: dict[str, str]
    family: Literal["parent", "guardian"]
    personal: TeamPersonal | None = None


@fact("notifications")
class TeamPassedOn(Fact, frozen=True, kw_only=True):
    """A post was handed over: where ``former`` stood in the team, ``account`` stands. ``principals``: role → account as
    it is from now on; who has no account stays. ``handover_id``: of access."""

    former: str
    account: str
    principals: dict[str, str]
    handover_id: UUID


@fact("notifications")
class AttemptLogged(Fact, frozen=True, kw_only=True):
    """Somebody tried to bring the child back on ``day``. ``by``: which members of the team; ``next_on`` and
    ``next_step``: what is planned. The event's principal wrote it."""

    day: date
    way: Way
    by: tuple[TeamRole, ...]
    outcome: Outcome
    next_on: date | None = None
    next_step: NextStep | None = None
    personal: CaseNotePersonal | None = None


@fact("notifications")
class CounsellingReferred(Fact, frozen=True, kw_only=True):
    """The child was referred to counselling on ``day``; ``reference`` is a paper's number, never a text about
    anybody."""

    day: date
    to: ReferredTo
    reference: str | None = None
    personal: CaseNotePersonal | None = None


@fact("notifications")
class AgencyActed(Fact, frozen=True, kw_only=True):
    """Another agency did something for the child on ``day``."""

    day: date
    agency: Agency
    action: AgencyAction
    reference: str | None = None
    personal: CaseNotePersonal | None = None


@fact("notifications")
class MistakeStated(Fact, frozen=True, kw_only=True):
    """One person (the event's principal) says that the alert is mistaken; another one closes it. ``reference``: the
    paper or record that shows it."""

    reference: str


@fact("notifications")
class DropoutConfirmed(Fact, frozen=True, kw_only=True):
    """The child has dropped out and is not back in time. No end: the case stays on the ledger of dropouts and is asked
    about every term."""

    reference: str


@fact("notifications")
class DropoutAskedAbout(Fact, frozen=True, kw_only=True):
    """A term began: where is this child now? ``term`` is its name in the calendar, ``answer_by`` the day by which an
    attempt is to be logged."""

    term: str
    answer_by: date
    plan_hash: str
    kind: str
    student_id: UUID | None
    division_code: str | None
    school_code: str | None


@fact("notifications")
class CaseEscalated(Fact, frozen=True, kw_only=True):
    """What ``reason`` names was not done by ``due_on``; from now on ``level`` answers for the case, too. Once for each
    level. The places are those of the alert as it was raised last."""

    level: Level
    reason: LateReason
    due_on: date
    plan_hash: str
    kind: str
    student_id: UUID | None
    division_code: str | None
    school_code: str | None


@fact("notifications")
class CaseNotesRead(Fact, frozen=True, kw_only=True):
    """Somebody read a case's notes or the full names of its team, and why (invariant 13). Its stream is the reader's
    access record; ``fields``: ``team``, ``notes``, ``own_notes``."""

    viewer: str
    alert_id: UUID
    purpose: str
    fields: tuple[str, ...]
    division_code: str | None = None
    school_code: str | None = None
