"""What the registry's processor runs: its views, and the worker that promotes. No logic here."""

from __future__ import annotations

from services.registry.projections import REGISTER
from services.registry.promoting import Promoting
from services.registry.search_view import SEARCH
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Worker


def projections() -> tuple[Projection, ...]:
    """The register as people read it, and what search reads."""
    return (REGISTER, SEARCH)


def workers(promoting: Promoting) -> tuple[Worker, ...]:
    """One that promotes; more processes bring more of them."""
    return (Worker("promoter", promoting.run),)
