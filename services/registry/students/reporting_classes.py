"""The handler of attendance: which class a report means, who was in it on that day, and what is appended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Text, and_, cast, column, func, select

from services.registry.handlers import Registry
from services.registry.jobs.on_a_day import Dated, Place, in_order, place_on
from services.registry.life_errors import ReportedTwice, UnknownClass
from services.registry.life_events import ClassAttendanceReported
from services.registry.projections import REGISTER
from services.registry.students.attendance import ClassOnDay, Report, check_day, check_named, report_class, stated
from services.registry.students.batch_lines import all_good
from services.registry.tables import STUDENTS
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result

SchoolDay = Callable[[str, date], bool | None]  # (school code, day) → whether it is a school day; None = not known
Key = tuple[str, str, str, date]
_S = STUDENTS.c


def no_calendar(_school_code: str, _day: date) -> bool | None:
    """Before a calendar is known nobody can say."""
    return None


class Filed(NamedTuple):
    """A checked report: the stream of its class and day, and the fact it states."""

    report_id: UUID
    fact: ClassAttendanceReported
    day: date


@dataclass(frozen=True)
class ClassRegister:
    """Finds the classes of reports in the viewer's scope. The view tells who is in a class; of a child it does not show
    there yet her own stream is asked."""

    registry: Registry
    scope: Scope
    school_day: SchoolDay = no_calendar

    def classes(self, reports: Sequence[Report]) -> dict[Key, list[ClassOnDay]]:
        """The classes of each name on the day of its report, one for each stage."""
        found: dict[Key, list[ClassOnDay]] = defaultdict(list)
        days = sorted({report.day for report in reports})
        with self.registry.database.reading(self.scope, REGISTER.name) as connection:
            for day in days:
                names = {(each.school_code, each.grade, each.class_name) for each in reports if each.day == day}
                for at in _classes(connection, day, sorted(names)):
                    found[at.school_code, at.grade, at.class_name, day].append(at)
        return found

    def file(
        self, connection: Connection, report: Report, classes: Mapping[Key, Sequence[ClassOnDay]], by: str, today: date
    ) -> Filed:
        """One report, checked. Raises DayInFuture, DayTooLongAgo, UnknownClass, NamedTwice, NotInClass,
        ListIncomplete."""
        check_day(report.day, today)
        known = list(classes.get((report.school_code, report.grade, report.class_name, report.day), ()))
        known = [at for at in known if report.stage in (None, at.stage)]
        shown = {member for at in known for member in at.members}
        late_word = self._newcomers(connection, report, [each for each in report.named if each not in shown])
        at = _one_class(report, known, late_word)
        check_named(report, at.members)
        fact = stated(report, at, self.school_day(at.school_code, report.day), by)
        keys = self.registry.keys
        report_id = keys.attendance(at.school_code, at.stage or "", at.grade, at.class_name, report.day)
        return Filed(report_id, fact, report.day)

    def _newcomers(self, connection: Connection, report: Report, ids: Sequence[UUID]) -> dict[UUID, Place]:
        """Of these children, those who were in the class by their own streams."""
        found = {}
        loaded = self.registry.store.load_many(connection, ids) if ids else {}
        for student_id, stored in loaded.items():
            history = in_order(Dated(each.fact, each.event.effective_on) for each in stored)
            place = place_on(history, report.day)
            if place is not None and self._is(report, place):
                found[student_id] = place
        return found

    def _is(self, report: Report, place: Place) -> bool:
        return (
            place.enrolled
            and (place.school_code, place.grade or "", place.class_name or "")
            == (report.school_code, report.grade, report.class_name)
            and report.stage in (None, place.stage)
            and self.scope.covers(place.division_code, place.school_code, classroom=_class_of(place))
        )


def _class_of(place: Place) -> tuple[str | None, str | None, str | None]:
    return place.stage, place.grade, place.class_name


def report_one(register: ClassRegister, report: Report, command: Command, today: date) -> Result:
    """Record one report. Raises what :meth:`ClassRegister.file` raises."""
    classes = register.classes([report])  # before the transaction: reading a view takes a connection of its own

    def decide(connection: Connection) -> Sequence[Proposed]:
        return _said(
            register.registry, connection, [register.file(connection, report, classes, command.principal, today)]
        )

    return register.registry.store.run(register.registry.database, command, decide)


def report_classes(register: ClassRegister, reports: Sequence[Report], command: Command, today: date) -> Result:
    """Record at most 1,000 reports, all or none. Raises InvalidBatch with the reason of each line that cannot be."""
    classes = register.classes(reports)

    def decide(connection: Connection) -> Sequence[Proposed]:
        first_lines: dict[UUID, int] = {}

        def file(numbered: tuple[int, Report]) -> Filed:
            number, report = numbered
            filed = register.file(connection, report, classes, command.principal, today)
            first = first_lines.setdefault(filed.report_id, number)
            if first != number:
                raise ReportedTwice(first)
            return filed

        return _said(register.registry, connection, all_good(list(enumerate(reports, 1)), file))

    return register.registry.store.run(register.registry.database, command, decide)


def _said(registry: Registry, connection: Connection, filed: Sequence[Filed]) -> list[Proposed]:
    """What the reports add to those before; one that says the same as the last is left alone."""
    loaded = registry.store.load_many(connection, [each.report_id for each in filed])
    proposed = []
    for report_id, fact, day in filed:
        stored = loaded[report_id]
        before = stored[-1].fact if stored else None
        assert before is None or isinstance(before, ClassAttendanceReported), "nothing else stands there"
        said = report_class(before, fact)
        if said is not None:
            proposed.append(Proposed(report_id, len(stored), said, day))
    return proposed


def _one_class(report: Report, known: Sequence[ClassOnDay], late_word: Mapping[UUID, Place]) -> ClassOnDay:
    stages = {at.stage for at in known} | {place.stage for place in late_word.values()}
    if len(stages) != 1:
        raise UnknownClass(report.day)
    (stage,) = stages
    members = frozenset({*(member for at in known for member in at.members), *late_word})
    division = known[0].division_code if known else next(iter(late_word.values())).division_code
    return ClassOnDay(report.school_code, division, stage, report.grade, report.class_name, members)


def _classes(connection: Connection, day: date, names: Iterable[tuple[str, str, str]]) -> list[ClassOnDay]:
    wanted = list(zip(*names, strict=True))
    asked = (
        func.unnest(*(cast(list(values), ARRAY(Text)) for values in wanted))
        .table_valued(column("school", Text), column("grade", Text), column("class", Text))
        .render_derived()
    )
    grade, class_name = func.coalesce(_S.grade, ""), func.coalesce(_S.class_name, "")
    rows = connection.execute(
        select(
            _S.school_code,
            func.max(_S.division_code).label("division_code"),
            _S.stage,
            grade.label("grade"),
            class_name.label("class_name"),
            func.array_agg(_S.entity).label("members"),
        )
        .join(asked, and_(asked.c.school == _S.school_code, asked.c.grade == grade, asked.c["class"] == class_name))
        .where(STUDENTS.holds_on(day), _S.state == "enrolled")
        .group_by(_S.school_code, _S.stage, grade, class_name)
    )
    return [
        ClassOnDay(
            row.school_code, row.division_code or "", row.stage, row.grade, row.class_name, frozenset(row.members)
        )
        for row in rows
    ]
