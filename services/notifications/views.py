"""What of alerts and cases can be asked for as it was known at a moment."""

from __future__ import annotations

from collections.abc import Mapping

from services.notifications.case_tables import CASE_PLANS
from services.notifications.projections import ALERTS_VIEW
from services.notifications.queries import every_alert
from services.notifications.reports.report_queries import every_report
from services.notifications.reports.report_view import REPORTS_VIEW
from services.notifications.signals.folds import WATCHING_FOLDS, WATCHING_TABLES
from services.notifications.signals.watching import NAME
from services.notifications.tables import DOCUMENTED, RULES
from services.notifications.whatif.figures import figures
from services.notifications.whatif.outcomes import RULE_FIGURES
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.view import View, period_rows

# What the policy knows, folded without what it does about it.
WATCHING_VIEW = Projection(NAME, WATCHING_TABLES, WATCHING_FOLDS)

_CONTENT = ("content", "content_hash")
_DOCUMENT = (
    *("student_id", "division_code", "school_code", "kind", "first_day", "last_day", "reference", "event_id"),
    "withdrawn",
)

VIEWS: tuple[View, ...] = (
    View("alerts", "notifications", ALERTS_VIEW, every_alert, ("alert_id",), "student_id"),
    View("case_plans", "notifications", ALERTS_VIEW, period_rows(CASE_PLANS, "plan_id", _CONTENT), ("plan_id",)),
    View(
        "documented_absences",
        "notifications",
        WATCHING_VIEW,
        period_rows(DOCUMENTED, "document_id", _DOCUMENT),
        ("document_id",),
        "student_id",
    ),
    View("alert_rules", "notifications", WATCHING_VIEW, period_rows(RULES, "rules_id", _CONTENT), ("rules_id",)),
    View("reports", "notifications", REPORTS_VIEW, every_report, ("report_id",)),
    View("rule_figures", "notifications", RULE_FIGURES, figures, ("rules_hash", "kind")),
)

NOT_REPLAYED: Mapping[str, str] = {
    "emergency_notices": "the policy's own memory of what waits for a review, which access's view emergencies shows",
    "reporting": "the policy's own memory of facts; what it counted stands in the view reports, each on a named cut",
    "teams_handed_on": "the policy's own memory of teams and hand-overs, which cases and access's views show",
    "escalating": "the policy's own memory of alerts and case plans, which the views alerts and case_plans show",
}
