"""What was done under an emergency access: the events of that person between its beginning and its end, from the
archive, for whoever reviews it. Which, when and about whom; nothing of what they say.

The person's events, not the session's: no event names a session, and whoever acts in two at once is asked about both.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.access.events import EmergencyAccessEnded, EmergencyAccessTaken
from services.audit.archived import EVENTS, logged_of
from services.audit.errors import NoSuchEmergency
from services.audit.replays.records import public_part
from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.event import Logged
from shared.kernel.facts import fact_type
from shared.standards.rights import Right
from shared.web.viewers import Viewer, require

ACTS_MAX = 500
Reviewer = Annotated[Viewer, Depends(require(Right.EMERGENCY_REVIEW))]
Raw = psycopg.Connection[Any]
_READS = re.compile(r"\.\w+(Read|Exported)\.v\d+$")


class Act(BaseModel):
    """One event by its place. ``kind``: read = personal data seen in full or taken away, else a command;
    ``student_id``: whom it is about, where the event says so."""

    service: str
    log_index: int
    type: str
    kind: Literal["read", "command"]
    recorded_at: datetime
    student_id: UUID | None


class Acts(BaseModel):
    """The oldest first; ``more``: there were more than these."""

    items: list[Act]
    more: bool


class Taken(NamedTuple):
    """Whose emergency access, where, from when until when."""

    account_id: str
    division_code: str
    school_code: str | None
    began: datetime
    ended: datetime


def emergency_routes(database: Database) -> APIRouter:
    """The route under /v1/emergencies."""
    routes = APIRouter(prefix="/v1/emergencies")

    @routes.get("/{emergency_id}/acts")
    def acts(emergency_id: UUID, viewer: Reviewer) -> Acts:
        """What was done under an emergency access of one's place, as far as it is archived."""
        with database.working() as connection:
            raw = driver(connection)
            taken = taken_of(raw, emergency_id)
            if taken is None or not _reviews(viewer.scope, taken):
                raise NoSuchEmergency("没有这次应急访问", "There is no such emergency access")
            found = _done(raw, taken)
        return Acts(items=[_act(each) for each in found[:ACTS_MAX]], more=len(found) > ACTS_MAX)

    return routes


def taken_of(raw: Raw, emergency_id: UUID) -> Taken | None:
    """An emergency access as access's log told; None for an id that is none."""
    found: Taken | None = None
    rows = raw.execute(EVENTS + "WHERE service = 'access' AND stream_id = %s ORDER BY version", (emergency_id,))
    for logged in map(logged_of, rows):
        said = public_part(logged.event)
        if logged.event.type == fact_type(EmergencyAccessTaken).name:
            until = datetime.fromisoformat(said["until"]).astimezone(UTC)
            place = said["division_code"], said.get("school_code")
            found = Taken(said["account_id"], *place, logged.recorded_at, until)
        elif logged.event.type == fact_type(EmergencyAccessEnded).name and found is not None:
            found = found._replace(ended=min(found.ended, logged.recorded_at))
    return found


def _reviews(scope: Scope, taken: Taken) -> bool:
    return scope.covers(taken.division_code, taken.school_code)


def _done(raw: Raw, taken: Taken) -> list[Logged]:
    rows = raw.execute(
        EVENTS + "WHERE recorded_at BETWEEN %s AND %s AND principal = %s ORDER BY recorded_at, service, log_index"
        " LIMIT %s",
        (taken.began, taken.ended, taken.account_id, ACTS_MAX + 1),
    )
    return [logged_of(row) for row in rows]


def _act(logged: Logged) -> Act:
    return Act(
        service=logged.service,
        log_index=logged.log_index,
        type=logged.event.type,
        kind="read" if _READS.search(logged.event.type) else "command",
        recorded_at=logged.recorded_at,
        student_id=_student(public_part(logged.event).get("student_id")),
    )


def _student(told: Any) -> UUID | None:
    try:
        return UUID(told) if isinstance(told, str) else None
    except ValueError:
        return None
