"""Which tables the page has: where their rows come from, who may see them, their columns and filters."""

from __future__ import annotations

from collections.abc import Mapping

from services.portal.auditing.erasure_pages import ERASURES, ERASURES_DUE, READS
from services.portal.dropout.alert_pages import (
    ALERTS,
    DOCUMENTED_ABSENCES,
    LEDGER_CHILDREN,
    LEFT_BEHIND,
    SPRING_ALERTS,
    SUMMER_ALERTS,
)
from services.portal.matching.decided_on import DECIDED_ON
from services.portal.tables.columns import Column
from services.portal.tables.table_shape import (
    AGENCY_COLUMN,
    BY_SCHOOL,
    CLASS,
    GRADE,
    LIST,
    NAME,
    SCHOOL_COLUMN,
    TRUE_ON,
    Filter,
    TablePage,
)
from shared.standards.rights import Right

ROSTER = TablePage(
    "roster", "/roster", "matching", "/v1/roster",
    (
        NAME, SCHOOL_COLUMN, GRADE, CLASS,
        Column("category", ("category",), "code", "category"),
        Column("kind", ("kind",)),
        Column("evidence", ("evidence",), "evidence"),
    ),
    (Right.ROSTER_READ,), "student_id",
    (BY_SCHOOL, Filter("category", "code", "category"), TRUE_ON),
    live="/v1/roster/stream", inputs="/v1/roster/inputs",
)  # fmt: skip

REVIEWS = TablePage(
    "reviews", "/reviews", "matching", "/v1/reviews",
    (
        Column("name", ("name",), "student", href="/reviews/{entry_id}"),
        LIST, AGENCY_COLUMN,
        Column("row", ("row",), "number"),
        Column("candidates", ("candidates",), "candidates"),
        Column("reason", ("explanation", "reason")),
        Column("score", ("score",), "score"),
        Column("second_opinion", ("second_opinion",), "code", "second_opinion"),
    ),
    (Right.REVIEWS_READ,), "entry_id",
    (Filter("list", "code", "list"), BY_SCHOOL),
)  # fmt: skip

UNMATCHED = TablePage(
    "unmatched", "/unmatched", "matching", "/v1/unmatched",
    (
        NAME, LIST, AGENCY_COLUMN,
        Column("state", ("state",), "code", "state"),
        Column("school_age", ("school_age",), "code", "yes_no"),
        Column("reason", ("explanation", "reason")),
    ),
    (Right.ENTRIES_READ,), "entry_id",
    (
        Filter("state", "code", "unmatched_state", tabs=True, default="not_in_register"),
        Filter("list", "code", "list"),
        Filter("school_age", "code", "yes_no"),
    ),
)  # fmt: skip

ENTITLEMENTS = TablePage(
    "entitlements", "/entitlements", "disbursement", "/v1/entitlements",
    (
        NAME, SCHOOL_COLUMN,
        Column("programme", ("programme",), "code", "programme"),
        Column("term", ("term",), "code", "term"),
        Column("amount", ("amount_fen",), "money"),
        Column("state", ("state",), "code", "entitlement_state"),
        Column("pay_by", ("pay_by",), "date"),
        Column("paid_on", ("paid_on",), "date"),
        Column("evidence", (DECIDED_ON,), "evidence"),
    ),
    (Right.AID_READ,), "entitlement_id",
    (Filter("state", "code", "entitlement_state", tabs=True, default="granted"), BY_SCHOOL, Filter("term", "term")),
    actions=True, decided_on=True,
)  # fmt: skip

PAYMENTS = TablePage(
    "payments", "/payments", "disbursement", "/v1/payments",
    (
        NAME, SCHOOL_COLUMN,
        Column("programme", ("programme",), "code", "programme"),
        Column("term", ("term",), "code", "term"),
        Column("amount", ("amount_fen",), "money"),
        Column("paid_on", ("paid_on",), "date"),
        Column("reference", ("reference",)),
    ),
    (Right.AID_READ,), "entitlement_id",
    (BY_SCHOOL, Filter("term", "term")),
)  # fmt: skip

VISITS = TablePage(
    "visits", "/visits", "visits", "/v1/visits",
    (
        NAME, SCHOOL_COLUMN,
        Column("visited_on", ("visited_on",), "date"),
        Column("campaign", ("campaign",)),
        Column("outcome", ("outcome",), "code", "outcome"),
        Column("helper", ("helper_name", "helper")),
    ),
    (Right.VISITS_READ,), "visit_id",
    (BY_SCHOOL, Filter("outcome", "code", "outcome")),
)  # fmt: skip

SEARCH = TablePage(
    "search", "/search", "registry", "/v1/students/search",
    (
        NAME,
        Column("former_name", ("former_name",)),
        Column("id_number", ("id_number",)),
        Column("student_number", ("student_number",)),
        SCHOOL_COLUMN,
        Column("stage", ("stage",), "code", "stage"),
        GRADE, CLASS,
        Column("student_state", ("state",), "code", "student_state"),
    ),
    (Right.STUDENTS_READ,), "student_id",
    (Filter("q", "text"), BY_SCHOOL, TRUE_ON),
)  # fmt: skip

SUSPENSIONS = TablePage(
    "suspensions", "/suspensions", "registry", "/v1/suspensions",
    (
        NAME, SCHOOL_COLUMN,
        Column("stage", ("stage",), "code", "stage"),
        GRADE, CLASS,
        Column("due_back", ("due_back",), "date"),
        Column("days_overdue", ("days_overdue",), "number"),
    ),
    (Right.STUDENTS_READ,), "student_id",
    (Filter("overdue", "code", "suspension", tabs=True, default="true"), BY_SCHOOL, TRUE_ON),
    actions=True,
)  # fmt: skip

FRESHNESS = TablePage(
    "freshness", "/freshness", "registry", "/v1/freshness",
    (
        AGENCY_COLUMN, LIST,
        Column("dated", ("dated",), "date"),
        Column("received_at", ("received_at",), "moment"),
        Column("due_day", ("due_on",), "date"),
        Column("due_by", ("due_by",), "date"),
        Column("days_late", ("days_late",), "number"),
        Column("silent_since", ("silent_since",), "date"),
    ),
    (Right.LISTS_READ,), "list",
    actions=True,
)  # fmt: skip

SCHOOLS = TablePage(
    "schools", "/reference/schools", "registry", "/v1/reference/schools",
    (
        Column("place_name", ("name",), href="/reference/schools/{school_code}"),
        Column("school_code", ("school_code",)),
        Column("former_names", ("former_names",), "words"),
        Column("division_name", ("division_name", "division_code")),
        Column("township", ("township",)),
        Column("stages", ("stages",), "words", "stage"),
        Column("closed", ("closed",), "code", "closed"),
        Column("merged_into", ("merged_into",), href="/reference/schools/{merged_into}"),
    ),
    (Right.REFERENCE_READ,), "school_code",
    (TRUE_ON, Filter("known_at", "moment")),
)  # fmt: skip

CLOSED_STUDENTS = TablePage(
    "closed_students", "/reference/closed-schools", "registry", "/v1/reference/closed-schools/students",
    (
        NAME, SCHOOL_COLUMN, GRADE, CLASS,
        Column("merged_into", ("merged_into_name", "merged_into"), href="/reference/schools/{merged_into}"),
    ),
    (Right.STUDENTS_READ,), "student_id",
    (BY_SCHOOL, TRUE_ON),
)  # fmt: skip

DIVISIONS = TablePage(
    "divisions", "/reference/divisions", "registry", "/v1/reference/divisions",
    (
        Column("division_code", ("code",), href="/reference/divisions/{code}"),
        Column("place_name", ("name",)),
        Column("in_force", ("in_force",), "code", "in_force"),
        Column("since", ("since",), "date"),
        Column("successors", ("successors",), "words"),
        Column("source", ("source",)),
    ),
    (Right.REFERENCE_READ,), "code",
    (Filter("in_force", "code", "in_force"), Filter("within", "text"), TRUE_ON, Filter("known_at", "moment")),
)  # fmt: skip

CALENDARS = TablePage(
    "calendars", "/reference/calendars", "registry", "/v1/reference/calendars",
    (
        Column("school_year", ("school_year",), href="/reference/calendars/{calendar_id}"),
        Column("division_code", ("division_code",)),
        Column("school_code", ("school_code",)),
        Column("terms", ("terms",), "number"),
        Column("school_days", ("school_days",), "number"),
    ),
    (Right.REFERENCE_READ,), "calendar_id",
    (TRUE_ON, Filter("known_at", "moment")),
)  # fmt: skip

TERMS = TablePage(
    "terms", "/terms", "registry", "/v1/terms",
    (
        Column("term", ("term",), "code", "term", href="/terms/tasks?school_year={school_year}&term={term}"),
        Column("school_year", ("school_year",)),
        Column("first_day", ("first",), "date"),
        Column("last_day", ("last",), "date"),
        Column("tasks_done", ("done",), "number"),
        Column(
            "tasks_late", ("late",), "number",
            href="/terms/tasks?school_year={school_year}&term={term}&state=late",
        ),
        Column(
            "tasks_due", ("due",), "number",
            href="/terms/tasks?school_year={school_year}&term={term}&state=due",
        ),
        Column("tasks_upcoming", ("upcoming",), "number"),
    ),
    (Right.TERMS_READ,), "term",
    (TRUE_ON,),
)  # fmt: skip

TERM_TASKS = TablePage(
    "term_tasks", "/terms/tasks", "registry", "/v1/term-tasks",
    (
        Column("term", ("term",), "code", "term"),
        Column("task", ("title",)),
        SCHOOL_COLUMN,
        Column("opens_on", ("opens_on",), "date"),
        Column("due_on", ("due_on",), "date"),
        Column("state", ("state",), "code", "task_state"),
        Column("done_on", ("done_on",), "date"),
        Column("count", ("count",), "number"),
        Column("note", ("note",)),
        Column("told_by", ("told_by",)),
    ),
    (Right.TERMS_READ,), "task_id",
    (
        Filter("state", "code", "task_state", tabs=True),
        BY_SCHOOL,
        Filter("school_year", "text"),
        Filter("term", "term"),
        Filter("task", "text"),
        TRUE_ON,
    ),
    actions=True,
)  # fmt: skip

_KIND = Column("register_place", ("kind",), "code", "register_place")

REGISTER_PLACES = TablePage(
    "register_places", "/register-places", "registry", "/v1/register-places",
    (
        _KIND,
        Column("place", ("place_name", "place")),
        Column("division_code", ("place",)),
        Column("certain", ("certain",), "code", "certain"),
        Column("students", ("students",), "number", href="/register-places/students?kind={kind}&place={place}"),
    ),
    (Right.REGISTER_COUNT,), "place",
    (Filter("kind", "code", "register_place"), TRUE_ON),
)  # fmt: skip

PLACE_STUDENTS = TablePage(
    "place_students", "/register-places/students", "registry", "/v1/register-places/students",
    (
        NAME,
        Column("id_number", ("id_number",)),
        SCHOOL_COLUMN, GRADE, CLASS,
        Column("student_state", ("state",), "code", "student_state"),
        _KIND,
        Column("place", ("place_name", "place")),
    ),
    (Right.STUDENTS_READ,), "student_id",
    (Filter("kind", "code", "register_place", default="outside_here"), Filter("place", "text"), TRUE_ON),
)  # fmt: skip

SUBMISSIONS = TablePage(
    "imports", "/imports", "registry", "/v1/submissions",
    (
        Column("received_at", ("received_at", "recorded_at"), "moment"),
        LIST, AGENCY_COLUMN,
        Column("mode", ("mode",), "code", "mode"),
        Column("rows", ("rows",), "number"),
        Column("added", ("added",), "number"),
        Column("corrected", ("corrected",), "number"),
        Column("unchanged", ("unchanged",), "number"),
        Column("rejected", ("rejected",), "number"),
        Column("removed", ("removed",), "number"),
        Column("state", ("state",), "code", "submission_state"),
        Column("rejects", ("rejected",), "link", href="/imports/{submission_id}/rejects.xlsx"),
    ),
    (Right.LISTS_READ,), "submission_id",
    (Filter("list", "code", "list"),), actions=True,
)  # fmt: skip

TABLES: Mapping[str, TablePage] = {
    page.name: page
    for page in (
        ROSTER,
        REVIEWS,
        UNMATCHED,
        ALERTS,
        SPRING_ALERTS,
        SUMMER_ALERTS,
        LEDGER_CHILDREN,
        DOCUMENTED_ABSENCES,
        LEFT_BEHIND,
        ENTITLEMENTS,
        PAYMENTS,
        VISITS,
        SEARCH,
        SUSPENSIONS,
        FRESHNESS,
        SCHOOLS,
        CLOSED_STUDENTS,
        DIVISIONS,
        CALENDARS,
        TERMS,
        TERM_TASKS,
        READS,
        ERASURES,
        ERASURES_DUE,
        REGISTER_PLACES,
        PLACE_STUDENTS,
        SUBMISSIONS,
    )
}
