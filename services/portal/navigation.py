"""The menu: areas of work, and the pages of the area a person is in. What a post has no page in does not show."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from services.portal.tables.menu import NAVIGATION
from shared.standards.rights import Right

# Area → its pages, the first one a post may open is where the area's name leads.
AREAS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("home", ("home", "work", "messages", "terms", "emergency")),
    ("roster", ("roster", "reviews", "unmatched", "register_places", "models")),
    ("lists", ("imports", "contradictions", "freshness", "check")),
    ("register", ("search", "promotions", "changes", "requests", "household_changes", "papers", "exports")),
    (
        "dropout",
        (
            "alerts",
            "dropout_board",
            "ledger_children",
            "dropout_reports",
            "attendance",
            "suspensions",
            "documented_absences",
            "left_behind",
            "alert_rules",
            "alerts_spring",
            "alerts_summer",
            "deliveries",
        ),
    ),
    ("aid", ("entitlements", "payments", "letters")),
    ("visits", ("visits",)),
    ("reference", ("schools", "divisions", "calendars")),
    ("people", ("people", "posts", "handovers", "unusual", "agency_keys")),
    (
        "audit",
        (
            "audit",
            "questions",
            "counterfactuals",
            "proofs",
            "alarms",
            "emergencies",
            "reads",
            "erasures",
            "erasures_due",
        ),
    ),
)


class Area(NamedTuple):
    """An area as a person sees it: ``pages`` are (name, address), ``here`` the address of the page that is open."""

    name: str
    pages: list[tuple[str, str]]
    here: str | None


def areas(rights: Set[Right], path: str) -> list[Area]:
    """The areas of these rights on the page at ``path``."""
    permitted = {name: address for name, address, needed in NAVIGATION if not rights.isdisjoint(needed)}
    if path.startswith("/students/"):
        path = "/search"  # where a student's page is reached from
    opened = max((address for address in permitted.values() if _within(path, address)), key=len, default=None)
    found = []
    for area, names in AREAS:
        pages = [(name, permitted[name]) for name in names if name in permitted]
        if pages:
            here = opened if any(address == opened for _, address in pages) else None
            found.append(Area(area, pages, here))
    return found


def _within(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(address + "/"))
