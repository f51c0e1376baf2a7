"""One case as its page shows it: everything that happened, by whom and when, and what a closing still lacks.

Names of a team are masked and notes are not shown; both are opened for a purpose, which is recorded (invariant 13).
A note is read by the child's school and by who wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel
from sqlalchemy import Connection, text

from services.notifications.case_commands import CloseAlert, CloseReason, Evidence
from services.notifications.case_events import TeamFormed, TeamPassedOn, TeamPersonal
from services.notifications.cases.case_life import ROLES, close
from services.notifications.domain import Alert
from services.notifications.queries import EXPLANATIONS, AlertRow
from shared.eventsourcing.store import Stored
from shared.kernel.facts import fact_type
from shared.kernel.masking import mask_name
from shared.kernel.refusals import Refusal
from shared.web.languages import Language

_RECORDED = text("""
SELECT e.event_id, l.recorded_at FROM events e JOIN log l ON l.position = e.position WHERE e.stream_id = :stream
""")
_LEFT_OUT = frozenset(
    (
        "personal", "facts", "evidence", "grounds", "principals", "plan_hash", "rules_hash", "student_id", "entry_id",
        "kind",
    )
)  # fmt: skip
PROVEN: tuple[CloseReason, ...] = ("attending_again", "accepted_elsewhere", "exempt", "mistaken")


class TeamMember(BaseModel):
    """``who``: the account's name, or the name masked."""

    role: str
    who: str
    account: bool


class Happened(BaseModel):
    """One fact of a case. ``details``: its codes, days and references; ``noted``: a note was written with it."""

    event_id: UUID
    what: str
    on: date
    recorded_at: datetime | None
    by: str
    text: str
    details: dict[str, Any]
    noted: bool


class CasePage(BaseModel):
    """``missing``: closing reason → what it still lacks; a reason that is not named can be closed on. ``heard_on``: the
    last entry of the child's care record."""

    alert: AlertRow
    version: int
    family: str | None
    team: list[TeamMember]
    happened: list[Happened]
    missing: dict[str, str]
    mistake_stated_by: str | None
    heard_on: date | None = None


class OpenedNote(BaseModel):
    """``note`` None: the child's data were erased."""

    event_id: UUID
    what: str
    by: str
    note: str | None


class Opened(BaseModel):
    """What was asked for with a purpose: the team in full, and the notes that are the reader's to see."""

    team: dict[str, str | None]
    notes: list[OpenedNote]
    withheld: int


def recorded(connection: Connection, alert_id: UUID) -> Mapping[UUID, datetime]:
    """Event → when it was recorded, of those that have their place in the log."""
    return {row[0]: row[1] for row in connection.execute(_RECORDED, {"stream": alert_id})}


def case_page(
    alert: AlertRow,
    case: Alert,
    stored: Sequence[Stored],
    moments: Mapping[UUID, datetime],
    found: Evidence,
    viewer: str,
    on: date,
    language: Language,
) -> CasePage:
    """The page, newest first. ``stored`` with its personal blocks, to mask the names."""
    current = _current(stored)
    team = _team(current)
    return CasePage(
        alert=alert,
        version=case.version,
        family=None if team is None else team.family,
        team=[] if team is None else _members(team),
        happened=[_happened(each, moments, language) for each in reversed(stored)],
        missing=_missing(case, found, viewer, on, language),
        mistake_stated_by=case.mistaken_says,
    )


def opened(stored: Sequence[Stored], viewer: str, *, of_school: bool) -> Opened:
    """Names in full, and those notes the reader may see."""
    team = _team(_current(stored))
    named: dict[str, str | None] = {}
    if team is not None:
        named = dict(team.principals.items())
        for name in TeamPersonal.__struct_fields__:
            role = name.partition("_")[0]
            if name != "person_id" and role not in team.principals:
                named[name] = None if team.personal is None else getattr(team.personal, name)
    noted = [each for each in stored if not isinstance(each.fact, TeamFormed) and has_note(each)]
    mine = [each for each in noted if of_school or each.event.principal == viewer]
    notes = [
        OpenedNote(
            event_id=each.event.event_id,
            what=type(each.fact).__name__,
            by=each.event.principal,
            note=getattr(getattr(each.fact, "personal", None), "note", None),
        )
        for each in reversed(mine)
    ]
    return Opened(team=named, notes=notes, withheld=len(noted) - len(mine))


def has_note(each: Stored) -> bool:
    """Whether somebody wrote a note with this fact, also one that was erased since."""
    sealed = msgspec.json.decode(each.event.data)
    return isinstance(sealed, dict) and sealed.get("personal") is not None


def _current(stored: Sequence[Stored]) -> Sequence[Stored]:
    """The events since it was raised last."""
    raised = [number for number, each in enumerate(stored) if type(each.fact).__name__ == "AlertRaised"]
    return stored[raised[-1] :] if raised else stored


def _team(current: Sequence[Stored]) -> TeamFormed | None:
    """The team that stands, with whom its members handed their posts over to."""
    team: TeamFormed | None = None
    for each in current:
        if isinstance(each.fact, TeamFormed):
            team = each.fact
        elif isinstance(each.fact, TeamPassedOn) and team is not None:
            team = msgspec.structs.replace(team, principals=each.fact.principals)
    return team


def _members(team: TeamFormed) -> list[TeamMember]:
    found = []
    for role in ROLES:
        if role in team.principals:
            found.append(TeamMember(role=role, who=team.principals[role], account=True))
        else:
            name = None if team.personal is None else getattr(team.personal, f"{role}_name")
            found.append(TeamMember(role=role, who=mask_name(name) if name else "", account=False))
    return found


def _happened(each: Stored, moments: Mapping[UUID, datetime], language: Language) -> Happened:
    told = msgspec.to_builtins(each.fact)
    details = {name: value for name, value in told.items() if name not in _LEFT_OUT and value not in (None, [], "")}
    sentence = ""
    if "explanation_code" in told:
        zh, en = EXPLANATIONS[told["explanation_code"]]
        sentence = (en if language == "en" else zh).format(**told["facts"])
    # A policy closes on events, whose ids say nothing to a person; somebody who closes names a paper.
    if isinstance(told.get("evidence"), str) and not each.event.principal.startswith("policy:"):
        details["reference"] = told["evidence"]
    return Happened(
        event_id=each.event.event_id,
        what=fact_type(type(each.fact)).cls.__name__,
        on=each.event.effective_on,
        recorded_at=moments.get(each.event.event_id),
        by=each.event.principal,
        text=sentence,
        details=details,
        noted=not isinstance(each.fact, TeamFormed) and has_note(each),
    )


def _missing(case: Alert, found: Evidence, viewer: str, on: date, language: Language) -> dict[str, str]:
    lacking: dict[str, str] = {}
    for reason in PROVEN if case.open and case.seen_on is not None else ():
        try:
            close(case, CloseAlert(reason=reason, evidence="", on=on, by=viewer), found)
        except Refusal as refused:
            lacking[reason] = refused.en if language == "en" else refused.zh
    return lacking
