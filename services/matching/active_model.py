"""The model in force: the last activation in its stream, read under a lock that the next activation waits for.

The transaction of a decision holds the lock together with others, that of an activation alone. So no decision by the
old model is under way when a new one is activated, and in the log each decision names the model activated last before
it, whatever a process may have kept in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection

from services.matching.events import MatchingModelActivated
from services.matching.ladder import HASH_LENGTH, Rules
from services.matching.scoring import Model, scorer
from services.matching.streams import Streams
from shared.database.database import driver
from shared.eventsourcing.store import EventStore

_LOCK = 0x6D6F64656C
_IDS = "SELECT event_id FROM public.events WHERE stream_id = %s ORDER BY version"
_TIMES = """
SELECT e.event_id, l.recorded_at FROM public.events e JOIN public.log l ON l.position = e.position
WHERE e.stream_id = %s
"""


@dataclass(frozen=True)
class Activation:
    """A model that was activated; ``version`` counts from 1. What is read of its content is read once."""

    version: int
    event_id: UUID
    effective_on: date
    fact: MatchingModelActivated

    @property
    def hash(self) -> str:
        return self.fact.content_hash

    @cached_property
    def model(self) -> Model:
        """Raises ModelRefused when this program cannot read it any more."""
        return Model.parse(self.fact.content.encode())

    @cached_property
    def rules(self) -> Rules:
        """The ladder with this model. Raises ModelRefused when this program cannot weigh by it any more."""
        return Rules(scorer(self.model))


@dataclass(frozen=True)
class ActiveModel:
    """Reads which models were and which is in force. Shared by threads; an activation never changes, so each is loaded
    once and known by its event's id."""

    store: EventStore
    streams: Streams
    _known: dict[UUID, Activation] = field(default_factory=dict, repr=False, compare=False)

    def activations(self, connection: Connection) -> list[Activation]:
        """Every model that ever was in force, the present one last."""
        found = driver(connection).execute(_IDS, (self.streams.model,)).fetchall()
        if any(event_id not in self._known for (event_id,) in found):
            for event, fact in self.store.load(connection, self.streams.model):
                assert isinstance(fact, MatchingModelActivated), "nothing else stands in this stream"
                made = Activation(event.version, event.event_id, event.effective_on, fact)
                self._known.setdefault(event.event_id, made)
        return [self._known[event_id] for (event_id,) in found]

    def current(self, connection: Connection) -> Activation | None:
        """The model in force, which stays so until the transaction ends; None before the first one."""
        # A statement of its own: the next one must see what was committed while this one waited.
        driver(connection).execute("SELECT pg_advisory_xact_lock_shared(%s)", (_LOCK,))
        found = self.activations(connection)
        return found[-1] if found else None

    def recorded(self, connection: Connection) -> dict[UUID, datetime]:
        """When the log took each activation in, by event id; one without its place yet is absent."""
        return dict(driver(connection).execute(_TIMES, (self.streams.model,)).fetchall())

    def hold(self, connection: Connection) -> None:
        """Wait for the decisions under way, and let none begin until the transaction ends."""
        driver(connection).execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))

    def named(self, connection: Connection, name: str) -> Activation | None:
        """The last activation of the model with this hash, or with the beginning of it that ends a decision's
        ``model``; None if no such model was ever in force here."""
        start = name.rpartition("+")[2]
        if len(start) < HASH_LENGTH:
            return None
        return next((each for each in reversed(self.activations(connection)) if each.hash.startswith(start)), None)
