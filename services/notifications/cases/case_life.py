"""What people and the calendar do about an alert. Pure: the day, who acts and what is on record are arguments.

An alert that is open is seen, then a team stands, then attempts are logged; it closes only on evidence, or is
confirmed as a dropout, which is no end. Escalation goes level by level, once for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from services.notifications.case_commands import (
    CloseAlert,
    ConfirmDropout,
    Evidence,
    FormTeam,
    LogAttempt,
    NoteAction,
    Refer,
    StateMistake,
)
from services.notifications.case_errors import (
    DayNotInCase,
    EvidenceMissing,
    NoAttemptYet,
    NoTeamYet,
    TeamIncomplete,
)
from services.notifications.case_events import (
    AgencyActed,
    AttemptLogged,
    CaseEscalated,
    CaseNotePersonal,
    CounsellingReferred,
    DropoutAskedAbout,
    DropoutConfirmed,
    MistakeStated,
    TeamFormed,
    TeamPersonal,
    TeamRole,
)
from services.notifications.cases.case_plan import CasePlan, deadline
from services.notifications.commands import SeeAlert
from services.notifications.domain import Alert, Decided
from services.notifications.errors import AlertNotOpen, NotSeenYet
from services.notifications.events import AlertClosed, AlertSeen
from shared.kernel.facts import Fact
from shared.standards.school_calendar import SchoolCalendar, Span
from shared.standards.separation import ALERTS_MISTAKEN

ROLES: tuple[TeamRole, ...] = ("lead", "teacher", "cadre", "family")
NEXT_STEP_DAYS_MOST = 366
EXEMPT_DAYS_MOST = 400  # a document for longer is looked at again: a school year and the holidays after it


def see(state: Alert, command: SeeAlert) -> list[Decided]:
    """Read it; reading twice changes nothing. Raises AlertNotOpen."""
    if state.state in ("seen", "dropped_out"):
        return []
    must_be_open(state)
    return _decided(state, command.on, AlertSeen())


def form_team(state: Alert, command: FormTeam, person_id: UUID | None) -> list[Decided]:
    """Form a team, or another one. ``person_id``: the child, whose key seals the names of who has no account. Raises
    AlertNotOpen, NotSeenYet, TeamIncomplete."""
    must_be_seen(state)
    members = command.members
    missing = [role for role in ROLES if role not in members or not (members[role].principal or members[role].name)]
    if missing:
        raise TeamIncomplete(missing)
    principals: dict[str, str] = {role: told.principal for role, told in members.items() if told.principal}
    named = {
        f"{role}_{part}": getattr(told, part)
        for role, told in members.items()
        if not told.principal
        for part in ("name", "phone")
    }
    personal = TeamPersonal(person_id=person_id, **named) if person_id is not None and named else None
    return _decided(state, command.on, TeamFormed(principals=principals, family=command.family, personal=personal))


def log_attempt(state: Alert, command: LogAttempt, person_id: UUID | None) -> list[Decided]:
    """Somebody of the team tried. Raises AlertNotOpen, NotSeenYet, NoTeamYet, DayNotInCase."""
    must_be_seen(state)
    if state.team_on is None:
        raise NoTeamYet
    _within_case(state, command.day, command.on)
    latest = command.day + timedelta(days=NEXT_STEP_DAYS_MOST)
    if command.next_on is not None and not command.day <= command.next_on <= latest:
        raise DayNotInCase(command.next_on, command.day, latest)
    fact = AttemptLogged(
        day=command.day,
        way=command.way,
        by=command.by,
        outcome=command.outcome,
        next_on=command.next_on,
        next_step=command.next_step,
        personal=_note(command.note, person_id),
    )
    return _decided(state, command.on, fact)


def refer(state: Alert, command: Refer, person_id: UUID | None) -> list[Decided]:
    """Refer the child to counselling. Raises AlertNotOpen, DayNotInCase."""
    must_be_open(state)
    _within_case(state, command.day, command.on)
    note = _note(command.note, person_id)
    fact = CounsellingReferred(day=command.day, to=command.to, reference=command.reference, personal=note)
    return _decided(state, command.on, fact)


def note_action(state: Alert, command: NoteAction, person_id: UUID | None) -> list[Decided]:
    """Note what another agency did. Raises AlertNotOpen, DayNotInCase."""
    must_be_open(state)
    _within_case(state, command.day, command.on)
    note = _note(command.note, person_id)
    fact = AgencyActed(
        day=command.day, agency=command.agency, action=command.action, reference=command.reference, personal=note
    )
    return _decided(state, command.on, fact)


def state_mistake(state: Alert, command: StateMistake, by: str) -> list[Decided]:
    """One person says that the alert is mistaken; saying it twice changes nothing. Raises AlertNotOpen, NotSeenYet."""
    must_be_seen(state)
    if state.mistaken_says == by:
        return []
    return _decided(state, command.on, MistakeStated(reference=command.reference))


def confirm_dropout(state: Alert, command: ConfirmDropout) -> list[Decided]:
    """The child has dropped out: no end. Raises AlertNotOpen, NotSeenYet, NoAttemptYet."""
    must_be_seen(state)
    if state.state == "dropped_out":
        return []
    if state.attempted_on is None:
        raise NoAttemptYet
    return _decided(state, command.on, DropoutConfirmed(reference=command.reference))


def close(state: Alert, command: CloseAlert, found: Evidence) -> list[Decided]:
    """Close on what is on record. Raises AlertNotOpen, NotSeenYet, EvidenceMissing, SecondPersonNeeded,
    DayNotInCase."""
    must_be_seen(state)
    events, ends_on = _proof(state, command, found)
    reference = command.receipt if command.reason == "accepted_elsewhere" and command.receipt else command.evidence
    fact = AlertClosed(reason=command.reason, evidence=reference, events=tuple(events), ends_on=ends_on)
    return _decided(state, command.on, fact)


def escalate(state: Alert, plan: CasePlan, plan_hash: str, calendar: SchoolCalendar, on: date) -> list[Decided]:
    """The next level answers for it once the deadline has passed; nothing is decided twice for one level."""
    due = deadline(state, plan, calendar) if state.open else None
    if due is None or state.raised is None or on <= due.due_on:
        return []
    fact = CaseEscalated(
        level=due.then,
        reason=due.reason,
        due_on=due.due_on,
        plan_hash=plan_hash,
        kind=state.raised.kind,
        student_id=state.raised.student_id,
        division_code=state.raised.division_code,
        school_code=state.raised.school_code,
    )
    return _decided(state, on, fact)


def ask(state: Alert, term: Span, plan: CasePlan, plan_hash: str, calendar: SchoolCalendar, on: date) -> list[Decided]:
    """Ask about a confirmed dropout once in every term that begins after it was confirmed."""
    if state.raised is None or state.confirmed_on is None or state.state != "dropped_out":
        return []
    if max(state.confirmed_on, state.asked_on or state.confirmed_on) >= term.first:
        return []
    fact = DropoutAskedAbout(
        term=term.name,
        answer_by=calendar.nth_working_day_from(on, plan.answer_days),
        plan_hash=plan_hash,
        kind=state.raised.kind,
        student_id=state.raised.student_id,
        division_code=state.raised.division_code,
        school_code=state.raised.school_code,
    )
    return _decided(state, on, fact)


def must_be_open(state: Alert) -> None:
    """Raises AlertNotOpen."""
    if not state.open:
        raise AlertNotOpen("该预警已结束", "this alert has ended", state=state.state)


def must_be_seen(state: Alert) -> None:
    """Raises AlertNotOpen, NotSeenYet."""
    must_be_open(state)
    if state.seen_on is None:
        raise NotSeenYet("请先知悉该预警,再办理或销号", "read the alert before acting on it or closing it")


def _proof(state: Alert, command: CloseAlert, found: Evidence) -> tuple[Sequence[UUID], date | None]:
    """The events that prove the reason, and the last day of an exemption."""
    match command.reason:
        case "attending_again":
            if len(found.present) < max(found.present_needed, 1):
                raise EvidenceMissing(
                    "attending_again", needed=max(found.present_needed, 1), present=len(found.present)
                )
            return found.present, None
        case "accepted_elsewhere":
            if found.accepted is None and not command.receipt:
                raise EvidenceMissing("accepted_elsewhere")
            return [found.accepted] if found.accepted is not None else [], None
        case "exempt":
            return _exemption(command, found)
        case "died":
            return [found.died] if found.died is not None else [], None
        case "mistaken":
            if state.mistaken_says is None:
                raise ALERTS_MISTAKEN.refusal(stated_by=None)
            ALERTS_MISTAKEN.check(state.mistaken_says, command.by, stated_by=state.mistaken_says)
            return [], None


def _exemption(command: CloseAlert, found: Evidence) -> tuple[Sequence[UUID], date]:
    if command.ends_on is not None:
        last = command.on + timedelta(days=EXEMPT_DAYS_MOST)
        if not command.on <= command.ends_on <= last:
            raise DayNotInCase(command.ends_on, command.on, last)
        return [], command.ends_on
    longest = max(found.documents, key=lambda each: each.last_day, default=None)
    if longest is None or longest.last_day < command.on:
        raise EvidenceMissing("exempt")
    return [longest.event_id], longest.last_day


def _within_case(state: Alert, day: date, on: date) -> None:
    first = min(state.raised.since, on) if state.raised is not None else on
    if not first <= day <= on:
        raise DayNotInCase(day, first, on)


def _note(note: str | None, person_id: UUID | None) -> CaseNotePersonal | None:
    return CaseNotePersonal(person_id=person_id, note=note) if note and person_id is not None else None


def _decided(state: Alert, on: date, fact: Fact) -> list[Decided]:
    return [Decided(fact, max(on, state.last))]
