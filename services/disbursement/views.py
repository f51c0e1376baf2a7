"""What of aid can be asked for as it was known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from services.disbursement.entitling import NAME
from services.disbursement.letters.letter_queries import every_letter
from services.disbursement.projections import ENTITLING_FOLDS, ENTITLING_TABLES, PAYMENTS_VIEW
from services.disbursement.queries import EntitlementRow, entitlements, every_payment
from services.disbursement.tables import PROGRAMMES
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.view import View, period_rows
from shared.web.pages import WHOLE_LIST

# What the policy knows, folded without what it does about it.
ENTITLING_VIEW = Projection(NAME, ENTITLING_TABLES, ENTITLING_FOLDS, halts=True)


def every_entitlement(connection: Connection, true_on: date) -> list[EntitlementRow]:
    """All entitlements of the day, withdrawn ones too."""
    return entitlements(connection, true_on, WHOLE_LIST)


def entitlements_of(connection: Connection, true_on: date, student_id: UUID) -> list[EntitlementRow]:
    """One student's."""
    return entitlements(connection, true_on, WHOLE_LIST, student=student_id)


VIEWS: tuple[View, ...] = (
    View("entitlements", "disbursement", PAYMENTS_VIEW, every_entitlement, ("entitlement_id",), about=entitlements_of),
    View("payments", "disbursement", PAYMENTS_VIEW, every_payment, ("entitlement_id",), "student_id"),
    View("letters", "disbursement", PAYMENTS_VIEW, every_letter, ("letter_id",)),
    View(
        "programmes",
        "disbursement",
        ENTITLING_VIEW,
        period_rows(PROGRAMMES, "programme_id", ("programme", "content", "content_hash")),
        ("programme_id",),
    ),
)

NOT_REPLAYED: Mapping[str, str] = {
    "letter_deadlines": "a policy's memory; what it decided is in the letters' own events"
}
