"""What the processor of access runs: the one view. No logic here."""

from __future__ import annotations

from services.access.projections import ACCESS_VIEW
from services.audit.events import PersonErased
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(keyring: KeyRing) -> tuple[Projection, ...]:
    """The view, and erasing from it."""
    return (ACCESS_VIEW, erasing(PersonErased, (ACCESS_VIEW,), keyring))
