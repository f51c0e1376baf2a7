"""What a route that gives data away must tell before its answer leaves: the mark of exports and of unmasked reads.

A route is marked by its rule: ``require(Right.X, exports=True)`` for a file, ``require(Right.X, reveals=True)`` for
fields in full. disclosing.py lets no answer of a marked route out that is not recorded; what only the route knows (how
many rows, for what purpose) it tells with :func:`tell`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.requests import Request

from shared.eventsourcing import appended
from shared.kernel.identifiers import new_event_id

if TYPE_CHECKING:
    from shared.web.viewers import Viewer

# Conditions whose values are codes and days. Whatever else is asked for may be a name or a number that was typed.
_SHOWN = frozenset({
    *("true_on", "known_at", "since", "until", "on", "day", "from", "to", "term", "list", "list_name", "agency"),
    *("school", "school_code", "class_name", "grade", "stage", "division", "place", "category", "state", "level"),
    *("mode", "effective_on", "view", "service", "log_index", "with_log", "status", "programme", "print", "kind"),
})  # fmt: skip
_LEFT_OUT = frozenset({"limit", "after", "purpose"})
_NAME = re.compile(r"[a-z_]{1,40}")
_SOMEBODYS = re.compile(r"(?<!\d)1\d{10}(?!\d)|\d{15}")  # a phone, a number of a person
LONGEST_VALUE = 64
MOST_FILTERS = 20
MASKED = "***"


@dataclass
class Disclosure:
    """What is known of one answer before it leaves. ``recorded``: events the route itself has appended."""

    viewer: Viewer
    route: str
    exports: bool
    reveals: bool
    recorded: list[UUID]
    filters: tuple[str, ...] = ()
    purpose: str | None = None
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None
    student_id: UUID | None = None
    export_id: UUID = field(default_factory=new_event_id)


_current: ContextVar[Disclosure | None] = ContextVar("rollcall_disclosure", default=None)


def begin(request: Request, viewer: Viewer, *, exports: bool, reveals: bool) -> None:
    """The rule of a marked route has let somebody in."""
    template = getattr(request.scope.get("route"), "path", request.url.path)
    found = Disclosure(viewer, f"{request.method} {template}", exports, reveals, appended.follow())
    found.filters = told({**request.path_params, **request.query_params})
    found.student_id = uuid_of(request.path_params.get("student_id"))
    request.state.disclosure = found
    _current.set(found)


def tell(
    *,
    rows: int | None = None,
    purpose: str | None = None,
    filters: Iterable[str] = (),
    student_id: UUID | None = None,
    file: Path | None = None,
) -> None:
    """What a marked route knows of its answer; ``file``: the whole of it, as it will be sent. Nothing happens where no
    answer is under way (a handler called by itself)."""
    found = _current.get()
    if found is None:
        return
    found.filters += tuple(filters)
    found.rows = found.rows if rows is None else rows
    found.purpose = purpose or found.purpose
    found.student_id = student_id or found.student_id
    if file is not None:
        found.size = file.stat().st_size
        with file.open("rb") as content:
            found.sha256 = hashlib.file_digest(content, "sha256").hexdigest()


def told(asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Conditions as they are recorded: name=value, values that somebody may have typed as ``***``."""
    found = []
    for name, value in sorted(asked.items())[:MOST_FILTERS]:
        if value in (None, "") or name in _LEFT_OUT or not _NAME.fullmatch(name):
            continue
        text = str(value)[:LONGEST_VALUE]
        shown = uuid_of(value) is not None or (name in _SHOWN and not _SOMEBODYS.search(text))
        found.append(f"{name}={text if shown else MASKED}")
    return tuple(found)


def uuid_of(value: Any) -> UUID | None:
    """The id that ``value`` is, None for anything else."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None
