"""``GET /v1/open-items``: what waits for a person at one service, as whoever asks may work on it.

Every service with waiting work serves the same shape, page by page, ordered by kind and id. A kind whose rights the
viewer's post does not hold is left out; of the others a viewer sees what row-level security shows, and of those bound
to a person what is bound to the viewer. Nothing here names anybody: an item says what it is about by list and row,
school, class or term, and its page says the rest to who may read it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from shared.standards.open_work import OPEN_WORK, Kind, kinds_of, rights_of
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

PATH = "/v1/open-items"
FIRST = UUID(int=0)  # ids are greater than this one
Turn = Annotated[PageTurn, Depends(page_turn)]
Wanted = Annotated[list[Kind] | None, Query(alias="kind", max_length=len(Kind))]


class OpenItem(BaseModel):
    """``about``: list and row, school, class, term: nothing personal. ``count``: of how many matters it consists (money
    waits by school and term). ``due``: by when it should be done. ``path``: its page. ``assigned_to``: the account it
    is bound to, None: whoever holds the post."""

    kind: Kind
    item_id: UUID
    about: str
    since: date | None
    due: date | None = None
    path: str
    count: int = 1
    assigned_to: str | None = None


Read = Callable[[Viewer, UUID, int], Sequence[OpenItem]]


class Source(NamedTuple):
    """A kind and how it is read: the viewer's items with an id beyond the given one, by id, at most so many."""

    kind: Kind
    read: Read


def open_item_routes(service: str, sources: Sequence[Source]) -> APIRouter:
    """The route. Raises ValueError unless ``sources`` are exactly the kinds declared for the service."""
    ordered = sorted(sources, key=lambda source: source.kind)
    if tuple(source.kind for source in ordered) != kinds_of(service):
        raise ValueError(f"{service} serves other kinds of open items than open_work.py declares")
    rule = require(*rights_of(service))
    routes = APIRouter()

    @routes.get(PATH)
    def open_items(turn: Turn, wanted: Wanted = None, viewer: Viewer = Depends(rule)) -> Page[OpenItem]:
        """What waits for the viewer's post here, or for the viewer in it; of every kind, or of those named."""
        asked = [source for source in ordered if wanted is None or source.kind in wanted]
        return page_of(_items(asked, viewer, turn), turn, key=lambda item: (item.kind.value, item.item_id))

    return routes


def _items(sources: Sequence[Source], viewer: Viewer, turn: PageTurn) -> list[OpenItem]:
    kind, after = "", FIRST
    if turn.after is not None:
        if [type(part) for part in turn.after] != [str, UUID]:
            turn.beyond()  # refuses another list's cursor
        kind, after = turn.after
    found: list[OpenItem] = []
    for source in sources:
        if source.kind < kind or not viewer.has(*OPEN_WORK[source.kind].rights):
            continue
        beyond = after if source.kind == kind else FIRST
        found += source.read(viewer, beyond, turn.fetch - len(found))
        if len(found) >= turn.fetch:
            break
    return found
