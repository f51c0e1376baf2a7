"""What of access can be asked for as it was known at a moment: who held which post, and who had an account."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.handover_tables import HANDOVER_ITEMS, HANDOVERS
from services.access.projections import ACCESS_VIEW
from services.access.tables import ACCOUNTS, DELEGATIONS, EMERGENCIES, IDENTITIES, POSTS
from shared.eventsourcing.view import View, period_rows

_HANDOVER = (
    *("post_id", "kind", "division_code", "school_code", "school_class", "predecessor", "successor", "reason"),
    *("state", "items_hash", "total", "predecessor_signed_at", "successor_signed_at", "closed_at"),
)
_ITEM = ("handover_id", "kind", "item_id", "about", "since", "due", "count", "mine", "change")
_POST = (
    "kind",
    "division_code",
    "school_code",
    "school_class",
    "agency_code",
    "holder",
    "begins_on",
    "until",
    "closed",
)
_EMERGENCY = (
    *("account_id", "kind", "taken_at", "until", "ended_at", "reason", "justified", "note", "reviewed_by"),
    *("division_code", "school_code", "school_class"),
)

VIEWS: tuple[View, ...] = (
    View(
        "accounts",
        "access",
        ACCESS_VIEW,
        period_rows(ACCOUNTS, "account_id", ("closed", "division_code", "school_code")),
        ("account_id",),
    ),
    View("posts", "access", ACCESS_VIEW, period_rows(POSTS, "post_id", _POST), ("post_id",)),
    View(
        "delegations",
        "access",
        ACCESS_VIEW,
        period_rows(DELEGATIONS, "delegation_id", ("post_id", "account_id", "until", "ended")),
        ("delegation_id",),
    ),
    View("handovers", "access", ACCESS_VIEW, period_rows(HANDOVERS, "handover_id", _HANDOVER), ("handover_id",)),
    View(
        "handover_items",
        "access",
        ACCESS_VIEW,
        period_rows(HANDOVER_ITEMS, "row_id", _ITEM),
        ("row_id",),
    ),
    View(
        "identities",
        "access",
        ACCESS_VIEW,
        period_rows(IDENTITIES, "identity_id", ("account_id", "issuer", "state", "until")),
        ("identity_id",),
    ),
    View(
        "emergencies",
        "access",
        ACCESS_VIEW,
        period_rows(
            EMERGENCIES,
            "emergency_id",
            _EMERGENCY,
        ),
        ("emergency_id",),
    ),
)

NOT_REPLAYED: Mapping[str, str] = {
    "reads_in_full": "counts of days; who read what, as known at a moment, is audit's view of reads",
}
