"""Students by search keys, in the order of the key and within the viewer's rows, a page at a time.

Only comparisons of texts, ids and days stand in the conditions: they are leakproof, so the indexes of the keys serve
viewers too (design.md §3, invariant 12). A cursor names the last student shown, never a key: keys are personal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, select, text, true

from services.registry.queries import student_rows
from services.registry.search.search_box import KeyRange, Sought
from services.registry.sheets.schools import school_key
from services.registry.tables import SCHOOLS, STUDENTS
from shared.database.scopes import Scope
from shared.kernel.masking import mask_name
from shared.kernel.refusals import Malformed
from shared.web.pages import PageTurn

# A part of the division with more schools than this holds so many of its students that looking through all is quicker.
SCHOOLS_APART_MOST = 200
_AFTER_DIGITS = ":"  # the character behind 9: codes that begin with 4690 lie before 4690:

# Each student once: by her lowest key in the range, which is the one whose previous key lies before it.
_KEYS = """
SELECT k.key, k.entity FROM found_students_keys AS k{join}
WHERE k.key >= :low AND k.key < :high AND k.valid_from <= :day AND k.valid_to > :day
AND (k.previous IS NULL OR k.previous < :low){conditions}
ORDER BY k.key, k.entity LIMIT :rows
"""
_JOIN = " JOIN found_students AS s ON s.entity = k.entity AND s.valid_from = k.valid_from"
# Of a class or a grade of named schools all are looked at: no more than a few hundred.
_OF_CLASS = """
SELECT min(own.key COLLATE "C") AS key, s.entity FROM found_students AS s
CROSS JOIN LATERAL unnest(s.search_keys) AS own (key)
WHERE s.school_code = ANY(:schools) AND s.valid_from <= :day AND s.valid_to > :day
AND own.key COLLATE "C" >= :low AND own.key COLLATE "C" < :high{conditions}
GROUP BY s.entity{having} ORDER BY 1, 2 LIMIT :rows
"""
_NOT_FOUND_BEFORE = " AND NOT EXISTS (SELECT FROM unnest(s.search_keys) AS other (key) WHERE {earlier})"
_APART = """
SELECT found.key, found.entity FROM unnest(CAST(:schools AS text[])) AS apart (school_code)
CROSS JOIN LATERAL ({keys}) AS found ORDER BY found.key, found.entity LIMIT :rows
"""
_SAME_SCHOOL = ' AND k.school_code = apart.school_code COLLATE "C"'
_BEYOND = " AND (k.key, k.entity) > (:after_key, :after_entity)"
_HAVING_BEYOND = ' HAVING (min(own.key COLLATE "C"), s.entity) > (:after_key, :after_entity)'
_GRADES, _CLASSES = " AND s.grade = ANY(:grades)", " AND s.class_name = ANY(:classes)"
_SHOWN = text("""
SELECT s.entity, s.shown_name, s.shown_former_name, s.shown_id_number, s.shown_student_number, s.state,
       s.division_code, s.school_code, s.stage, s.grade, s.class_name
FROM found_students AS s
WHERE s.entity = ANY(:students) AND s.valid_from <= :day AND s.valid_to > :day
""")
_KEYS_OF = text("""
SELECT search_keys FROM found_students WHERE entity = :student AND valid_from <= :day AND valid_to > :day
""")
# From one (division, school) to the next through the index, whatever number of students lies between.
_SCHOOLS_WITHIN = text("""
WITH RECURSIVE places (division_code, school_code) AS (
    (SELECT division_code, school_code FROM found_students
     WHERE division_code >= :low AND division_code < :high ORDER BY division_code, school_code LIMIT 1)
    UNION ALL
    SELECT following.* FROM places CROSS JOIN LATERAL (
        SELECT f.division_code, f.school_code FROM found_students AS f
        WHERE (f.division_code, f.school_code) > (places.division_code, places.school_code) AND f.division_code < :high
        ORDER BY f.division_code, f.school_code LIMIT 1
    ) AS following
) SELECT school_code FROM places LIMIT :most
""")


# What a policy lets through is unknown to the planner, which takes it for little and reads and sorts a whole range.
# Going along the index in order never reads more than what is hidden from the viewer before the page is full, and a
# scope much narrower than the range is looked through school by school.
_IN_ORDER = text("""
SELECT set_config('enable_' || way, 'off', true)
FROM unnest(ARRAY['bitmapscan', 'seqscan', 'hashjoin', 'mergejoin', 'sort']) AS ways (way)
""")


class FoundStudent(BaseModel):
    """A student as a result shows her: masked."""

    student_id: UUID
    name: str
    former_name: str
    id_number: str
    student_number: str
    school_code: str | None
    school_name: str | None
    division_code: str | None
    stage: str | None
    grade: str | None
    class_name: str | None
    state: str | None


class Hit(NamedTuple):
    """``rank``: the range by which the student was found."""

    rank: int
    student: FoundStudent


class Places(NamedTuple):
    """Schools to look in one by one; None: everywhere at once."""

    schools: tuple[str, ...] | None


def every_student(connection: Connection, day: date, turn: PageTurn, school: str | None) -> list[FoundStudent]:
    """At most ``turn.fetch`` students by school and id, of one school where it is named; read from the register."""
    condition = true() if school is None else STUDENTS.c.school_code == school
    shown = FoundStudent.model_fields
    return [
        FoundStudent(
            former_name=mask_name(row.former_name), **{name: told[name] for name in shown if name != "former_name"}
        )
        for told, row in student_rows(connection, day, turn, condition)
    ]


def search(
    connection: Connection,
    sought: Sought,
    day: date,
    turn: PageTurn,
    scope: Scope,
    division: str,
    school: str | None = None,
) -> list[Hit]:
    """At most ``turn.fetch`` students, each once, in the order of the ranges and of their keys; of ``school`` only
    where it is named. ``division`` is the whole installation's. Raises Malformed for a cursor that leads
    nowhere any more."""
    connection.execute(_IN_ORDER)
    places = _places(connection, sought, day, scope, division, school)
    rank, after = _resumed(connection, sought.ranges, day, turn)
    found: list[tuple[int, UUID]] = []
    while rank < len(sought.ranges) and len(found) < turn.fetch:
        wanted = turn.fetch - len(found)
        found += [(rank, entity) for entity in _in_range(connection, sought, rank, day, places, after, wanted)]
        rank, after = rank + 1, None
    shown = {
        row.entity: row for row in connection.execute(_SHOWN, {"students": [entity for _, entity in found], "day": day})
    }
    names = _names(connection, {row.school_code for row in shown.values()}, day)
    return [Hit(rank, _student(shown[entity], names)) for rank, entity in found if entity in shown]


def _resumed(
    connection: Connection, ranges: Sequence[KeyRange], day: date, turn: PageTurn
) -> tuple[int, tuple[str, UUID] | None]:
    """Where the page before ended: the range, and the key under which its last student was found."""
    if turn.after is None:
        return 0, None
    match turn.after:
        case (int(rank), UUID() as student) if 0 <= rank < len(ranges):
            told = connection.execute(_KEYS_OF, {"student": student, "day": day}).scalar_one_or_none()
            keys = [key for key in told or () if ranges[rank].holds(key)]
            if keys:
                return rank, (min(keys), student)
    raise Malformed("查询结果已变化,请重新查询", "The results have changed; please search again")


def _places(
    connection: Connection, sought: Sought, day: date, scope: Scope, division: str, school: str | None
) -> Places:
    named = _named_schools(connection, sought.schools, day) if sought.schools else None
    if school is not None:
        named = {school} if named is None else named & {school}
    if scope.school is not None:
        return Places((scope.school,) if named is None or scope.school in named else ())
    if named is not None:
        return Places(tuple(sorted(named)))
    if scope.division is None or division.startswith(scope.division):
        return Places(None)
    bounds = {"low": scope.division, "high": scope.division + _AFTER_DIGITS, "most": SCHOOLS_APART_MOST + 1}
    within = [row.school_code for row in connection.execute(_SCHOOLS_WITHIN, bounds)]
    return Places(None if len(within) > SCHOOLS_APART_MOST else tuple(sorted(set(within))))


def _named_schools(connection: Connection, parts: Sequence[str], day: date) -> set[str]:
    """Codes of the schools whose name, or a former one, holds every part."""
    wanted = [school_key(part).upper() for part in parts]
    found = set()
    for row in connection.execute(
        select(SCHOOLS.c.code, SCHOOLS.c.name, SCHOOLS.c.former_names).where(SCHOOLS.holds_on(day))
    ):
        names = [school_key(name).upper() for name in (row.name, *(row.former_names or ()))]
        if any(all(part in name for part in wanted) for name in names):
            found.add(row.code)
    return found


def _names(connection: Connection, codes: Iterable[str], day: date) -> dict[str, str]:
    """Names of schools, asked for apart: joined to a page of students, every school would be looked at for each."""
    asked = select(SCHOOLS.c.code, SCHOOLS.c.name).where(SCHOOLS.holds_on(day), SCHOOLS.c.code.in_(list(codes)))
    return {row.code: row.name for row in connection.execute(asked)}


def _in_range(
    connection: Connection,
    sought: Sought,
    rank: int,
    day: date,
    places: Places,
    after: tuple[str, UUID] | None,
    wanted: int,
) -> list[UUID]:
    """Students of one range who are in no earlier one."""
    statement, values = statement_for(sought, rank, day, places, after, wanted)
    return [row.entity for row in connection.execute(text(statement), values)]


def statement_for(
    sought: Sought, rank: int, day: date, places: Places, after: tuple[str, UUID] | None, wanted: int
) -> tuple[str, dict[str, Any]]:
    """The SELECT of one range and its values."""
    here = sought.ranges[rank]
    values: dict[str, Any] = {"low": here.low, "high": here.high, "day": day, "rows": wanted}
    of_students, earlier = "", []
    for number, other in enumerate(sought.ranges[:rank]):
        values |= {f"low_{number}": other.low, f"high_{number}": other.high}
        earlier.append(f'other.key COLLATE "C" >= :low_{number} AND other.key COLLATE "C" < :high_{number}')
    if earlier:
        of_students += _NOT_FOUND_BEFORE.format(earlier=" OR ".join(f"({each})" for each in earlier))
    if sought.grades:
        of_students += _GRADES
        values["grades"] = list(sought.grades)
    if sought.classes:
        of_students += _CLASSES
        values["classes"] = list(sought.classes)
    if after is not None:
        values |= {"after_key": after[0], "after_entity": after[1]}
    if places.schools is not None:
        values["schools"] = list(places.schools)
        if sought.grades or sought.classes:
            return _OF_CLASS.format(conditions=of_students, having=_HAVING_BEYOND if after else ""), values
    beyond = _BEYOND if after else ""
    join = _JOIN if of_students else ""
    if places.schools is None:
        return _KEYS.format(join=join, conditions=beyond + of_students), values
    return _APART.format(keys=_KEYS.format(join=join, conditions=_SAME_SCHOOL + beyond + of_students)), values


def _student(row: Any, names: Mapping[str, str]) -> FoundStudent:
    return FoundStudent(
        student_id=row.entity,
        name=row.shown_name or "",
        former_name=row.shown_former_name or "",
        id_number=row.shown_id_number or "",
        student_number=row.shown_student_number or "",
        school_code=row.school_code,
        school_name=names.get(row.school_code),
        division_code=row.division_code,
        stage=row.stage,
        grade=row.grade,
        class_name=row.class_name,
        state=row.state,
    )
