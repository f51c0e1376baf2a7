"""What the processor of visits runs. No logic here."""

from __future__ import annotations

from services.audit.events import PersonErased
from services.visits.passing_on import PassingOn
from services.visits.projections import VISITS_VIEW
from services.visits.streams import Streams
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.store import EventStore
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(store: EventStore, streams: Streams, keyring: KeyRing) -> tuple[Projection, ...]:
    """The one view, what a hand-over moves, and erasing from the view."""
    views = (VISITS_VIEW, PassingOn(store, streams).projection())
    return (*views, erasing(PersonErased, views, keyring))
