"""What the registry's processor runs: its view and its policy. No logic here."""

from __future__ import annotations

from services.registry.projections import REGISTER
from services.registry.reporting import Reporting
from shared.eventsourcing.projection import Projection


def projections(reporting: Reporting) -> tuple[Projection, ...]:
    """The register as people read it, and who is told of as silent."""
    return (REGISTER, reporting.projection())
