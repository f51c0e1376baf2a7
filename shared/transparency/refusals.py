"""Refusals of a transparency log.

Refusal
├── NotFound            404
│   └── NoSuchEvent             the log has no event of this index or id
├── Conflict            409
│   ├── NothingSigned           no checkpoint was signed yet
│   ├── NotSignedYet            the event is recorded, but no checkpoint covers it yet
│   ├── NoSuchCheckpoint        no checkpoint over exactly so many events was signed
│   └── LogDamaged              the log no longer leads to what was signed: nothing is proved from it
├── Malformed           422
│   ├── AskForOne               give index or event_id
│   └── RangeTooWide            more events at once than a witness may ask for
└── NotTheWitness       401     the request does not come from this installation's witness
"""

from __future__ import annotations

from shared.kernel.refusals import Conflict, Malformed, NotFound, Refusal


class NoSuchEvent(NotFound):
    code = "no_such_event"


class NothingSigned(Conflict):
    code = "nothing_signed"


class NotSignedYet(Conflict):
    code = "not_signed_yet"


class NoSuchCheckpoint(Conflict):
    code = "no_such_checkpoint"


class LogDamaged(Conflict):
    code = "log_damaged"


class AskForOne(Malformed):
    code = "ask_for_one"


class RangeTooWide(Malformed):
    code = "range_too_wide"


class NotTheWitness(Refusal):
    status = 401
    code = "not_the_witness"
