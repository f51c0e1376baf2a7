"""What people did and were refused, as events of the service they asked.

Refusals are gathered and written when their minute is over (gathering.py): a request that is refused waits for
nothing, and a process that is killed loses the open minute. Exports are written before they leave (disclosing.py): no
event, no export.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from starlette.requests import Request

from shared.database.database import Database
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.kernel.acts import ActFacts, Phase
from shared.kernel.clock import SHANGHAI, utc_now
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Refusal
from shared.web.disclosures import Disclosure, uuid_of
from shared.web.gathering import Gathering, Minute, Refused
from shared.web.logs import exception_outline
from shared.web.viewers import Viewer

PRINCIPAL = "system:refusals"
LOOK_SECONDS = 2.0
MINUTES_WAITING = 10  # while the store is away; then the oldest are only counted
_PLACE = ("division_code", "school_code", "agency", "emergency")
_RECORDED = (401, 403, 404, 429)
_RECORDED_CODES = ("second_person_needed",)

log = structlog.get_logger(__name__)


class _Waiting(NamedTuple):
    """A minute that is being written: its command stays the same until it is."""

    command_id: UUID
    minute: Minute


class Acts:
    """Writes them for one process of a service. Thread-safe."""

    def __init__(
        self,
        store: EventStore,
        database: Database,
        facts: ActFacts,
        division: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store, self._database, self._facts, self._now = store, database, facts, now
        self._division = division
        self._gathering = Gathering(division)
        self._waiting: deque[_Waiting] = deque()
        self._writing = threading.Lock()

    def refused(self, request: Request, refusal: Refusal) -> None:
        """Count a refusal that is to be told: who is not known, may not, may not know, asks too often, or must be
        another person. What was merely wrong or out of date is none."""
        told = refusal.status in _RECORDED or refusal.code in _RECORDED_CODES
        if not told or refusal.has_own_event or (refusal.status == 404 and not request.path_params):
            return
        viewer = getattr(request.state, "viewer", None)
        ids = {name: found for name, value in request.path_params.items() if (found := uuid_of(value)) is not None}
        students = [each for name, each in ids.items() if name == "student_id"]
        route = getattr(request.scope.get("route"), "path", "")
        self._gathering.note(
            Refused(*_who(viewer), request.method, route, refusal.code, *self._seen_by(viewer)),
            self._now(),
            list(ids.values()),
            students,
        )

    def run(self, stop: threading.Event) -> None:
        """Write each minute when it is over, and what is left when told to stop."""
        while not stop.wait(LOOK_SECONDS):
            self._write_quietly(self._now())
        self._write_quietly(None)

    def write(self, before: datetime | None) -> int:
        """Write the minutes that ended by ``before`` (None: all); how many events. Raises what the store raises; what
        is not written then is written with the next call."""
        with self._writing:
            for minute in self._gathering.over(before):
                self._waiting.append(_Waiting(new_event_id(), minute))
            while len(self._waiting) > MINUTES_WAITING:
                self._gathering.merge(self._waiting.popleft().minute, into=self._waiting[-1].minute)
            written = 0
            while self._waiting:
                waiting = self._waiting[0]
                self._append(Command(PRINCIPAL, waiting.command_id, b""), self._refusals(waiting.minute))
                self._waiting.popleft()
                written += len(waiting.minute)
            return written

    def exported(self, disclosure: Disclosure, phase: Phase, *, size: int | None, sha256: str | None) -> None:
        """Record that a file leaves, or (``ended``) that it has left whole. Raises what the store raises."""
        fact = self._facts.exported(
            export_id=disclosure.export_id,
            route=disclosure.route,
            phase=phase,
            purpose=disclosure.purpose,
            filters=disclosure.filters,
            rows=disclosure.rows,
            size=size,
            sha256=sha256,
            student_id=disclosure.student_id,
            recorded_by=tuple(disclosure.recorded),
            **posted(disclosure.viewer),
        )
        version = 1 if phase == "ended" else 0
        day = self._now().astimezone(SHANGHAI).date()
        command = Command(disclosure.viewer.principal, new_event_id(), b"")
        self._append(command, [Proposed(disclosure.export_id, version, fact, day)])

    def _seen_by(self, viewer: Viewer | None) -> tuple[str | None, str | None, str | None, str | None]:
        """The place of the post; without any, the installation's: somebody must see that nobody was refused."""
        division, school, agency, emergency = _where(viewer)
        return (
            (division, school, agency, emergency)
            if division or school or agency
            else (self._division, None, None, emergency)
        )

    def _refusals(self, minute: Minute) -> Sequence[Proposed]:
        return [
            Proposed(
                new_event_id(),
                0,
                self._facts.refused(
                    **refused._asdict(),
                    times=counted.times,
                    first_at=counted.first_at,
                    last_at=counted.last_at,
                    records=tuple(counted.records),
                    students=tuple(counted.students),
                ),
                counted.first_at.astimezone(SHANGHAI).date(),
            )
            for refused, counted in minute.items()
        ]

    def _append(self, command: Command, proposed: Sequence[Proposed]) -> None:
        self._store.run(self._database, command, lambda _connection: proposed)

    def _write_quietly(self, before: datetime | None) -> None:
        try:
            self.write(before)
        except Exception as failure:  # the store is away: tried again at the next look
            log.warning("refusals are not written yet", failure=exception_outline(failure))


def posted(viewer: Viewer) -> dict[str, Any]:
    """Who, in which post, of which place: the fields that events of acts have of the viewer."""
    names = ("viewer", "post", "kind", *_PLACE)
    return dict(zip(names, (viewer.principal, viewer.post, _kind(viewer), *_where(viewer)), strict=True))


def _who(viewer: Viewer | None) -> tuple[str | None, str, str]:
    return (None, "", "") if viewer is None else (viewer.principal, viewer.post, _kind(viewer))


def _kind(viewer: Viewer) -> str:
    return "" if viewer.kind is None else viewer.kind.value


def _where(viewer: Viewer | None) -> tuple[str | None, str | None, str | None, str | None]:
    """Division, school and agency of a post, and the emergency access it is held by."""
    if viewer is None:
        return None, None, None, None
    scope = viewer.scope
    school = scope.school or (scope.classroom.school if scope.classroom else None)
    return scope.division, school, scope.agency, viewer.emergency or None
