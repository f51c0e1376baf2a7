"""Who sees which rows, decided by the database itself (design.md §3, invariant 12).

A row is visible to the application when the scope's division is a prefix of its ``division_code``, or the scope's
school is its ``school_code``, or the scope's agency is its ``agency``, or the scope's class is its class: by its own
``stage``, ``grade`` and ``class_name``, else by whose row it is, when the table says where children and their classes
stand. Nothing set shows no row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import sql
from sqlalchemy import Connection, and_, true
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import ColumnElement

from shared.standards.division import scope as shortest
from shared.standards.division import within

# Group roles without login; each service's own login roles are their members (see roles.py).
APP_ROLE = "rollcall_app"
WORKER_ROLE = "rollcall_worker"

_RULES = {
    "division_code": "(division_code ^@ nullif((SELECT current_setting('rollcall.division', true)), ''))",
    "school_code": "(school_code = nullif((SELECT current_setting('rollcall.school', true)), ''))",
    "agency": "(agency = nullif((SELECT current_setting('rollcall.agency', true)), ''))",
}
_CLASS_COLUMNS = frozenset({"school_code", "stage", "grade", "class_name"})
_CLASS = """(school_code = nullif((SELECT current_setting('rollcall.class_school', true)), '')
 AND (SELECT current_setting('rollcall.class_stage', true)) IN ('', stage)
 AND grade = (SELECT current_setting('rollcall.class_grade', true))
 AND class_name = (SELECT current_setting('rollcall.class_name', true)))"""
# A class has some fifty children: they are found once per statement and each row is looked up among them.
_OF_CHILDREN = """(school_code = nullif((SELECT current_setting('rollcall.class_school', true)), '')
 AND {child} IN (SELECT entity FROM {children} WHERE {its_class} AND valid_from <= {today} AND valid_to > {today}))"""
_TODAY = "(now() AT TIME ZONE 'Asia/Shanghai')::date"


class OfChildren(NamedTuple):
    """``column`` names the child a row is about, ``table`` the table of periods whose entities are the children, with
    their ``school_code``, ``stage``, ``grade`` and ``class_name``."""

    column: str
    table: str


@dataclass(frozen=True)
class Classroom:
    """One class of one school, as the register writes it: stage primary, grade 五年级, name 1班. An empty ``stage`` is
    any. Raises ValueError for an empty school, grade or name: that would be more than one class."""

    school: str
    stage: str
    grade: str
    name: str

    def __post_init__(self) -> None:
        if not (self.school and self.grade and self.name):
            raise ValueError("a class has a school, a grade and a name")


@dataclass(frozen=True)
class Scope:
    """What one viewer may see. ``division`` is a prefix of division codes (2, 4, 6, 9 or 12 digits), kept as the
    shortest that names the same area: who answers for 469000 answers for 469001, and their codes begin alike only in
    4690. Who sees a ``classroom`` has no ``school``: what does not ask for the class shows nothing, never the whole
    school.

    Raises ValueError for an empty text (an empty prefix would show everything), for a division that is none
    (DivisionCodeError) and for a class beside a school.
    """

    division: str | None = None
    school: str | None = None
    agency: str | None = None
    classroom: Classroom | None = None

    def __post_init__(self) -> None:
        if "" in (self.division, self.school, self.agency):
            raise ValueError("an empty scope is written as None")
        if self.classroom is not None and self.school is not None:
            raise ValueError("a class is a narrower scope than its school: give one of them")
        if self.division is not None:
            object.__setattr__(self, "division", shortest(self.division))

    def holds(self, division: str) -> bool:
        """Whether all of ``division`` is within. Raises DivisionCodeError."""
        return self.division is not None and within(division, self.division)

    @property
    def settings(self) -> dict[str, str]:
        """What the policies compare with, by the name of the setting after ``rollcall.``; empty where nothing is."""
        place = self.classroom
        return {
            "division": self.division or "",
            "school": self.school or "",
            "agency": self.agency or "",
            "class_school": "" if place is None else place.school,
            "class_stage": "" if place is None else place.stage,
            "class_grade": "" if place is None else place.grade,
            "class_name": "" if place is None else place.name,
        }

    def covers(
        self,
        division_code: str | None,
        school_code: str | None,
        *,
        classroom: tuple[str | None, str | None, str | None] | None = None,
    ) -> bool:
        """The rule of row-level security, for a stream that is not read through it. ``classroom``: stage, grade and
        class it is of; what is in no class is no class's."""
        if self.division is not None and (division_code or "").startswith(self.division):
            return True
        if self.school is not None and self.school == school_code:
            return True
        own = self.classroom
        if own is None or classroom is None:
            return False
        stage, grade, name = classroom
        return (own.school, own.grade, own.name) == (school_code, grade, name) and own.stage in ("", stage)

    def of_school(self, school_code: str | None) -> bool:
        """Whether it is a scope inside this school: all of it, or one of its classes."""
        own = self.school if self.classroom is None else self.classroom.school
        return own is not None and own == school_code


NO_SCOPE = Scope()


def own_rows(connection: Connection, columns: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[bool]:
    """What the policies say anyway of a reader of one school or class, as a condition that the planner can use: a
    policy is a disjunction, and no index serves one. The policies stay what guards. ``connection``: that of
    ``Database.reading``."""
    scope: Scope = connection.get_execution_options().get("scope", NO_SCOPE)
    place = scope.classroom
    if scope.division is not None or scope.agency is not None or "school_code" not in columns:
        return true()
    school = scope.school if place is None else place.school
    if school is None:
        return true()
    own: ColumnElement[bool] = columns["school_code"] == school
    if place is None or not {"grade", "class_name"} <= set(columns.keys()):
        return own
    return and_(own, columns["grade"] == place.grade, columns["class_name"] == place.name)


def scope_policies(
    schema: str, table: str, columns: Collection[str], *, public: bool = False, of_children: OfChildren | None = None
) -> list[str]:
    """The DDL that puts ``schema.table`` with these ``columns`` under row-level security, with its grants.

    A table without any scope column is the worker's alone, unless declared ``public``: then every viewer reads it all.
    ``of_children``: how its rows belong to children whose classes another table of the schema tells.
    """
    name = sql.Identifier(schema, table).as_string()
    rules = ["true"] if public else [*_rules(schema, columns, of_children)]
    statements = [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {WORKER_ROLE}",
        f"CREATE POLICY worker ON {name} TO {WORKER_ROLE} USING (true) WITH CHECK (true)",
    ]
    if rules:
        statements.append(f"GRANT SELECT ON {name} TO {APP_ROLE}")
        statements.append(f"CREATE POLICY viewer ON {name} FOR SELECT TO {APP_ROLE} USING ({' OR '.join(rules)})")
    return statements


def _rules(schema: str, columns: Collection[str], of_children: OfChildren | None) -> Iterator[str]:
    yield from (rule for column, rule in _RULES.items() if column in columns)
    if set(columns) >= _CLASS_COLUMNS:
        yield _CLASS
    elif of_children is not None and "school_code" in columns:
        yield _OF_CHILDREN.format(
            child=sql.Identifier(of_children.column).as_string(),
            children=sql.Identifier(schema, of_children.table).as_string(),
            its_class=_CLASS,
            today=_TODAY,
        )
