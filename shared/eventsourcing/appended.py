"""Which events a piece of work has appended: whoever must not go on unless something was recorded asks here.

It follows the context: a thread that works for a request tells the request.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from uuid import UUID

_followed: ContextVar[list[UUID] | None] = ContextVar("rollcall_appended", default=None)


def follow() -> list[UUID]:
    """From now on, in this context, the ids of appended events are added to the list that is returned: also those of a
    repeated command, which were appended when it came first."""
    found: list[UUID] = []
    _followed.set(found)
    return found


def note(event_ids: Iterable[UUID]) -> None:
    """These were appended and committed."""
    followed = _followed.get()
    if followed is not None:
        followed.extend(event_ids)
