"""Refusals of notifications.

Refusal
├── NotFound            404
│   ├── UnknownAlert        no such alert, or not one of the caller's
│   ├── StudentNotHere, UnknownDocument     signal_errors.py
│   └── UnknownReport, NotThisPlace         report_errors.py
├── Conflict            409
│   ├── AlertNotOpen        closed or withdrawn before
│   ├── NotSeenYet          an alert is read before it is closed
│   ├── NoTeamYet, NoAttemptYet, EvidenceMissing, DayNotInCase, ChildUnknown    case_errors.py
│   ├── DocumentWithdrawn, DocumentOverlaps     signal_errors.py
│   └── NothingChanged      report_errors.py
└── Malformed           422
    ├── TeamIncomplete, BadCasePlan     case_errors.py
    ├── DaysReversed, DocumentTooLong   signal_errors.py
    ├── NoPeriod            report_errors.py
    ├── NoRulesYet          a past before the first rules
    ├── TooManyChildren     more than one request may try thresholds on
    └── BadRules            the thresholds do not hold together
"""

from __future__ import annotations

from services.notifications import case_errors as case_errors  # declared with these
from services.notifications import report_errors as report_errors
from services.notifications import signal_errors as signal_errors
from shared.kernel.refusals import Conflict, Malformed, NotFound


class UnknownAlert(NotFound):
    code = "unknown_alert"


class AlertNotOpen(Conflict):
    code = "alert_not_open"


class NotSeenYet(Conflict):
    code = "not_seen_yet"


class BadRules(Malformed):
    code = "bad_rules"


class NoRulesYet(Malformed):
    code = "no_rules_yet"


class TooManyChildren(Malformed):
    code = "too_many_children"
