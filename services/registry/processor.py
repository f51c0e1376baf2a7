"""What the registry's processor runs: its views. No logic here."""

from __future__ import annotations

from services.registry.projections import REGISTER
from services.registry.search_view import SEARCH
from shared.eventsourcing.projection import Projection


def projections() -> tuple[Projection, ...]:
    """The register as people read it, and what search reads."""
    return (REGISTER, SEARCH)
