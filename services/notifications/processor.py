"""What notifications' processor runs: the alerts view and the policies. No logic here."""

from __future__ import annotations

from services.notifications.cases.escalating import Escalating
from services.notifications.delivery.composing import Composing
from services.notifications.projections import ALERTS_VIEW
from services.notifications.reports.issuing import Issuing
from services.notifications.reports.report_view import REPORTS_VIEW
from services.notifications.signals.watching import Watching
from services.notifications.streams import Streams
from services.notifications.whatif.outcomes import RULE_FIGURES
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.store import EventStore


def projections(store: EventStore, streams: Streams, division: str) -> tuple[Projection, ...]:
    """View first: nothing depends on the order, people see it first."""
    return (
        ALERTS_VIEW,
        RULE_FIGURES,
        REPORTS_VIEW,
        Watching(store, streams, division).projection(),
        Escalating(store, streams, division).projection(),
        Composing(store, streams, division).projection(),
        Issuing(store, streams, division).projection(),
    )
