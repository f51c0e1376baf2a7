"""A replay for a school or a part of the division: the scratch tables go under the same row-level security as the live
ones, and the view's query runs as the application role with that scope (invariant 12)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors, sql

from services.audit.errors import WholeDivisionOnly
from services.audit.replays.folding import Folded, schema_of
from shared.database.database import driver
from shared.database.scopes import APP_ROLE, Scope, scope_policies
from shared.standards.division import within


def check_scope(viewer: Scope, asked: Scope | None, division: str) -> None:
    """Whether a viewer may ask for this part of ``division``, None = all of it. Raises WholeDivisionOnly."""
    if viewer.holds(division):
        return
    if asked is not None:
        if asked.school is not None and asked.division is None and asked.school == viewer.school:
            return
        inside = asked.division is not None and viewer.division is not None
        if inside and asked.school is None and within(str(asked.division), str(viewer.division)):
            return
    raise _whole_only()


def check_log(viewer: Scope, division: str) -> None:
    """Whether a viewer may be given whole logs: they hold everybody's events. Raises WholeDivisionOnly."""
    if viewer.division is None or not within(division, viewer.division):
        raise WholeDivisionOnly(
            "只有全县范围的人员可以附上全部原始记录", "only who sees the whole division may take all records along"
        )


@contextmanager
def narrowed(folded: Folded, scope: Scope | None) -> Iterator[None]:
    """Within the block only rows of ``scope`` are seen; None = all. Raises WholeDivisionOnly for a table that is
    nobody's part."""
    if scope is None:
        yield
        return
    raw = driver(folded.connection)
    _guard(raw, folded)
    for name, value in scope.settings.items():
        raw.execute("SELECT set_config(%s, %s, true)", (f"rollcall.{name}", value))
    raw.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(APP_ROLE)))
    try:
        yield
    except Exception as failed:
        cause = getattr(failed, "orig", failed)
        if isinstance(cause, errors.InsufficientPrivilege):
            raise _whole_only() from failed
        raise
    raw.execute("RESET ROLE")


def _guard(raw: psycopg.Connection[Any], folded: Folded) -> None:
    app = sql.Identifier(APP_ROLE)
    for name, projection in folded.projections.items():
        place = schema_of(folded.schema, name)
        raw.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(place), app))
        for table in projection.tables:
            children = table.of_children_in(projection.tables)
            rules = scope_policies(place, table.name, table.columns, public=table.public, of_children=children)
            for statement in rules:
                raw.execute(statement.encode())
            shown = sql.Identifier(folded.schema, folded.shown_as(name, table))
            raw.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(shown, app))
    raw.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(folded.schema), app))
    allowed = raw.execute("SELECT pg_has_role(current_user, %s, 'SET')", (APP_ROLE,)).fetchone()
    if allowed is None or not allowed[0]:  # the owner made this role, so it may take it on; undone with the rest
        raw.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(app))


def _whole_only() -> WholeDivisionOnly:
    return WholeDivisionOnly(
        "只有全县范围的人员可以回放;学校只能回放本校的名单",
        "only who sees the whole division may replay it; a school may replay its own part",
    )
