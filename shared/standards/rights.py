"""What each kind of post may do: one table, read by every route and every page.

A right says *what*, the post's scope says *of whom*; both must hold. Whoever prepares a thing has no right to approve
it, and where one post holds both (two desks of one office) shared/web/separation.py asks for the second person.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shared.standards.posts import Kind


class Right(StrEnum):
    """A named act. ``…_READ`` shows rows, ``…_COUNT`` numbers without rows; the others do something."""

    SIGNED_IN = "signed_in"  # what concerns nobody (proofs, keys), and what is one's own

    STUDENTS_READ = "students.read"
    STUDENTS_REVEAL = "students.reveal"
    REGISTER_KEEP = "register.keep"
    REGISTER_COUNT = "register.count"
    ATTENDANCE_READ = "attendance.read"
    ATTENDANCE_REPORT = "attendance.report"
    CARE_KEEP = "care.keep"
    COUNSELLING_NOTE = "counselling.note"
    PROMOTIONS_READ = "promotions.read"
    PROMOTIONS_DO = "promotions.do"
    CHANGES_READ = "changes.read"
    CHANGES_PROPOSE = "changes.propose"
    CHANGES_APPROVE = "changes.approve"
    CORRECTIONS_ASK = "corrections.ask"
    CORRECTIONS_DECIDE = "corrections.decide"
    PAPERS_TYPE = "papers.type"
    HOUSEHOLDS_ASK = "households.ask"
    HOUSEHOLDS_READ = "households.read"
    HOUSEHOLDS_CHANGE = "households.change"
    HOUSEHOLDS_APPROVE = "households.approve"
    LISTS_READ = "lists.read"
    LISTS_SEND = "lists.send"
    FRESHNESS_READ = "freshness.read"
    FRESHNESS_AGREE = "freshness.agree"
    REFERENCE_READ = "reference.read"
    REFERENCE_KEEP = "reference.keep"
    TERMS_READ = "terms.read"
    TERMS_DO = "terms.do"
    TERMS_PLAN = "terms.plan"
    EXPORT_STUDENTS = "export.students"
    EXPORT_LISTS = "export.lists"
    EXPORT_IN_FULL = "export.in_full"

    ROSTER_READ = "roster.read"
    ROSTER_COUNT = "roster.count"
    ENTRIES_READ = "entries.read"
    REVIEWS_READ = "reviews.read"
    REVIEWS_DECIDE = "reviews.decide"
    MODELS_USE = "models.use"
    MODELS_READ = "models.read"
    MODELS_PROPOSE = "models.propose"
    MODELS_ACTIVATE = "models.activate"

    AID_READ = "aid.read"
    AID_COUNT = "aid.count"
    PAYMENTS_SEND = "payments.send"
    LETTERS_READ = "letters.read"
    LETTERS_KEEP = "letters.keep"
    LETTERS_APPROVE = "letters.approve"

    VISITS_READ = "visits.read"
    VISITS_LOG = "visits.log"
    HELPERS_ASSIGN = "helpers.assign"

    ALERTS_READ = "alerts.read"
    ALERTS_COUNT = "alerts.count"
    ALERTS_WORK = "alerts.work"
    ALERTS_CLOSE = "alerts.close"
    ALERT_RULES_READ = "alert_rules.read"
    ALERT_RULES_TRY = "alert_rules.try"
    ALERT_RULES_ACTIVATE = "alert_rules.activate"
    REPORTS_READ = "reports.read"
    REPORTS_ISSUE = "reports.issue"
    MESSAGES_READ = "messages.read"
    CONTACTS_READ = "contacts.read"
    DELIVERIES_KEEP = "deliveries.keep"

    LOGS_READ = "logs.read"
    FILES_REVEAL = "files.reveal"
    ALARMS_NOTE = "alarms.note"
    ALARMS_WATCH = "alarms.watch"  # is told of alarms on every page
    REPLAY = "replay"
    QUESTIONS_ASK = "questions.ask"
    READS_READ = "reads.read"
    READS_WATCH = "reads.watch"
    ERASURES_READ = "erasures.read"
    ERASURES_ASK = "erasures.ask"
    ERASURES_APPROVE = "erasures.approve"
    RETENTION_SET = "retention.set"
    KEYS_ROTATE = "keys.rotate"

    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_KEEP = "accounts.keep"
    AGENCY_KEYS_READ = "agency_keys.read"
    AGENCY_KEYS_ROTATE = "agency_keys.rotate"  # and revoke
    AGENCY_KEYS_ISSUE = "agency_keys.issue"
    EMERGENCY_ASK = "emergency.ask"
    EMERGENCY_REVIEW = "emergency.review"


_R = Right
_EVERYBODY = frozenset({_R.SIGNED_IN})
_STAFF = _EVERYBODY | {_R.REFERENCE_READ, _R.FRESHNESS_READ, _R.ROSTER_COUNT}
_COUNTS = frozenset({_R.REGISTER_COUNT, _R.ROSTER_COUNT, _R.AID_COUNT, _R.ALERTS_COUNT, _R.REPORTS_READ})
# Children, masked, as whoever works with them sees them.
_CHILDREN = _STAFF | _COUNTS | {_R.STUDENTS_READ, _R.ROSTER_READ, _R.ALERTS_READ, _R.ALERT_RULES_READ, _R.VISITS_READ}
_AT_SCHOOL = _CHILDREN | {_R.ATTENDANCE_READ, _R.AID_READ, _R.TERMS_READ, _R.MESSAGES_READ}
_SCHOOL_WIDE = _AT_SCHOOL | {
    *(_R.PROMOTIONS_READ, _R.CHANGES_READ, _R.REVIEWS_READ, _R.READS_READ, _R.REPLAY),
}
_CENTRE = _CHILDREN | {
    *(_R.ATTENDANCE_READ, _R.PROMOTIONS_READ, _R.CHANGES_READ, _R.HOUSEHOLDS_ASK, _R.HOUSEHOLDS_READ, _R.LISTS_READ),
    *(_R.TERMS_READ, _R.ENTRIES_READ, _R.REVIEWS_READ, _R.MODELS_USE, _R.MODELS_READ, _R.AID_READ),
    _R.LETTERS_READ,
}

RIGHTS: Mapping[Kind, frozenset[Right]] = {
    # Prepares: lists, register, proposals, settings. Approves nothing, decides no pair, sends no money.
    Kind.AID_CLERK: _CENTRE
    | {
        *(_R.STUDENTS_REVEAL, _R.REGISTER_KEEP, _R.ATTENDANCE_REPORT, _R.CARE_KEEP, _R.PROMOTIONS_DO),
        *(_R.CHANGES_PROPOSE, _R.CORRECTIONS_ASK, _R.CORRECTIONS_DECIDE, _R.PAPERS_TYPE, _R.HOUSEHOLDS_CHANGE),
        *(
            _R.LISTS_SEND,
            _R.FRESHNESS_AGREE,
            _R.REFERENCE_KEEP,
            _R.TERMS_DO,
            _R.TERMS_PLAN,
            _R.MODELS_PROPOSE,
            _R.VISITS_LOG,
        ),
        *(_R.HELPERS_ASSIGN, _R.ALERTS_WORK, _R.ALERTS_CLOSE, _R.ALERT_RULES_TRY, _R.ALERT_RULES_ACTIVATE),
        *(_R.REPORTS_ISSUE, _R.MESSAGES_READ, _R.CONTACTS_READ, _R.DELIVERIES_KEEP, _R.EXPORT_STUDENTS),
        *(_R.EXPORT_LISTS, _R.EXPORT_IN_FULL, _R.LOGS_READ, _R.REPLAY, _R.QUESTIONS_ASK, _R.READS_READ),
        *(_R.READS_WATCH, _R.ERASURES_READ, _R.ERASURES_ASK, _R.EMERGENCY_ASK, _R.FILES_REVEAL, _R.ALARMS_NOTE),
        _R.LETTERS_KEEP,
    },
    Kind.REVIEWER: _CENTRE | {_R.REVIEWS_DECIDE, _R.STUDENTS_REVEAL, _R.MESSAGES_READ, _R.EMERGENCY_ASK},
    # Money only: whom it is for, masked, and what is due; no file of a child.
    Kind.CASHIER: _STAFF | {_R.AID_READ, _R.AID_COUNT, _R.PAYMENTS_SEND},
    Kind.APPROVER: _CENTRE
    | {
        *(_R.CHANGES_APPROVE, _R.HOUSEHOLDS_APPROVE, _R.MODELS_ACTIVATE, _R.ALERTS_CLOSE, _R.ALERT_RULES_TRY),
        *(_R.MESSAGES_READ, _R.LOGS_READ, _R.REPLAY, _R.QUESTIONS_ASK, _R.READS_READ, _R.READS_WATCH),
        *(_R.EXPORT_STUDENTS, _R.EXPORT_LISTS, _R.ERASURES_READ, _R.ERASURES_APPROVE, _R.RETENTION_SET),
        *(_R.KEYS_ROTATE, _R.EMERGENCY_REVIEW, _R.ALARMS_NOTE),
        _R.LETTERS_APPROVE,
    },
    Kind.REGISTRAR: _SCHOOL_WIDE
    | {
        *(_R.STUDENTS_REVEAL, _R.REGISTER_KEEP, _R.ATTENDANCE_REPORT, _R.CARE_KEEP, _R.PROMOTIONS_DO),
        *(_R.CHANGES_PROPOSE, _R.CORRECTIONS_ASK, _R.PAPERS_TYPE, _R.TERMS_DO, _R.HELPERS_ASSIGN, _R.VISITS_LOG),
        *(_R.ALERTS_WORK, _R.ALERTS_CLOSE, _R.REPORTS_ISSUE, _R.EXPORT_STUDENTS, _R.EXPORT_IN_FULL),
        *(_R.CORRECTIONS_DECIDE, _R.EMERGENCY_ASK),
    },
    # Her own class: its register, attendance, visits, alerts, and the notes nobody in the county reads.
    Kind.CLASS_TEACHER: _AT_SCHOOL
    | {
        *(_R.STUDENTS_REVEAL, _R.ATTENDANCE_REPORT, _R.CARE_KEEP, _R.COUNSELLING_NOTE, _R.VISITS_LOG, _R.ALERTS_WORK),
        _R.CORRECTIONS_ASK,
    },
    Kind.HELPER_TEACHER: _AT_SCHOOL
    | {_R.STUDENTS_REVEAL, _R.CARE_KEEP, _R.COUNSELLING_NOTE, _R.VISITS_LOG, _R.CORRECTIONS_ASK},
    # Everything of the school, and what the school approves or closes.
    Kind.PRINCIPAL: _SCHOOL_WIDE
    | {
        *(_R.STUDENTS_REVEAL, _R.COUNSELLING_NOTE, _R.CARE_KEEP, _R.ALERTS_WORK, _R.ALERTS_CLOSE, _R.REPORTS_ISSUE),
        *(_R.TERMS_DO, _R.HELPERS_ASSIGN, _R.EXPORT_STUDENTS, _R.CORRECTIONS_ASK, _R.CORRECTIONS_DECIDE),
        *(_R.EMERGENCY_REVIEW, _R.ACCOUNTS_READ, _R.ACCOUNTS_KEEP),  # accounts: of the school's teachers
    },
    Kind.TOWNSHIP_CADRE: _CHILDREN
    | {
        *(_R.HOUSEHOLDS_ASK, _R.HOUSEHOLDS_READ, _R.VISITS_LOG, _R.ALERTS_WORK, _R.MESSAGES_READ, _R.CORRECTIONS_ASK),
    },
    Kind.CITY_OFFICER: _STAFF | _COUNTS | {_R.TERMS_READ, _R.ALERT_RULES_READ},
    Kind.AGENCY_PUBLISHER: _STAFF
    | {
        *(_R.LISTS_READ, _R.LISTS_SEND, _R.ENTRIES_READ, _R.MODELS_USE, _R.EXPORT_LISTS, _R.EXPORT_IN_FULL),
        *(_R.HOUSEHOLDS_ASK, _R.HOUSEHOLDS_CHANGE, _R.HOUSEHOLDS_APPROVE, _R.CORRECTIONS_ASK, _R.CORRECTIONS_DECIDE),
        *(_R.PAPERS_TYPE, _R.AGENCY_KEYS_READ, _R.AGENCY_KEYS_ROTATE),  # of its own machines
    },
    # Reads everything in scope, whenever it was; asks for and approves only what concerns the record itself.
    Kind.AUDITOR: _CENTRE
    | {
        *(_R.ALERT_RULES_TRY, _R.CONTACTS_READ, _R.EXPORT_STUDENTS, _R.EXPORT_LISTS, _R.LOGS_READ, _R.REPLAY),
        *(_R.QUESTIONS_ASK, _R.READS_READ, _R.READS_WATCH, _R.ERASURES_READ, _R.ERASURES_ASK),
        *(_R.ERASURES_APPROVE, _R.ACCOUNTS_READ, _R.FILES_REVEAL, _R.ALARMS_NOTE, _R.ALARMS_WATCH),
    },
    # Accounts only: no child's data, and of the rest only the names of places.
    Kind.ACCOUNT_ADMINISTRATOR: _EVERYBODY
    | {
        *(_R.REFERENCE_READ, _R.ACCOUNTS_READ, _R.ACCOUNTS_KEEP),
        *(_R.AGENCY_KEYS_READ, _R.AGENCY_KEYS_ROTATE, _R.AGENCY_KEYS_ISSUE),
    },
    Kind.SERVICE: _EVERYBODY,
}


def held_by(kind: Kind) -> frozenset[Right]:
    """The rights of a post of this kind."""
    return RIGHTS[kind]
