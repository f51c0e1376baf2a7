"""What matching's processor runs: the roster view, which notes work, the worker that decides it, and the one that
reports what proposed models would change. No logic here."""

from __future__ import annotations

from services.audit.events import PersonErased
from services.matching.deciding import Deciding
from services.matching.erased import forget
from services.matching.model_reporting import Reporting
from services.matching.projections import ROSTER_VIEW
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Worker
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(keyring: KeyRing) -> tuple[Projection, ...]:
    """The roster, and erasing from it."""
    return (ROSTER_VIEW, erasing(PersonErased, (ROSTER_VIEW,), keyring, (forget,)))


def workers(deciding: Deciding, reporting: Reporting) -> tuple[Worker, ...]:
    """One decider and one maker of reports; more processes bring more of them."""
    return (Worker("decider", deciding.run), Worker("model-reporter", reporting.run))
