"""What notifications' processor runs: the alerts view and the policies. No logic here."""

from __future__ import annotations

from services.audit.events import PersonErased
from services.notifications.cases.escalating import Escalating
from services.notifications.cases.passing_on import PassingOn
from services.notifications.delivery.composing import Composing
from services.notifications.delivery.emergencies import EmergencyNotices
from services.notifications.projections import ALERTS_VIEW
from services.notifications.reports.issuing import Issuing
from services.notifications.reports.report_view import REPORTS_VIEW
from services.notifications.signals.watching import Watching
from services.notifications.streams import Streams
from services.notifications.whatif.outcomes import RULE_FIGURES
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.store import EventStore
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing


def projections(store: EventStore, streams: Streams, division: str, keyring: KeyRing) -> tuple[Projection, ...]:
    """View first: nothing depends on the order, people see it first. Last what erases from all of them."""
    views = (
        ALERTS_VIEW,
        RULE_FIGURES,
        REPORTS_VIEW,
        Watching(store, streams, division).projection(),
        Escalating(store, streams, division).projection(),
        Composing(store, streams, division).projection(),
        Issuing(store, streams, division).projection(),
        PassingOn(store, streams, division).projection(),
        EmergencyNotices(streams, division).projection(),
    )
    return (*views, erasing(PersonErased, views, keyring))
