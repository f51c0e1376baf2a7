"""Which views can be replayed: the composition root that hands audit the projections and queries of other services."""

from __future__ import annotations

from collections.abc import Mapping

from services.audit.views import View
from services.disbursement.projections import PAYMENTS_VIEW
from services.disbursement.queries import every_payment
from services.matching.category_history import category_history, every_category_history
from services.matching.list_dates import list_dates
from services.matching.projections import ROSTER_VIEW
from services.matching.roster import every_student
from services.notifications.projections import ALERTS_VIEW
from services.notifications.queries import every_alert
from services.notifications.reports.report_queries import every_report
from services.notifications.reports.report_view import REPORTS_VIEW

VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        View("roster", "matching", ROSTER_VIEW, every_student, inputs=list_dates),
        View("categories", "matching", ROSTER_VIEW, every_category_history, category_history, list_dates),
        View("payments", "disbursement", PAYMENTS_VIEW, every_payment),
        View("alerts", "notifications", ALERTS_VIEW, every_alert),
        View("reports", "notifications", REPORTS_VIEW, every_report),
    )
}
