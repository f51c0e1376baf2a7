"""What the processor of access runs: its views, and what an erasure asks of it. No logic here."""

from __future__ import annotations

from services.access.desk import Desk
from services.access.forgetting import closing, forget
from services.access.projections import ACCESS_VIEW
from services.access.read_projection import READS_VIEW
from services.audit.events import PersonErased
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(desk: Desk, keyring: KeyRing) -> tuple[Projection, ...]:
    """The views, erasing from the first and from access's own tables, and closing the accounts of erased people."""
    return (ACCESS_VIEW, READS_VIEW, erasing(PersonErased, (ACCESS_VIEW,), keyring, (forget,)), closing(desk))
