"""What disbursement's processor runs: the payments view, the entitling policy and that of letters. No logic here."""

from __future__ import annotations

from services.audit.events import PersonErased
from services.disbursement.entitling import Entitling
from services.disbursement.letters.deadlines import Deadlines
from services.disbursement.projections import PAYMENTS_VIEW
from services.disbursement.streams import Streams
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.store import EventStore
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(store: EventStore, streams: Streams, division: str, keyring: KeyRing) -> tuple[Projection, ...]:
    """View first: nothing depends on the order, people see it first. Then the policies, and erasing from both."""
    views = (PAYMENTS_VIEW, Entitling(store, streams, division).projection(), Deadlines(store, streams).projection())
    return (*views, erasing(PersonErased, views, keyring))
