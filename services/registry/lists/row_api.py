"""Single rows of agency lists over HTTP: recorded, taken off.

An agency's system may send thousands of rows one by one, each a request of its own. A row sent as the contract says is
answered on the event loop, those of one moment in one transaction; whatever else comes takes the framework's way to the
same function. What the framework does for a request costs more than recording the row.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
import structlog
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from services.registry import handlers
from services.registry.commands import RecordListEntries, RemoveListEntries
from services.registry.errors import EntryUnknown
from services.registry.events import ListName
from services.registry.handlers import Registry
from services.registry.keys import entry_record_key
from services.registry.lists import standing
from services.registry.lists.list_api import whose_list
from services.registry.lists.parts import file_part
from services.registry.lists.row_groups import RowWork, together
from services.registry.lists.single_rows import RowCells, names_school, row_fields, single_row
from services.registry.sheets.schools import SchoolDirectory
from shared.database.database import driver
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Row = Mapping[str, str | int | float | None]
log = structlog.get_logger(__name__)
permitted = require(Right.LISTS_SEND)
Sender = Annotated[Viewer, Depends(permitted)]
Agency = Annotated[str | None, Query(max_length=64, pattern=r"^[a-z_]+$")]
_LISTS = frozenset(get_args(ListName))
_NO_SCHOOLS = SchoolDirectory.of(())
_texts = msgspec.json.Decoder(dict[str, str | None])
_encoder = msgspec.json.Encoder()


class Recorded(BaseModel):
    """The entry of one row; the same answer however often it is sent."""

    entry_id: UUID
    event_ids: tuple[UUID, ...]
    problems: tuple[str, ...]


class Removal(BaseModel):
    """``on``: the first day off the list, default today."""

    model_config = ConfigDict(extra="forbid")

    on: date | None = None
    reason: Literal["withdrawn_by_agency", "died", "entered_in_error"] = "withdrawn_by_agency"


class Removed(BaseModel):
    """``event_ids`` is empty when the row had left before."""

    entry_id: UUID
    event_ids: tuple[UUID, ...]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _recording(routes, registry)
    _removing(routes, registry)
    return routes


def _recording(routes: APIRouter, registry: Registry) -> None:
    rows = together(registry)

    async def recorded(
        list_name: ListName, row: Row, request: Request, viewer: Viewer, agency: str | None, as_of: date | None
    ) -> Recorded:
        sender, day = whose_list(viewer, registry.division, list_name, agency), as_of or today()
        fields = row_fields(row)
        # A row that names no school needs none of them.
        directory = await run_sync(_schools, registry, day) if names_school(fields) else _NO_SCHOOLS
        read = single_row(list_name, 1, fields, directory)
        command = command_from(request, viewer, _encoder.encode(row))
        part = file_part(list_name, [read])
        result = await rows.soon(command, RowWork(RecordListEntries(sender, list_name, ((read, 1),), day), part))
        return Recorded(
            entry_id=registry.keys.entry(sender, list_name, part, entry_record_key(read), 1),
            event_ids=result.event_ids,
            problems=tuple(f"{each.field}:{each.code}" for each in read.problems),
        )

    class PlainRows(APIRoute):
        """Takes a row of texts for the viewer's own list past the framework."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            declared = super().get_route_handler()

            async def handle(request: Request) -> Response:
                row = await _row_of_texts(request)
                if row is None:
                    return await declared(request)
                viewer = await permitted(request)
                done = await recorded(request.path_params["list_name"], row, request, viewer, None, None)
                return Response(done.model_dump_json(), 201, media_type="application/json")

            return handle

    async def record(
        list_name: ListName,
        row: RowCells,
        request: Request,
        viewer: Sender,
        agency: Agency = None,
        as_of: date | None = None,
    ) -> Recorded:
        """One row as a JSON object under the office's own headers or the canonical field names; numbers are text."""
        return await recorded(list_name, row, request, viewer, agency, as_of)

    routes.add_api_route(
        "/lists/{list_name}/entries",
        record,
        methods=["POST"],
        status_code=201,
        route_class_override=PlainRows,
    )


async def _row_of_texts(request: Request) -> Mapping[str, str | None] | None:
    """The row of a request that says nothing else; None when the framework has to look at it."""
    plain = not request.scope["query_string"] and request.headers.get("content-type") == "application/json"
    if not plain or request.path_params["list_name"] not in _LISTS:
        return None
    try:
        return _texts.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _schools(registry: Registry, day: date) -> SchoolDirectory:
    with registry.database.writing() as connection:
        return standing.schools(driver(connection), day).directory


def _removing(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/lists/{list_name}/entries/{entry_id}/remove")
    def remove(list_name: ListName, entry_id: UUID, body: Removal, request: Request, viewer: Sender) -> Removed:
        """One row leaves its list; nothing when it does not stand there any more."""
        with registry.database.writing() as connection:
            found = standing.listed(driver(connection), entry_id)
        if (
            found is None
            or found[1] != list_name
            or not (viewer.scope.division is not None or viewer.scope.agency == found[0])
        ):
            log.warning("entry_outside_scope", viewer=viewer.principal, entry_id=str(entry_id))
            raise EntryUnknown(entry_id)
        intent = RemoveListEntries(found[0], list_name, (entry_id,), body.on or today(), body.reason)
        result = handlers.remove_list_entries(registry, intent, command_from(request, viewer, body))
        return Removed(entry_id=entry_id, event_ids=result.event_ids)
