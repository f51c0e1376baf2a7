"""属地: where children are registered of whom nobody told, by school as the office typed it or a child at a time."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.portal.aid.letters import Long, Opened, by_id, letters_page
from services.portal.backends import Backends, Refused
from services.portal.forms import command_of, text
from services.portal.session import permit
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
_FIELDS = ("school.", "place.")


@router.get("/letters/places")
async def places_address(request: Request) -> Response:
    """Where a reload after a refused place comes to."""
    return RedirectResponse(f"/letters?{request.url.query}", 303)


@router.post("/letters/places", dependencies=[permit(Right.LETTERS_KEEP)])
async def places(request: Request, opened: Opened, form: Long) -> Response:
    """A code or a name for a school's children or for one of them, all or none; who is left blank stays as she is. The
    address is that of the list, which is shown again with all that was typed."""
    backends: Backends = request.app.state.backends
    told = {
        "term": text(form, "term"),
        "place": request.query_params.get("place", ""),
        "children": [{"id": child, "place": place} for child, place in by_id(form, "place").items()],
        "schools": [{"id": school, "place": place} for school, place in by_id(form, "school").items()],
    }
    done = {"term": told["term"], "place": told["place"]}
    if not told["children"] and not told["schools"]:
        return RedirectResponse(f"/letters?{urlencode(done)}", 303)
    try:
        path = "/v1/elsewhere/places"
        await backends.post(opened.caller, "disbursement", path, told, command_id=command_of(form, told))
    except Refused as refused:
        typed = {
            name: value.strip()
            for name, value in form.multi_items()
            if isinstance(value, str) and name.startswith(_FIELDS)
        }
        return await letters_page(request, opened, refused, typed)
    return RedirectResponse(f"/letters?{urlencode(done | {'done': 'letter_places'})}", 303)
