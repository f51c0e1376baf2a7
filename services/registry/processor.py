"""What the registry's processor runs: its one view, and the workers that do long work. No logic here."""

from __future__ import annotations

from services.registry.change_work import Changing
from services.registry.projections import REGISTER
from services.registry.promoting import Promoting
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Worker


def projections() -> tuple[Projection, ...]:
    """The register as people read it."""
    return (REGISTER,)


def workers(promoting: Promoting, changing: Changing) -> tuple[Worker, ...]:
    """One that promotes and one that does mass changes; more processes bring more of them."""
    return (Worker("promoter", promoting.run), Worker("changer", changing.run))
