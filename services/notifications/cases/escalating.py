"""The policy of deadlines: when a day opens, cases whose time is up go one level up, and confirmed dropouts are asked
about in each new term.

Whom to look at comes from its own memory, what to do from the case's stream under the lock that a person takes, too:
a day handed over twice, or to two workers, finds the level reached already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.case_events import Level
from services.notifications.case_tables import CASE_PLANS
from services.notifications.cases.case_folds import CASE_FOLDS
from services.notifications.cases.case_life import ask, escalate
from services.notifications.cases.case_plan import CasePlan, WorkingDays, deadline, parse
from services.notifications.domain import Decided, evolve
from services.notifications.events import DayOpened
from services.notifications.signals.folds import calendar_activated
from services.notifications.signals.memory import Calendars, calendars_on
from services.notifications.streams import Streams
from services.notifications.tables import ALERTS, CALENDARS
from services.registry.events import SchoolCalendarActivated
from shared.eventsourcing.projection import Assertion, Change, Fold, Projection, Recorded
from shared.eventsourcing.store import EventStore, Proposed
from shared.kernel.facts import Fact
from shared.messaging.policy import policy_command

NAME = "escalating"
CHUNK_CASES = 250
_LOCK = 0x657363616C

_OPEN_CASES = text("""
SELECT entity, kind, state, level, level_on, seen_on, team_on, attempted_on, confirmed_on, asked_on, answer_by,
       coalesce(division_code, '') AS division_code, school_code
FROM alerts WHERE valid_from <= :day AND valid_to > :day AND state IN ('open', 'seen', 'dropped_out')
  AND level_on IS NOT NULL ORDER BY entity
""")
_PLAN = text("SELECT content, content_hash FROM case_plans WHERE valid_from <= :day AND valid_to > :day")


class OpenCase(NamedTuple):
    """A row of the memory: the days of a case's steps, as case_plan.Clock."""

    alert_id: UUID
    kind: str
    state: str
    level: Level
    level_on: date
    seen_on: date | None
    team_on: date | None
    attempted_on: date | None
    confirmed_on: date | None
    asked_on: date | None
    answer_by: date | None
    division_code: str
    school_code: str | None


class PlanInForce(NamedTuple):
    plan: CasePlan
    content_hash: str


def plan_on(connection: Connection, day: date) -> PlanInForce | None:
    """The plan in force on ``day``, None before the first. Raises BadCasePlan for content that no longer reads."""
    row = connection.execute(_PLAN, {"day": day}).one_or_none()
    return None if row is None else PlanInForce(parse(row[0]), row[1])


@dataclass(frozen=True)
class Escalating:
    """The policy with what it needs. ``division`` is the installation's, whose calendar counts where none is told."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        folds: dict[type[Fact], Fold] = {
            **CASE_FOLDS,
            SchoolCalendarActivated: calendar_activated,
            DayOpened: _asserts_nothing,
        }
        return Projection(NAME, (ALERTS, CASE_PLANS, CALENDARS), folds, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Look at every open case for each day that opened, in the order of the days."""
        days = [event for event in events if isinstance(event.fact, DayOpened)]
        if days:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})  # one worker's turn
        for event in days:
            self._look(connection, event, event.fact.day)

    def _look(self, connection: Connection, cause: Recorded, today: date) -> None:
        in_force = plan_on(connection, today)
        if in_force is None:
            return
        calendars = calendars_on(connection, today)
        cases = [OpenCase(*row) for row in connection.execute(_OPEN_CASES, {"day": today})]
        counted: dict[int, WorkingDays] = {}
        due = [case for case in cases if self._concerned(case, in_force.plan, calendars, counted, today)]
        self.streams.lock(connection, [case.alert_id for case in due])
        for ordinal, begin in enumerate(range(0, len(due), CHUNK_CASES)):
            chunk = due[begin : begin + CHUNK_CASES]
            proposed = list(self._proposed(connection, chunk, in_force, calendars, today))
            if proposed:
                command = policy_command(NAME, cause, ordinal, NAME.encode())
                self.store.execute(connection, command, lambda: proposed)  # noqa: B023 (called before the next turn)

    def _concerned(
        self, case: OpenCase, plan: CasePlan, calendars: Calendars, counted: dict[int, WorkingDays], today: date
    ) -> bool:
        calendar = calendars.of(case.division_code or self.division, case.school_code)
        days = counted.setdefault(id(calendar), WorkingDays(calendar))
        if case.state == "dropped_out" and case.confirmed_on is not None:
            term, heard = calendar.term_of(today), max(case.confirmed_on, case.asked_on or case.confirmed_on)
            if term is not None and heard < term.first:
                return True
        due = deadline(case, plan, days)
        return due is not None and today > due.due_on

    def _proposed(
        self,
        connection: Connection,
        cases: Sequence[OpenCase],
        in_force: PlanInForce,
        calendars: Calendars,
        today: date,
    ) -> Iterator[Proposed]:
        loaded = self.store.load_many(connection, [case.alert_id for case in cases])
        plan, plan_hash = in_force
        for case in cases:
            state = evolve((each.fact, each.event.effective_on) for each in loaded[case.alert_id])
            calendar = calendars.of(case.division_code or self.division, case.school_code)
            decided: list[Decided] = escalate(state, plan, plan_hash, calendar, today)
            term = calendar.term_of(today)
            if not decided and term is not None:
                decided = ask(state, term, plan, plan_hash, calendar, today)
            for fact, effective_on in decided:
                yield Proposed(case.alert_id, state.version, fact, effective_on)


def _asserts_nothing(event: Recorded) -> Sequence[Assertion]:
    return ()
