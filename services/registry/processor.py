"""What the registry's processor runs: its one view. No logic here."""

from __future__ import annotations

from services.registry.projections import REGISTER
from shared.eventsourcing.projection import Projection


def projections() -> tuple[Projection, ...]:
    """The register as people read it."""
    return (REGISTER,)
