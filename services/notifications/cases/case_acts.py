"""What people do about a case, one function per command; and the recorded read of its notes and names.

Names, phones and notes are sealed under the child's own key; the person behind a case is told by the register's or the
list row's own sealed block, as the view of alerts keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications import handlers
from services.notifications.case_commands import (
    ConfirmDropout,
    FormTeam,
    LogAttempt,
    NoteAction,
    Refer,
    StateMistake,
)
from services.notifications.case_errors import ChildUnknown
from services.notifications.case_events import CaseNotesRead, CasePlanActivated
from services.notifications.cases import case_life
from services.notifications.domain import Alert, Decided
from services.notifications.projections import ALERTS_VIEW
from services.notifications.streams import Streams
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result, Stored

_PERSON = text("""
SELECT coalesce(child.person_id, listed.person_id) FROM alerts a
LEFT JOIN children child ON child.entity = a.student_id AND child.valid_to = 'infinity'
LEFT JOIN listed_rows listed ON listed.entity = a.entry_id AND listed.valid_to = 'infinity'
WHERE a.entity = :alert AND a.valid_to = 'infinity'
""")


@dataclass(frozen=True)
class Cases:
    """What acting on cases needs."""

    database: Database
    store: EventStore
    streams: Streams

    def form_team(self, scope: Scope, alert_id: UUID, intent: FormTeam, command: Command) -> Result:
        """Raises UnknownAlert, AlertNotOpen, NotSeenYet, TeamIncomplete, ChildUnknown."""
        named = any(member.name and not member.principal for member in intent.members.values())
        person = self._person(scope, alert_id, needed=named)
        return self._settle(scope, alert_id, command, lambda alert: case_life.form_team(alert, intent, person))

    def log_attempt(self, scope: Scope, alert_id: UUID, intent: LogAttempt, command: Command) -> Result:
        """Raises UnknownAlert, AlertNotOpen, NotSeenYet, NoTeamYet, DayNotInCase, ChildUnknown."""
        person = self._person(scope, alert_id, needed=bool(intent.note))
        return self._settle(scope, alert_id, command, lambda alert: case_life.log_attempt(alert, intent, person))

    def refer(self, scope: Scope, alert_id: UUID, intent: Refer, command: Command) -> Result:
        """Raises UnknownAlert, AlertNotOpen, DayNotInCase, ChildUnknown."""
        person = self._person(scope, alert_id, needed=bool(intent.note))
        return self._settle(scope, alert_id, command, lambda alert: case_life.refer(alert, intent, person))

    def note_action(self, scope: Scope, alert_id: UUID, intent: NoteAction, command: Command) -> Result:
        """Raises UnknownAlert, AlertNotOpen, DayNotInCase, ChildUnknown."""
        person = self._person(scope, alert_id, needed=bool(intent.note))
        return self._settle(scope, alert_id, command, lambda alert: case_life.note_action(alert, intent, person))

    def state_mistake(self, scope: Scope, alert_id: UUID, intent: StateMistake, command: Command) -> Result:
        """Raises UnknownAlert, AlertNotOpen, NotSeenYet."""
        by = command.principal
        return self._settle(scope, alert_id, command, lambda alert: case_life.state_mistake(alert, intent, by))

    def confirm_dropout(self, scope: Scope, alert_id: UUID, intent: ConfirmDropout, command: Command) -> Result:
        """Raises UnknownAlert, AlertNotOpen, NotSeenYet, NoAttemptYet."""
        return self._settle(scope, alert_id, command, lambda alert: case_life.confirm_dropout(alert, intent))

    def activate_plan(self, plan: CasePlanActivated, as_of: date, command: Command) -> Result:
        """Put a plan into force from ``as_of`` on."""
        stream = self.streams.case_plan

        def decide(connection: Connection) -> Sequence[Proposed]:
            return [Proposed(stream, len(self.store.load(connection, stream)), plan, as_of)]

        return self.store.run(self.database, command, decide)

    def note_read(self, read: CaseNotesRead, on: date, command: Command) -> Result:
        """Record that somebody reads notes or names, before anything is shown."""
        stream = self.streams.reads(read.viewer)

        def decide(connection: Connection) -> Sequence[Proposed]:
            return [Proposed(stream, len(self.store.load(connection, stream)), read, on)]

        return self.store.run(self.database, command, decide)

    def stored(self, scope: Scope, alert_id: UUID, *, personal: bool = False) -> tuple[Alert, list[Stored]]:
        """A case of the viewer's, with its events. Raises UnknownAlert."""
        with self.database.writing() as connection:
            stored = self.store.load(connection, alert_id, personal=personal)
        return handlers.case_of(stored, handlers.judged_by(self.database, scope, alert_id)), stored

    def _person(self, scope: Scope, alert_id: UUID, *, needed: bool) -> UUID | None:
        if not needed:
            return None
        with self.database.reading(scope, ALERTS_VIEW.name) as connection:
            row = connection.execute(_PERSON, {"alert": alert_id}).one_or_none()
        if row is None:
            self.stored(scope, alert_id)  # refuses a case that is not the viewer's by its own name
        person: UUID | None = None if row is None else row[0]
        if person is None:
            raise ChildUnknown
        return person

    def _settle(
        self, scope: Scope, alert_id: UUID, command: Command, decision: Callable[[Alert], list[Decided]]
    ) -> Result:
        return handlers.settle(self.database, self.store, self.streams, scope, alert_id, command, decision)
