"""What the processor of visits runs. No logic here."""

from __future__ import annotations

from services.audit.events import PersonErased
from services.visits.projections import VISITS_VIEW
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(keyring: KeyRing) -> tuple[Projection, ...]:
    """The one view, and erasing from it."""
    return (VISITS_VIEW, erasing(PersonErased, (VISITS_VIEW,), keyring))
