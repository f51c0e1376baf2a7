"""The tables of dropout control: alerts, their saved views for the weeks that matter, and the ledgers' children."""

from __future__ import annotations

from services.portal.tables.columns import Column
from services.portal.tables.table_shape import BY_SCHOOL, CLASS, GRADE, NAME, SCHOOL_COLUMN, TRUE_ON, Filter, TablePage
from shared.standards.rights import Right

_RIGHTS = (Right.ALERTS_READ,)
_COLUMNS = (
    Column("priority", ("priority",), "number"),
    Column("alert_kind", ("kind",), "code", "alert_kind", href="/alerts/{alert_id}"),
    Column("child", ("name", "subject"), "student"),
    SCHOOL_COLUMN, CLASS,
    Column("reason", ("explanation", "explanation_code")),
    Column("circumstances", ("circumstances",), "words", "circumstance"),
    Column("level", ("level",), "code", "case_level"),
    Column("due_on", ("due_on",), "date"),
    Column("due_for", ("due_for",), "code", "case_wait"),
    Column("times", ("times",), "number"),
    Column("state", ("state",), "code", "alert_state"),
)  # fmt: skip
_FILTERS = (
    Filter(
        "state", "code", "alert_state", tabs=True, default="open",
        every=("open", "seen", "dropped_out", "closed", "withdrawn"),
    ),
    Filter("kind", "code", "alert_kind"),
    Filter("level", "code", "case_level"),
    BY_SCHOOL,
    Filter("township", "text"),
    Filter("class_name", "text"),
)  # fmt: skip

ALERTS = TablePage(
    "alerts", "/alerts", "notifications", "/v1/alerts", _COLUMNS, _RIGHTS, "alert_id", _FILTERS,
    live="/v1/alerts/stream", actions=True,
)  # fmt: skip

SPRING_ALERTS = TablePage(
    "alerts_spring", "/alerts/spring", "notifications", "/v1/alerts", _COLUMNS, _RIGHTS, "alert_id", _FILTERS,
    fixed={"view": "spring_8_9"},
)  # fmt: skip

SUMMER_ALERTS = TablePage(
    "alerts_summer", "/alerts/summer", "notifications", "/v1/alerts", _COLUMNS, _RIGHTS, "alert_id", _FILTERS,
    fixed={"view": "summer_6_7"},
)  # fmt: skip

LEDGER_CHILDREN = TablePage(
    "ledger_children", "/dropout/children", "notifications", "/v1/ledgers/children",
    (
        Column("child", ("name",), "student"),
        SCHOOL_COLUMN, GRADE, CLASS,
        Column("division_code", ("division_code",)),
        Column("since", ("since",), "date"),
        Column("case", ("state",), "code", "alert_state", href="/alerts/{alert_id}"),
    ),
    _RIGHTS, "child_id",
    (
        Filter("ledger", "code", "ledger", tabs=True, default="suspected", one=True),
        BY_SCHOOL,
        Filter("township", "text"),
    ),
)  # fmt: skip

LEFT_BEHIND = TablePage(
    "left_behind", "/dropout/left-behind", "notifications", "/v1/left-behind",
    (
        NAME, SCHOOL_COLUMN, GRADE, CLASS,
        Column("heard_on", ("heard_on",), "date"),
        Column("days_unheard", ("days",), "number"),
        Column("contact_due", ("due",), "code", "yes_no"),
    ),
    _RIGHTS, "student_id",
    (BY_SCHOOL, Filter("due", "code", "yes_no"), TRUE_ON),
)  # fmt: skip

DOCUMENTED_ABSENCES = TablePage(
    "documented_absences", "/dropout/documents", "notifications", "/v1/documented-absences",
    (
        NAME, SCHOOL_COLUMN, GRADE, CLASS,
        Column("document_kind", ("kind",), "code", "document_kind"),
        Column("document_first", ("first_day",), "date"),
        Column("document_last", ("last_day",), "date"),
        Column("document_number", ("reference",)),
        Column("expiring", ("expiring",), "code", "yes_no"),
    ),
    _RIGHTS, "document_id",
    (BY_SCHOOL, Filter("expiring", "code", "yes_no"), Filter("student", "text"), TRUE_ON),
    actions=True,
)  # fmt: skip
