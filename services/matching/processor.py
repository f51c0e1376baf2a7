"""What matching's processor runs: the roster view, which notes work, and the worker that decides it. No logic here."""

from __future__ import annotations

from services.matching.deciding import Deciding
from services.matching.projections import ROSTER_VIEW
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Worker


def projections() -> tuple[Projection, ...]:
    """The roster."""
    return (ROSTER_VIEW,)


def workers(deciding: Deciding) -> tuple[Worker, ...]:
    """One decider; more processes bring more of them."""
    return (Worker("decider", deciding.run),)
