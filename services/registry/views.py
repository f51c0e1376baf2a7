"""What of the register can be asked for as it was known at a moment; personal columns are masked as on the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from services.registry import queries
from services.registry.households.household_rows import every_household, households_of
from services.registry.life_tables import ABSENCES
from services.registry.projections import REGISTER
from services.registry.request_tables import REQUESTS
from services.registry.students.attendance_queries import ClassRow, reports
from services.registry.tables import CALENDARS, DIVISIONS, ENTRIES, READS
from services.registry.term_tables import TERM_PLANS, TERM_TASKS
from shared.eventsourcing.view import View, period_rows
from shared.kernel.masking import mask_name, mask_number
from shared.web.pages import WHOLE_LIST

_ENTRY = (
    *("agency", "list", "row", "submission_id", "standing", "name", "id_number", "division_code"),
    *("listed_school_code", "household_type", "support_type", "area_type", "coverage", "disability_kind"),
    *("disability_grade", "starts_on", "ends_on", "problems"),
)
_REQUEST = (
    *("target", "target_id", "fields", "state", "reason", "evidence", "requested_by", "asked_on", "decided_by"),
    *("decision", "division_code", "school_code", "agency"),
)
_ABSENCE = ("student_id", "school_code", "division_code", "grade", "class_name", "reason", "half_day", "late")
_READ = ("viewer", "student_id", "purpose", "fields", "read_at", "division_code", "school_code")
_TASK = ("done", "done_on", "told_by", "note", "count", "division_code", "school_code")
_CALENDAR = ("place", "school", "school_year", "content", "content_hash")


def every_student(connection: Connection, true_on: date) -> list[queries.StudentRow]:
    """All students ever registered, with where they stood on the day."""
    return queries.students(connection, true_on, WHOLE_LIST)


def one_student(connection: Connection, true_on: date, student_id: UUID) -> list[queries.StudentDetails]:
    """All that is shown of one student on the day."""
    found = queries.student(connection, true_on, student_id)
    return [] if found is None else [found]


def every_school(connection: Connection, true_on: date) -> list[queries.SchoolRow]:
    """All schools, closed ones too."""
    return queries.schools(connection, true_on, WHOLE_LIST)


def every_submission(connection: Connection, true_on: date) -> list[queries.SubmissionRow]:
    """All submissions of lists that are as of the day or earlier."""
    return [row for row in queries.submissions(connection, WHOLE_LIST) if row.effective_on <= true_on]


def every_class_report(connection: Connection, true_on: date) -> list[ClassRow]:
    """The day's reports of attendance."""
    return reports(connection, true_on, None, WHOLE_LIST)


_MASKED = {"name": mask_name, "id_number": mask_number}

VIEWS: tuple[View, ...] = (
    View("students", "registry", REGISTER, every_student, ("student_id",), about=one_student),
    View("schools", "registry", REGISTER, every_school, ("school_code",)),
    View("households", "registry", REGISTER, every_household, ("household_id",), about=households_of),
    View("list_entries", "registry", REGISTER, period_rows(ENTRIES, "entry_id", _ENTRY, masked=_MASKED), ("entry_id",)),
    View("submissions", "registry", REGISTER, every_submission, ("submission_id",)),
    View("attendance", "registry", REGISTER, every_class_report, ("report_id",)),
    View(
        "absences", "registry", REGISTER, period_rows(ABSENCES, "absence_id", _ABSENCE), ("absence_id",), "student_id"
    ),
    View("personal_reads", "registry", REGISTER, period_rows(READS, "read_id", _READ), ("read_id",), "student_id"),
    View(
        "change_requests",
        "registry",
        REGISTER,
        period_rows(REQUESTS, "request_id", _REQUEST),
        ("request_id",),
        "target_id",
    ),
    View(
        "divisions",
        "registry",
        REGISTER,
        period_rows(DIVISIONS, "division_id", ("code", "name", "in_force", "successors", "source")),
        ("division_id",),
    ),
    View("calendars", "registry", REGISTER, period_rows(CALENDARS, "calendar_id", _CALENDAR), ("calendar_id",)),
    View(
        "term_plans",
        "registry",
        REGISTER,
        period_rows(TERM_PLANS, "plan_id", ("content", "content_hash")),
        ("plan_id",),
    ),
    View("term_tasks", "registry", REGISTER, period_rows(TERM_TASKS, "task_id", _TASK), ("task_id",)),
)

NOT_REPLAYED: Mapping[str, str] = {
    "requests_handed_on": "the policy's own memory of hand-overs, which access's view shows",
    "search": "what search finds by, not what anybody reads: the students themselves are in the view students",
}
