"""Simulated terms as the registry and an office would tell them: facts in streams, the same ids for the same terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.notifications.events import AbsenceDocumented
from services.registry.events import (
    ClassAttendanceReported,
    SchoolCalendarActivated,
    StudentAcceptedElsewhere,
    StudentEnrolled,
    StudentLeft,
    StudentTransferredOut,
)
from shared.eventsourcing.event import Event, Logged, partition_of
from shared.eventsourcing.sealing import seal
from shared.hosting.settings import PARTITIONS
from shared.kernel.facts import Fact, fact_type
from shared.kernel.identifiers import keyed_id
from shared.messaging.codec import Envelope
from shared.standards.school_calendar import canonical
from simulation.class_reports import Classroom, ClassTold
from simulation.stories import Life
from simulation.terms import CountyTerms

KEY = b"term"
DIVISION = "469000"
SOURCE = f"//rollcall/{DIVISION}/registry"


class Said(NamedTuple):
    """One fact of the registry, before it has a place in the log."""

    stream_id: UUID
    fact: Fact
    effective_on: date


def student_id(child: int) -> UUID:
    return keyed_id(KEY, "student", str(child))


def class_day_id(classroom: int, day: date) -> UUID:
    return keyed_id(KEY, "class-day", str(classroom), day.isoformat())


class TermFacts:
    """The facts of one simulation, in the order of telling; a class's report of a day corrects the one before."""

    def __init__(self, made: CountyTerms) -> None:
        self.made = made
        self.rooms = {room.number: room for room in made.classrooms}
        self.room_of = {child: room for room in made.classrooms for child in room.children}
        self._school_days = frozenset(made.time.days)
        self._before: dict[UUID, ClassAttendanceReported] = {}

    def beginning(self, on: date) -> Iterator[Said]:
        """Calendars, and every child enrolled from ``on`` on."""
        for year in self.made.time.years:
            first = year.terms[0].first.year
            told = SchoolCalendarActivated(
                division_code=DIVISION, school_year=first, content=canonical(year), content_hash=""
            )
            yield Said(keyed_id(KEY, "calendar", str(first)), told, on)
        for child in self.room_of:
            yield Said(student_id(child), self._enrolled(child), on)

    def report(self, told: ClassTold) -> Said:
        """As the registry states it: a later report names who is cleared."""
        room, stream = self.rooms[told.classroom], class_day_id(told.classroom, told.day)
        absences: dict[str, tuple[UUID, ...]] = {}
        for reason in sorted(set(told.absences.values())):
            absences[reason] = tuple(sorted(student_id(c) for c, why in told.absences.items() if why == reason))
        before = self._before.get(stream)
        named = {each for ids in absences.values() for each in ids}
        named_before = set() if before is None else {each for ids in before.absences.values() for each in ids}
        fact = ClassAttendanceReported(
            school_code=room.school_code,
            division_code=room.division_code,
            stage=room.stage,
            grade=room.grade,
            class_name=room.class_name,
            members=told.members,
            absences=absences,
            half_day=tuple(sorted(student_id(child) for child in told.half_day)),
            cleared=tuple(sorted(named_before - named)),
            school_day=told.day in self._school_days,
            reported_by="teacher",
        )
        self._before[stream] = fact
        return Said(stream, fact, told.day)

    def life(self, life: Life) -> Said | None:
        """None for a document, which is not the registry's to tell."""
        room = self.room_of[life.child]
        where: dict[str, Any] = {"school_code": room.school_code, "division_code": room.division_code}
        fact: Fact
        match life.what:
            case "enrolled":
                fact = self._enrolled(life.child)
            case "dropped_out" | "suspended":
                fact = StudentLeft(**where, reason=life.what, due_back=life.until)
            case "transferred_out":
                fact = StudentTransferredOut(**where, destination_kind="elsewhere")
            case "accepted":
                fact = StudentAcceptedElsewhere(destination_division_code="440100")
            case _:
                return None
        return Said(student_id(life.child), fact, life.on)

    def document(self, life: Life) -> AbsenceDocumented:
        """What a school enters of a paper that explains an absence."""
        room = self.room_of[life.child]
        assert life.until is not None
        return AbsenceDocumented(
            student_id=student_id(life.child),
            division_code=room.division_code,
            school_code=room.school_code,
            kind=life.kind,  # type: ignore[arg-type]  # one of simulation.stories.DOCUMENTS
            first_day=life.on,
            last_day=life.until,
            reference=f"document {life.child}",
        )

    def _enrolled(self, child: int) -> StudentEnrolled:
        room: Classroom = self.room_of[child]
        return StudentEnrolled(
            school_code=room.school_code,
            division_code=room.division_code,
            stage=room.stage,  # type: ignore[arg-type]  # one of simulation.terms.STAGES
            grade=room.grade,
            class_name=room.class_name,
        )


class RegistryLog:
    """Places facts in the registry's log and hands them out as they come from its topic, partition by partition."""

    def __init__(self) -> None:
        self._index = 0
        self._at = datetime.min.replace(tzinfo=UTC)
        self.events: dict[UUID, Said] = {}
        self._versions: dict[UUID, int] = {}
        self._last = dict.fromkeys(range(PARTITIONS), 0)

    def envelopes(self, said: Sequence[Said], told_on: date) -> dict[int, list[Envelope]]:
        """Partition → what is new in it; recorded in the morning of ``told_on``."""
        self._at = max(self._at, datetime.combine(told_on, time(2), UTC))
        found: dict[int, list[Envelope]] = {}
        for each in said:
            self._index += 1
            self._at += timedelta(microseconds=1)
            version = self._versions[each.stream_id] = self._versions.get(each.stream_id, 0) + 1
            event_id = keyed_id(KEY, "event", str(self._index))
            self.events[event_id] = each
            data = seal(each.fact, event_id, each.stream_id, version, {})
            event = Event(
                event_id,
                each.stream_id,
                version,
                fact_type(type(each.fact)).name,
                each.effective_on,
                "term",
                event_id,
                None,
                None,
                data,
            )
            partition = partition_of(each.stream_id, PARTITIONS)
            logged = Logged(SOURCE, self._index, self._at, bytes(32), event)
            found.setdefault(partition, []).append(Envelope(logged, self._last[partition], None))
            self._last[partition] = self._index
        return found
