"""Refusals of disbursement.

Refusal
├── Conflict            409
│   ├── NothingGranted       there is no entitlement to pay, or it was withdrawn
│   ├── AlreadyDisbursed     the entitlement was paid before
│   ├── PaidBeforeGranted    the payment's date lies before the entitlement
│   └── NoRate               the programme has no rate for this stage on that day
└── Malformed           422
    └── BadProgramme         the configuration of a programme does not hold together

Those about letters stand in letter_errors.py.
"""

from __future__ import annotations

from services.disbursement import letter_errors as letter_errors
from services.disbursement.letter_errors import AidedElsewhere as AidedElsewhere
from shared.kernel.refusals import Conflict, Malformed, NotFound


class UnknownEntitlement(NotFound):
    code = "unknown_entitlement"


class NothingGranted(Conflict):
    code = "nothing_granted"


class AlreadyDisbursed(Conflict):
    code = "already_disbursed"


class PaidBeforeGranted(Conflict):
    code = "paid_before_granted"


class NoRate(Conflict):
    code = "no_rate"


class BadProgramme(Malformed):
    code = "bad_programme"
