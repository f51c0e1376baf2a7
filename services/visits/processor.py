"""What the processor of visits runs. No logic here."""

from __future__ import annotations

from services.visits.projections import VISITS_VIEW
from shared.eventsourcing.projection import Projection


def projections() -> tuple[Projection, ...]:
    """The one view."""
    return (VISITS_VIEW,)
