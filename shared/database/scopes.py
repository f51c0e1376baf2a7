"""Who sees which rows, decided by the database itself (design.md §3, invariant 12).

A row is visible to the application when the scope's division is a prefix of its ``division_code``, or the scope's
school is its ``school_code``, or the scope's agency is its ``agency``. Nothing set shows no row.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from psycopg import sql

# Group roles without login; each service's own login roles are their members (see roles.py).
APP_ROLE = "rollcall_app"
WORKER_ROLE = "rollcall_worker"

_RULES = {
    "division_code": "(division_code ^@ nullif((SELECT current_setting('rollcall.division', true)), ''))",
    "school_code": "(school_code = nullif((SELECT current_setting('rollcall.school', true)), ''))",
    "agency": "(agency = nullif((SELECT current_setting('rollcall.agency', true)), ''))",
}


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
    """What one viewer may see. ``division`` is a prefix of division codes (2, 4, 6, 9 or 12 digits). Who sees a
    ``classroom`` has no ``school``: what does not ask for the class shows nothing, never the whole school.

    Raises ValueError for an empty text (an empty prefix would show everything) and for a class beside a school.
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

    def of_school(self, school_code: str | None) -> bool:
        """Whether it is a scope inside this school: all of it, or one of its classes."""
        own = self.school if self.classroom is None else self.classroom.school
        return own is not None and own == school_code


NO_SCOPE = Scope()


def scope_policies(schema: str, table: str, columns: Collection[str], *, public: bool = False) -> list[str]:
    """The DDL that puts ``schema.table`` with these ``columns`` under row-level security, with its grants.

    A table without any scope column is the worker's alone, unless declared ``public``: then every viewer reads it all.
    """
    name = sql.Identifier(schema, table).as_string()
    rules = ["true"] if public else [rule for column, rule in _RULES.items() if column in columns]
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
