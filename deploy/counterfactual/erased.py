"""What was decided about rows of people who are erased since is told again as it was: nothing is left to decide it by.

The decider leaves a row alone that stands on its list and names nobody; when such a row leaves its list, or never comes
because of a change, the decider sees to that by itself, as it does for the real ones.
"""

from __future__ import annotations

from uuid import UUID

from deploy.counterfactual.history import History
from services.audit.archived import EVENTS, logged_of
from services.audit.domain import leaf_alarm
from services.audit.events import PersonErased
from services.audit.verified import doubtful
from services.disbursement.projections import EXITS
from services.matching.deciding import enter_roster
from services.matching.domain import Decided, Standing, after
from services.matching.erased import erased_rows
from services.matching.events import EntryUnmatched, LinkConfirmed, LinkWithdrawn, ReviewOpened
from services.matching.index_rows import keep_decisions, standing_decisions
from shared.database.database import Database, driver
from shared.eventsourcing.event import Logged
from shared.eventsourcing.sealing import unseal
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.kernel.facts import fact_type

DECISIONS = (LinkConfirmed, LinkWithdrawn, ReviewOpened, EntryUnmatched)


def erased_streams(history: History) -> frozenset[UUID]:
    """The streams with personal blocks of people whose keys are gone, whenever they were erased. Raises
    ArchiveDoubtful."""
    found: set[UUID] = set()
    kind = fact_type(PersonErased).name
    for row in history.raw.execute(EVENTS + " WHERE service = 'audit' AND type = %s ORDER BY log_index", (kind,)):
        logged = logged_of(row)
        alarm = leaf_alarm(logged, logged.source)
        if alarm is not None:
            raise doubtful(alarm.service, alarm.log_index, alarm.kind)
        fact = unseal(logged.event, {})
        assert isinstance(fact, PersonErased)
        if not history.keys.keys(fact.people):
            found.update(fact.streams)
    return frozenset(found)


def told_as_it_was(database: Database, store: EventStore, stream: UUID, logged: Logged, command: Command) -> None:
    """Append the decision of the log about a row that names nobody, if that row stands on its list. A link that ended
    because its row left is ended by the decider."""
    fact = unseal(logged.event, {})
    assert isinstance(fact, DECISIONS)
    if isinstance(fact, LinkWithdrawn) and fact.reason in EXITS:
        return
    entry = fact.entry_id
    with database.working() as connection:
        raw = driver(connection)
        if enter_roster(raw) is None or not erased_rows(raw, [entry]):
            return
        before = standing_decisions(raw, [entry]).get(entry, Standing())
        on = logged.event.effective_on
        store.execute(connection, command, lambda: [Proposed(stream, before.version, fact, on)])
        keep_decisions(raw, [(entry, after(before, [Decided(fact, on)]))])
