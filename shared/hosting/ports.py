"""Where each service answers, counted from ROLLCALL_PORT. Without imports: the command line asks it at every start."""

from __future__ import annotations

from collections.abc import Mapping

PORT_OFFSETS: Mapping[str, int] = {
    "portal": 0,
    "registry": 1,
    "matching": 2,
    "disbursement": 3,
    "visits": 4,
    "notifications": 5,
    "audit": 6,
    "access": 7,
}
