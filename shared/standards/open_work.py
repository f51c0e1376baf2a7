"""What waits for a person anywhere in the system: the one list of kinds, read by each service that serves them, by the
hand-over of a post and by the page.

Most of it is bound to a place: whoever holds the post sees it, so it moves with the post by itself. What is bound to a
person (``PERSON``) is moved by its own service when a hand-over closes. A table with a state in which something waits
stands either here or, with the reason, in ``NOT_WORK``; tests/services/test_open_items.py compares with every table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.standards.rights import Right


class Kind(StrEnum):
    """A kind of open item."""

    REVIEW = "review"
    MODEL = "model"
    CHANGE_REQUEST = "change_request"
    ASKED_REQUEST = "asked_request"
    MASS_CHANGE = "mass_change"
    HOUSEHOLD_CHANGE = "household_change"
    PAPER = "paper"
    HELD_LIST = "held_list"
    TERM_TASK = "term_task"
    PAYMENT = "payment"
    RECOVERY = "recovery"
    LETTER = "letter"
    INCOMING_LETTER = "incoming_letter"
    ALERT = "alert"
    CASE_TEAM = "case_team"
    MESSAGE = "message"
    DELIVERY = "delivery"
    HELPED_STUDENT = "helped_student"
    REPEAT_VISIT = "repeat_visit"
    ALARM = "alarm"
    ERASURE = "erasure"
    HOLD = "hold"
    COUNTERFACTUAL = "counterfactual"
    EMERGENCY = "emergency"
    HANDOVER = "handover"


class Bound(StrEnum):
    """What an item hangs on: the post's place, or the account of a person."""

    PLACE = "place"
    PERSON = "person"


@dataclass(frozen=True)
class OpenWork:
    """``rights``: who can work on it, any of them; ``tables`` of ``service``: where it waits."""

    service: str
    zh: str
    en: str
    rights: tuple[Right, ...]
    tables: tuple[str, ...]
    bound: Bound = Bound.PLACE


_R, _MINE = Right, Bound.PERSON

OPEN_WORK: Mapping[Kind, OpenWork] = {
    Kind.REVIEW: OpenWork("matching", "待核名单行", "List row to decide", (_R.REVIEWS_DECIDE,), ("decisions",)),
    Kind.MODEL: OpenWork("matching", "待启用模型", "Model to activate", (_R.MODELS_ACTIVATE,), ("model_proposals",)),
    Kind.CHANGE_REQUEST: OpenWork(
        "registry", "待办更正申请", "Correction asked for", (_R.CORRECTIONS_DECIDE,), ("change_requests",)
    ),
    Kind.ASKED_REQUEST: OpenWork(
        "registry", "已提出的更正", "Correction one asked for", (_R.CORRECTIONS_ASK,), ("asked_requests",), _MINE
    ),
    Kind.MASS_CHANGE: OpenWork("registry", "待批批量变动", "Mass change", (_R.CHANGES_APPROVE,), ("change_sets",)),
    Kind.HOUSEHOLD_CHANGE: OpenWork(
        "registry", "待批户信息变动", "Household change", (_R.HOUSEHOLDS_APPROVE,), ("household_proposals",)
    ),
    Kind.PAPER: OpenWork("registry", "待复核纸质单", "Paper to check", (_R.PAPERS_TYPE,), ("papers",)),
    Kind.HELD_LIST: OpenWork(
        "registry", "待确认名单", "List whose removals wait", (_R.LISTS_SEND,), ("submissions", "held_removals")
    ),
    Kind.TERM_TASK: OpenWork("registry", "学期任务", "Task of the term", (_R.TERMS_DO,), ("term_tasks",)),
    Kind.PAYMENT: OpenWork("disbursement", "待发放", "Aid to pay", (_R.PAYMENTS_SEND,), ("entitlements", "payments")),
    Kind.RECOVERY: OpenWork("disbursement", "待追回", "Aid to recover", (_R.PAYMENTS_SEND,), ("entitlements",)),
    Kind.LETTER: OpenWork(
        "disbursement",
        "未办结公函",
        "Letter that waits",
        (_R.LETTERS_KEEP, _R.LETTERS_APPROVE),
        ("letters", "inquiries"),
    ),
    Kind.INCOMING_LETTER: OpenWork(
        "disbursement",
        "待复外地来函",
        "Letter from elsewhere to answer",
        (_R.LETTERS_KEEP, _R.LETTERS_APPROVE),
        ("incoming",),
    ),
    Kind.ALERT: OpenWork("notifications", "控辍预警", "Drop-out case", (_R.ALERTS_WORK,), ("alerts",)),
    Kind.CASE_TEAM: OpenWork(
        "notifications", "帮扶小组成员", "Member of a case's team", (_R.ALERTS_READ,), ("alerts",), _MINE
    ),
    Kind.MESSAGE: OpenWork("notifications", "未读消息", "Message nobody has read", (_R.MESSAGES_READ,), ("messages",)),
    Kind.DELIVERY: OpenWork("notifications", "未送达", "Delivery that failed", (_R.DELIVERIES_KEEP,), ("deliveries",)),
    Kind.HELPED_STUDENT: OpenWork("visits", "帮扶学生", "Student one helps", (_R.VISITS_LOG,), ("helpers",), _MINE),
    Kind.REPEAT_VISIT: OpenWork("visits", "约定再访", "Visit to repeat", (_R.VISITS_LOG,), ("visits",), _MINE),
    Kind.ALARM: OpenWork("audit", "审计警报", "Alarm to take note of", (_R.ALARMS_NOTE,), ("alarms", "alarm_notes")),
    Kind.ERASURE: OpenWork("audit", "待批数据清除", "Erasure to approve", (_R.ERASURES_APPROVE,), ("subjects",)),
    Kind.HOLD: OpenWork("audit", "待批数据保留", "Hold to approve", (_R.ERASURES_APPROVE,), ("subjects",)),
    Kind.COUNTERFACTUAL: OpenWork(
        "audit", "推演中的问题", "Question being answered", (_R.REPLAY,), ("counterfactuals",)
    ),
    Kind.EMERGENCY: OpenWork(
        "access",
        "待复核应急访问",
        "Emergency access to review",
        (_R.EMERGENCY_REVIEW,),
        ("emergencies", "access_emergencies"),
    ),
    Kind.HANDOVER: OpenWork(
        "access", "待签字交接", "Hand-over to be signed", (_R.ACCOUNTS_KEEP,), ("handovers", "access_handovers")
    ),
}
_SEEN = "what a policy remembers or a page shows of events; nobody is waited for"
# (service, table): why nothing in it waits for a person.
NOT_WORK: Mapping[tuple[str, str], str] = {
    ("access", "access_identities"): "awaits the person it was told of, not whoever holds a post",
    ("access", "identities"): "awaits the person it was told of, not whoever holds a post",
    ("notifications", "emergencies_waiting"): "a reminder's own copy of what access tells as work",
    ("access", "access_agency_keys"): "a key ends by itself; whoever administers the agency issues another",
    ("access", "access_delegations"): "a delegation ends with its day, or with the post",
    ("access", "access_sessions"): "a session is nobody's work",
    ("access", "delegations"): "a delegation ends with its day, or with the post",
    ("access", "posts"): "a holder's time ends by itself",
    ("disbursement", "listed_states"): _SEEN,
    ("matching", "decided"): _SEEN,
    ("matching", "ruled_rows"): "what people said of rows; the rows that wait are in decisions",
    ("notifications", "decisions"): _SEEN,
    ("notifications", "documented_absences"): "a paper runs out by itself, and then the alert is raised",
    ("notifications", "listings"): _SEEN,
    ("notifications", "standing_alerts"): "the policy's copy of alerts",
    ("notifications", "teams"): "the policy's copy of the teams in alerts",
    ("registry", "agency_silences"): "the agency's, who is no user; the county is told by a message",
    ("registry", "found_students"): "what search finds by",
    ("registry", "promotions"): "a promotion runs by itself to its end",
    ("registry", "students"): "the register; who is overdue is an alert",
}
# Whoever holds one of them may have something waiting.
WORKING: tuple[Right, ...] = tuple(sorted({right for work in OPEN_WORK.values() for right in work.rights}))
SERVICES: tuple[str, ...] = tuple(sorted({work.service for work in OPEN_WORK.values()}))


def rights_of(service: str) -> tuple[Right, ...]:
    """Whoever holds one of them may have something waiting at this service."""
    return tuple(sorted({right for kind in kinds_of(service) for right in OPEN_WORK[kind].rights}))


def kinds_of(service: str) -> tuple[Kind, ...]:
    """The kinds a service serves, by name."""
    return tuple(sorted(kind for kind, work in OPEN_WORK.items() if work.service == service))
