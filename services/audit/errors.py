"""Refusals of audit.

Refusal
├── NotFound            404
│   ├── UnknownView              no such view can be replayed
│   ├── NoSuchPerson             nothing is known of such a student in the viewer's scope
│   ├── NoSuchEvent              no such event was known by then
│   ├── UnknownQuestion          no such audit question
│   ├── NoSuchAlarm              nothing of that kind was found there
│   ├── NoSuchEmergency          no such emergency access is archived, or none of the viewer's place
│   └── NotByStudent             the view cannot be asked for one student
├── Conflict            409
│   ├── BeforeFirstEvent         nothing was recorded by then in any log the view reads
│   ├── NotYetClosed             the moment lies after what the archive knows to be complete
│   ├── TrueOnAfterKnownAt       the day lies after the moment at which it should have been known
│   ├── NoSuchIndex              the view's own log has no such index
│   ├── NotCosignedYet           the witness has not put its name to so much of the log
│   ├── NotYetSigned             no signed checkpoint covers what was known at the moment yet
│   ├── BundleTooLarge           the logs of the cut are too long to go into one file
│   └── ArchiveDoubtful          an event that the replay needs does not verify
├── Forbidden           403
│   └── WholeDivisionOnly        a replay of more than the viewer may see
└── ReplayBusy          503      as many replays run as may
"""

from __future__ import annotations

from shared.kernel.refusals import Conflict, Forbidden, NotFound, Refusal


class UnknownView(NotFound):
    code = "unknown_view"


class UnknownQuestion(NotFound):
    code = "unknown_question"


class NotByStudent(NotFound):
    code = "not_by_student"


class NoSuchPerson(NotFound):
    code = "no_such_person"


class NoSuchEvent(NotFound):
    code = "no_such_event"


class NoSuchAlarm(NotFound):
    code = "no_such_alarm"


class NoSuchEmergency(NotFound):
    code = "no_such_emergency"


class BeforeFirstEvent(Conflict):
    code = "before_first_event"


class NotYetClosed(Conflict):
    code = "not_yet_closed"


class TrueOnAfterKnownAt(Conflict):
    code = "true_on_after_known_at"


class NoSuchIndex(Conflict):
    code = "no_such_index"


class NotCosignedYet(Conflict):
    code = "not_cosigned_yet"


class NotYetSigned(Conflict):
    code = "not_yet_signed"


class BundleTooLarge(Conflict):
    code = "bundle_too_large"


class ArchiveDoubtful(Conflict):
    code = "archive_doubtful"


class WholeDivisionOnly(Forbidden):
    code = "whole_division_only"


class ReplayBusy(Refusal):
    status = 503
    code = "replay_busy"
