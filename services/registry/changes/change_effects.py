"""What a mass change does to students as they are recorded at this moment: the same question for the preview, for the
approval that checks it, and for the work itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.change_events import BY_STUDENT
from services.registry.changes import change_wanted
from services.registry.changes.change_jobs import Job
from services.registry.changes.change_rules import PLACE_FIELDS, Looked, looked
from services.registry.changes.change_wanted import Wanted
from services.registry.events import StudentRecordAliased
from services.registry.handlers import Registry
from services.registry.jobs.chunked_work import students_after
from services.registry.jobs.on_a_day import Dated, in_order, place_on
from services.registry.sheets.intake import StudentPlace
from services.registry.students.particulars import corrections, key_of, last_stated
from shared.database.database import driver
from shared.eventsourcing.store import Proposed, Stored
from shared.kernel.refusals import Refusal


class Effect(NamedTuple):
    """What is to be done to one student, counted at ``school_code``. ``before`` and ``after`` hold no personal value:
    such a field stands there without one; ``mark`` is keyed and differs whenever anything does."""

    school_code: str
    before: dict[str, Any]
    after: dict[str, Any]
    mark: str
    proposed: list[Proposed]


@dataclass(frozen=True)
class Effects:
    """Reads what it needs in the caller's transaction."""

    registry: Registry
    connection: Connection
    job: Job

    def concerned_after(self, after: UUID, limit: int) -> list[UUID]:
        """The next students by id who may be concerned: those of the sheet, or everybody."""
        raw = driver(self.connection)
        if self.job.kind in BY_STUDENT:
            return change_wanted.students_after(raw, self.job.change_id, after, limit)
        return students_after(raw, after, limit)

    def of(self, students: Sequence[UUID]) -> dict[UUID, Effect]:
        """Student → what would change; only who is concerned."""
        wanted: Mapping[UUID, Wanted] = {}
        if self.job.kind in BY_STUDENT:
            wanted = change_wanted.opened(driver(self.connection), self.registry.keyring, self.job.change_id, students)
            students = list(wanted)
        personal = self.job.kind in (*BY_STUDENT, "schools_merged")
        loaded = self.registry.store.load_many(self.connection, students, personal=personal)
        found = {}
        for student_id in sorted(students):
            effect = self._of(student_id, loaded[student_id], wanted.get(student_id))
            if effect is not None:
                found[student_id] = effect
        return found

    def _of(self, student_id: UUID, stored: Sequence[Stored], wanted: Wanted | None) -> Effect | None:
        if not stored or isinstance(stored[0].fact, StudentRecordAliased):
            return None
        if wanted is not None and wanted.version != len(stored):
            return None
        history = [Dated(each.fact, each.event.effective_on) for each in stored]
        found = looked(self.job.change, history, None if wanted is None else wanted.values)
        proposed = [] if found is None else [Proposed(student_id, len(stored), *each) for each in found.happened]
        if wanted is None:
            if found is None:
                return None
            proposed += self._renamed(student_id, stored, found)
            return self._effect(found.school_code, found.before, found.after, (), proposed)
        return self._by_sheet(student_id, stored, wanted, found, proposed)

    def _by_sheet(
        self, student_id: UUID, stored: Sequence[Stored], wanted: Wanted, found: Looked | None, proposed: list[Proposed]
    ) -> Effect | None:
        cells = {name: value for name, value in wanted.values.items() if name not in PLACE_FIELDS}
        change = self.job.change
        if cells and last_stated(stored).personal is not None:
            try:
                proposed += corrections(
                    self.registry, self.connection, student_id, stored, cells, change.day, change_id=change.change_id
                )
            except Refusal:
                return None  # it could be when the sheet came; something else has come between
        if not proposed:
            return None
        place = place_on(in_order(Dated(each.fact, each.event.effective_on) for each in stored), change.day)
        if place is None or not change.covers(place):
            return None
        hidden = dict.fromkeys(cells)
        before = hidden | ({} if found is None else found.before)
        after = hidden | ({} if found is None else found.after)
        return self._effect(place.school_code, before, after, sorted(cells.items()), proposed)

    def _effect(
        self,
        school_code: str,
        before: dict[str, Any],
        after: dict[str, Any],
        personal: Sequence[tuple[str, str]],
        proposed: list[Proposed],
    ) -> Effect:
        days = [each.effective_on.isoformat() for each in proposed]
        mark = self.registry.keys.digest([school_code, before, after, list(personal), days])
        return Effect(school_code, before, after, mark, proposed)

    def _renamed(self, student_id: UUID, stored: Sequence[Stored], found: Looked) -> list[Proposed]:
        """A child without numbers is known by school and content: her row at the new school must mean her as well."""
        into, division = found.after.get("school_code"), found.after.get("division_code")
        personal = last_stated(stored).personal
        if into is None or personal is None or personal.id_number or personal.student_number:
            return []
        key_id = key_of(self.registry, personal, StudentPlace(into, division or ""))
        if self.registry.store.load(self.connection, key_id):
            return []
        on = found.happened[0].on
        return [Proposed(key_id, 0, StudentRecordAliased(student_id=student_id), on)]
