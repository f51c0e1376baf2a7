"""One function per command: load the student's stream, decide, append. The registry's word on who is a student, and
access's on who has an account, come from audit's own view of them. A member of staff is named by the account's id where
a student's stands; the rule of retention is of students alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from services.audit.commands import (
    ApproveErasure,
    ApproveHold,
    ProposeHold,
    ProposeRelease,
    RecordErased,
    RefuseErasure,
    RequestErasure,
)
from services.audit.erasure import erasure_queries, retention, subject
from services.audit.erasure.erasure_errors import NotDueYet, SubjectUnknown
from services.audit.erasure.retention import RetentionRule
from services.audit.erasure.subject import Subject
from services.audit.events import RetentionRuleActivated
from services.audit.streams import Streams
from shared.database.database import Database
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.facts import Fact

_RULES: dict[type, Callable[[Subject, Any], Fact]] = {
    RequestErasure: subject.request_erasure,
    ApproveErasure: subject.approve_erasure,
    RefuseErasure: subject.refuse_erasure,
    ProposeHold: subject.propose_hold,
    ProposeRelease: subject.propose_release,
    ApproveHold: subject.approve_hold,
}
Intent = RequestErasure | ApproveErasure | RefuseErasure | ProposeHold | ProposeRelease | ApproveHold


@dataclass(frozen=True)
class Desk:
    """What every handler needs."""

    database: Database
    store: EventStore
    streams: Streams


def act(desk: Desk, intent: Intent, command: Command, day: date) -> Result:
    """Do what is asked about one student. Raises SubjectUnknown, NotDueYet, and what subject.py's rules raise."""
    with desk.database.working() as connection:
        pupil = erasure_queries.pupil(connection, intent.student_id, day)
        known = pupil is not None or erasure_queries.has_account(connection, intent.student_id, day)
        rule = erasure_queries.rule_on(connection, day)
    stream = desk.streams.subject(intent.student_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if not known:
            raise SubjectUnknown(intent.student_id)
        if isinstance(intent, RequestErasure) and intent.ground == "retention":
            left_on = None if pupil is None else pupil.left_on
            due = None if left_on is None else retention.due_on(rule.rule, left_on)
            if due is None or due > day:
                raise NotDueYet(due)
        state = subject.evolve(each.fact for each in desk.store.load(connection, stream))
        return [Proposed(stream, state.version, _RULES[type(intent)](state, intent), day)]

    return desk.store.run(desk.database, command, decide)


def record_erased(desk: Desk, intent: RecordErased, command: Command, day: date) -> Result:
    """Note what was erased, once. Raises NothingRequested."""
    stream = desk.streams.subject(intent.student_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        state = subject.evolve(each.fact for each in desk.store.load(connection, stream))
        return [Proposed(stream, state.version, fact, day) for fact in subject.record_erased(state, intent)]

    return desk.store.run(desk.database, command, decide)


def activate_rule(desk: Desk, rule: RetentionRule, by: str, from_day: date, command: Command) -> Result:
    """Another rule of retention from a day on. Raises BadRetentionRule."""
    content = retention.canonical(rule)
    retention.parse(content)
    stream = desk.streams.retention()

    def decide(connection: Connection) -> Sequence[Proposed]:
        version = len(desk.store.load(connection, stream))
        fact = RetentionRuleActivated(content=content, content_hash=retention.content_hash(content), activated_by=by)
        return [Proposed(stream, version, fact, from_day)]

    return desk.store.run(desk.database, command, decide)


def subject_of(desk: Desk, student_id: UUID) -> Subject:
    """How erasure and hold of a student stand, from the stream itself."""
    with desk.database.writing() as connection:
        return subject.evolve(each.fact for each in desk.store.load(connection, desk.streams.subject(student_id)))
